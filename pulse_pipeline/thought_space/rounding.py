"""Dot products of vectors rounded to bfloat16, and by how much they may differ from the real ones.

A CPU with instructions for it multiplies more than twice as many such numbers a second as float32.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

ROUNDING = 2.0**-8
"""Relative error of a number rounded to the eight significant bits of bfloat16."""

SUMMING = 2.0**-22
"""Relative error a term of two sums of products in float32: 2^-24 each for a product and for its addition."""

INSTRUCTIONS = ("avx512_bf16", "amx_bf16")


@dataclass(frozen=True)
class Rounded:
    """Vectors in bfloat16.

    Attributes:
        vectors: The vectors [n, d].
        lengths: Their lengths [n].
        errors: Lengths of what rounding changed [n].
    """

    vectors: Tensor
    lengths: Tensor
    errors: Tensor

    @classmethod
    def of(cls, vectors: Tensor) -> "Rounded":
        """Round vectors [n, d]."""
        rounded = vectors.bfloat16()
        return cls(rounded, vectors.norm(dim=1), (vectors - rounded).norm(dim=1))


def largest_error(queries: Rounded, items: Rounded) -> Tensor:
    """How far a query's products with rounded items, in bfloat16, are from those in float32 at most [m].

    |q.x - q'.x'| <= |q - q'| |x| + |q'| |x - x'| by Cauchy and Schwarz. Both products are sums in float32,
    and one of them is rounded once more.
    """
    longest, furthest = items.lengths.max(), items.errors.max()
    widest = queries.lengths + queries.errors
    of_vectors = queries.errors * longest + widest * furthest
    of_products = (ROUNDING + SUMMING * queries.vectors.shape[1]) * widest * (longest + furthest)
    return of_vectors + of_products


def pays(device: torch.device) -> bool:
    """Whether products of rounded vectors are faster here than those of float32."""
    able = torch.cpu.get_capabilities()
    return device.type == "cpu" and any(able.get(name, False) for name in INSTRUCTIONS)
