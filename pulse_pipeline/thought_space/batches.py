"""Training examples: windows of histories, drawn a domain at a time."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, IntArray


@dataclass(frozen=True)
class Window:
    """A piece of a user's training sequence.

    Attributes:
        user: Index of the user.
        items: Consecutive training items, at least two.
        spoken: Which of the items the user's rationales speak about, if there is one before it; else -1.
        disliked: Which of the items the user rated low [len(items)].
    """

    user: int
    items: IntArray
    spoken: int
    disliked: NDArray[np.bool_]


@dataclass(frozen=True)
class Batch:
    """Windows side by side, padded at the end.

    Attributes:
        users: Index of each window's user [b].
        histories: Items that are inputs; padding repeats the first one [b, length].
        targets: The item after each input, -1 where padded [b, length].
        spoken: Column of the target that the user's rationales speak about, 0 where they do not [b].
        speaks: Whether they speak about a target of this window [b].
        disliked: Which inputs the user rated low; None where nobody did [b, length].
    """

    users: IntArray
    histories: Tensor
    targets: Tensor
    spoken: Tensor
    speaks: Tensor
    disliked: Tensor | None


@dataclass(frozen=True)
class Share:
    """What one pass of one process predicts of a batch: every `of`-th row from `index` on."""

    index: int = 0
    of: int = 1

    @property
    def rows(self) -> slice:
        """Selects the rows."""
        return slice(self.index, None, self.of)


WHOLE = Share()


def windows(data: DomainData, length: int) -> list[Window]:
    """Cut each training prefix from its end into windows of `length` inputs and one target more."""
    found = []
    for user, sequence in enumerate(data.sequences):
        end = int(data.n_train[user])
        spoken = -1 if data.rationales is None else int(data.rationales.spoken[user])
        while end >= 2:
            start = max(0, end - length - 1)
            items, about = sequence[start:end], spoken - start if start < spoken < end else -1
            found.append(Window(user, items, about, data.dislikes(user, items)))
            end = start + 1
    return found


def collate(chosen: list[Window], device: torch.device) -> Batch:
    """Put windows into one padded batch."""
    length = max(len(window.items) for window in chosen) - 1
    histories = np.zeros((len(chosen), length), np.int64)
    targets = np.full((len(chosen), length), -1, np.int64)
    disliked = np.zeros((len(chosen), length), np.bool_)
    for row, window in enumerate(chosen):
        n = len(window.items) - 1
        histories[row] = window.items[0]
        histories[row, :n] = window.items[:-1]
        targets[row, :n] = window.items[1:]
        disliked[row, :n] = window.disliked[:-1]
    return Batch(
        users=np.array([window.user for window in chosen]),
        histories=torch.from_numpy(histories).to(device),
        targets=torch.from_numpy(targets).to(device),
        spoken=torch.tensor([max(window.spoken - 1, 0) for window in chosen], device=device),
        speaks=torch.tensor([window.spoken > 0 for window in chosen], device=device),
        disliked=torch.from_numpy(disliked).to(device) if disliked.any() else None,
    )


class Shuffled:
    """Endless batches of windows, each seen once a round, in an order drawn anew each round."""

    def __init__(self, pool: list[Window], size: int, rng: np.random.Generator) -> None:
        """Draw batches of at most `size` windows from a pool that is not empty."""
        self._pool, self._size, self._rng = pool, size, rng
        self.left: list[int] = []
        """Indices of the windows that this round has not drawn yet, in order."""

    def draw(self) -> list[Window]:
        """The next batch."""
        if not self.left:
            self.left = self._rng.permutation(len(self._pool)).tolist()
        chosen, self.left = self.left[: self._size], self.left[self._size :]
        return [self._pool[index] for index in chosen]


def steps_an_epoch(sizes: list[int], config: ThoughtSpaceConfig) -> int:
    """As many steps as it takes to see every window once, small mixes some more; 0 without windows."""
    if not sum(sizes):
        return 0
    return max(config.least_steps, sum(-(-size // config.batch_size) for size in sizes))


def schedule(sizes: list[int], config: ThoughtSpaceConfig, rng: np.random.Generator) -> IntArray:
    """Which domain each step of an epoch takes its batch from.

    Domains are drawn in proportion to the root of their size, so that a small one is not drowned.

    Args:
        sizes: Windows of each domain [n_domains].
        config: Names the windows a step and the least steps.
        rng: Source of chance.

    Returns:
        Index of a domain for each step; empty where there is nothing to learn from.
    """
    if not sum(sizes):
        return np.empty(0, np.int64)
    weight = np.sqrt(np.asarray(sizes, float))
    return rng.choice(len(sizes), size=steps_an_epoch(sizes, config), p=weight / weight.sum())
