"""Who trains: one process alone, or several that each take their share of every batch."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor


class Workers(Protocol):
    """The processes of one training, seen from one of them.

    All hold the same weights and draw the same chances, so that each knows every batch and encodes its
    histories whole; they share out the predictions, which is where the time goes: the softmax over the
    catalogue. The contrast thus has all its negatives in every process and nothing is gathered; only
    gradients are added up, once a step. What comes out is what one process computes, but for rounding.
    """

    index: int
    count: int

    def add_up(self, values: Tensor) -> None:
        """Replace values by their sums over all processes."""
        ...

    def add_gradients(self, parameters: list[Tensor]) -> None:
        """Replace gradients by their sums over all processes."""
        ...


class Alone:
    """One process, which has nobody to agree with."""

    index, count = 0, 1

    def add_up(self, values: Tensor) -> None:
        """Leave the values as they are."""

    def add_gradients(self, parameters: list[Tensor]) -> None:
        """Leave the gradients as they are."""


class Together:
    """One of several processes that torch.distributed has brought together."""

    def __init__(self) -> None:
        """Take part in the default process group."""
        self.index, self.count = dist.get_rank(), dist.get_world_size()

    def add_up(self, values: Tensor) -> None:
        """Add up over the process group."""
        dist.all_reduce(values)

    def add_gradients(self, parameters: list[Tensor]) -> None:
        """Add up in one exchange; a parameter that has a gradient nowhere stays without."""
        there = torch.stack([parameters[0].new_tensor(float(p.grad is not None)) for p in parameters])
        gradients = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters]
        everything = torch.cat([*gradients, there])
        self.add_up(everything)
        *sums, there = torch.split(everything, [*(p.numel() for p in parameters), len(parameters)])
        for parameter, gradient, present in zip(parameters, sums, there.tolist(), strict=True):
            parameter.grad = gradient.view_as(parameter) if present else None


ALONE = Alone()


@contextmanager
def launched() -> Iterator[Workers]:
    """The processes that ``torchrun`` has launched, each on a GPU of its own where there are GPUs."""
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Together()
    finally:
        dist.destroy_process_group()
