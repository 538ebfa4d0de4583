"""Scores as products: of users with items, plus what an item scores for anybody, plus a few counts.

A matrix of scores is never whole: it comes in pieces of items. Where the CPU is faster at it, the product
may be that of rounded vectors, with a bound on its error.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from pulse_pipeline.thought_space.data import FloatArray, IntArray
from pulse_pipeline.thought_space.following import Followed
from pulse_pipeline.thought_space.rounding import SUMMING, Rounded, largest_error

GATHERED = 2**23
"""Numbers of item vectors laid out beside users at once: 32 MiB of float32."""


@dataclass(frozen=True)
class RoughScores:
    """Scores that take less time than the real ones.

    Attributes:
        pieces: All of them, so many items at a time; a piece is overwritten by the next.
        error: By how much each user's may differ from the real ones [m].
        real: Real scores of a few items of each user, any number for item -1 [m, k] -> [m, k].
    """

    pieces: Iterator[FloatArray]
    error: FloatArray
    real: Callable[[IntArray], FloatArray]


@dataclass(frozen=True)
class Factors:
    """What the scores of m users are made of.

    Attributes:
        queries: Users, scaled [m, d].
        items: The other side of the dot product [n, d].
        bias: What an item scores for anybody [n].
        followed: What follows the users' last items.
    """

    queries: Tensor
    items: Tensor
    bias: Tensor
    followed: Followed

    def pieces(self, width: int) -> Iterator[FloatArray]:
        """Yield all scores, `width` items at a time [m, width]; a piece is overwritten by the next."""
        for part, scores in self._unwritten(width):
            _multiply(self.queries, self.items[part], self.bias[part], scores)
            self._add_followed(part, scores)
            yield scores

    def rough(self, width: int, items: Rounded) -> RoughScores:
        """All scores by rounded vectors, on a CPU.

        Args:
            width: Items at a time.
            items: The items, rounded.
        """
        queries = Rounded.of(self.queries)
        error = largest_error(queries, items)
        # Sums with what is added are rounded too, of rough scores and of real ones.
        added = float(self.bias.abs().max()) + float(np.abs(self.followed.values).max(initial=0.0))
        error += SUMMING * (added + queries.lengths * items.lengths.max())
        pieces = self._rough_pieces(width, queries.vectors, items.vectors)
        return RoughScores(pieces, error.numpy(), self.scores_of)

    def scores_of(self, items: IntArray) -> FloatArray:
        """Scores of a few items of each user, any number for item -1 [m, k] -> [m, k]."""
        places = torch.from_numpy(items).to(self.items.device)
        few = max(1, GATHERED // max(1, items.shape[1] * self.items.shape[1]))
        products = [
            torch.bmm(self.items[places[part]], self.queries[part, :, None])[:, :, 0]
            for part in (slice(first, first + few) for first in range(0, len(places), few))
        ]
        entries = (self.followed.values, (self.followed.rows, self.followed.columns))
        counted = sparse.csr_matrix(entries, shape=(len(self.queries), len(self.items)))
        found: FloatArray = counted[np.arange(len(items))[:, None], items].toarray()
        return array(torch.cat(products) + self.bias[places]) + found

    def _rough_pieces(self, width: int, queries: Tensor, items: Tensor) -> Iterator[FloatArray]:
        for part, scores in self._unwritten(width):
            # Widened before the sum: torch adds mixed numbers ten times as slowly.
            torch.from_numpy(scores).copy_(queries @ items[part].T).add_(self.bias[part])
            self._add_followed(part, scores)
            yield scores

    def _unwritten(self, width: int) -> Iterator[tuple[slice, FloatArray]]:
        """Which items, and where their scores are to be written [m, width]; the next overwrites them."""
        m, n = len(self.queries), len(self.items)
        room = np.empty(m * min(width, n), dtype=np.float32)
        for first in range(0, n, width):
            part = slice(first, min(first + width, n))
            shape = m, part.stop - first
            yield part, room[: math.prod(shape)].reshape(shape)

    def _add_followed(self, part: slice, scores: FloatArray) -> None:
        rows, columns, values = self.followed.rows, self.followed.columns, self.followed.values
        few = slice(*np.searchsorted(columns, (part.start, part.stop)))
        scores[rows[few], columns[few] - part.start] += values[few]  # no place is named twice


def array(tensor: Tensor) -> FloatArray:
    """A tensor as float32 outside torch."""
    return np.asarray(tensor.float().cpu().numpy(), dtype=np.float32)


def _multiply(queries: Tensor, items: Tensor, bias: Tensor, scores: FloatArray) -> None:
    """Write dot products, and what an item scores for anybody, over scores [m, d], [n, d], [n], [m, n]."""
    if queries.device.type != "cpu":
        scores[:] = array(torch.addmm(bias, queries, items.T))
    elif len(queries) == 1:  # read as a vector: a product of matrices would first copy the items
        torch.addmv(bias, items, queries[0], out=torch.from_numpy(scores[0]))
    else:
        torch.addmm(bias, queries, items.T, out=torch.from_numpy(scores))
