"""The k best columns of each row of a score matrix too large to be looked through twice.

The matrix comes in pieces of columns, from left to right. A piece is read once, for the largest score of
each run of columns. The k-th largest of all such maxima is a score that the k best reach: only the runs
that reach it are looked into, and only what reaches it there is kept.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from pulse_pipeline.thought_space.data import FloatArray, IntArray

RUN = 64

Entries = tuple[IntArray, IntArray]
"""Rows and columns."""


def largest(scores: FloatArray, masked: Entries, k: int) -> tuple[IntArray, FloatArray]:
    """Find the k largest scores of each row of a whole matrix; see `Best`."""
    best = Best(len(scores), k)
    best.take(0, scores, masked)
    return best.ranked()


class Best:
    """The k largest scores of each row; of equal ones the earlier column comes first."""

    def __init__(self, rows: int, k: int) -> None:
        """Begin with nothing taken.

        Args:
            rows: How many rows the matrix has.
            k: How many of each are wanted.
        """
        self._k = k
        self._maxima = np.full((rows, k), -np.inf, dtype=np.float32)
        nothing = np.empty(0, dtype=np.int64)
        self._kept = [(nothing, nothing, np.empty(0, dtype=np.float32))]

    @property
    def spoilt(self) -> bool:
        """Whether a score that was taken is no number."""
        return bool(np.isnan(self._maxima).any())

    def take(self, first: int, scores: FloatArray, masked: Entries) -> None:
        """Look through the next piece.

        Args:
            first: Its first column in the whole matrix.
            scores: Its scores, left as they are [rows, columns].
            masked: Rows and columns of the whole matrix that count as -inf.
        """
        masked = _within(masked, first, scores.shape[1])
        maxima = _maxima(scores, masked)
        self._maxima = np.partition(np.hstack([self._maxima, maxima]), -self._k, axis=1)[:, -self._k :]
        reached = self._maxima.min(axis=1)
        rows, runs = np.nonzero(maxima >= reached[:, None])
        found = _columns_of(scores, rows, runs)
        found[_places(masked, rows, runs, maxima.shape)] = -np.inf
        good = (found >= reached[rows, None]) & ~np.isneginf(found)
        where, offsets = np.nonzero(good)
        self._kept.append((rows[where], first + runs[where] * RUN + offsets, found[good]))

    def ranked(self) -> tuple[IntArray, FloatArray]:
        """What was found, best first; -1 and -inf where a row has fewer than k [rows, k], [rows, k]."""
        rows, columns, scores = (np.concatenate(parts) for parts in zip(*self._kept, strict=True))
        order = np.lexsort((columns, -scores, rows))
        rows, columns, scores = rows[order], columns[order], scores[order]
        places = np.arange(len(rows)) - np.searchsorted(rows, rows)
        chosen = places < self._k
        listed = np.full(self._maxima.shape, -1, dtype=np.int64)
        best = np.full(self._maxima.shape, -np.inf, dtype=np.float32)
        listed[rows[chosen], places[chosen]] = columns[chosen]
        best[rows[chosen], places[chosen]] = scores[chosen]
        return listed, best


def _within(masked: Entries, first: int, width: int) -> Entries:
    """The entries that lie in a piece, by its own columns."""
    rows, columns = masked
    inside: NDArray[np.bool_] = (columns >= first) & (columns < first + width)
    return rows[inside], columns[inside] - first


def _maxima(scores: FloatArray, masked: Entries) -> FloatArray:
    """Largest score of each run, the last one perhaps shorter [m, n_runs]."""
    whole = scores.shape[1] // RUN * RUN
    # Torch reads runs this short several times as fast as numpy.
    tensor = torch.from_numpy(np.require(scores, requirements=["C", "W"]))
    parts = [tensor[:, :whole].reshape(len(scores), whole // RUN, RUN).amax(dim=2)]
    if whole < scores.shape[1]:
        parts.append(tensor[:, whole:].amax(dim=1, keepdim=True))
    maxima = torch.cat(parts, dim=1).numpy()
    rows, columns = masked
    touched, which = np.unique(rows * maxima.shape[1] + columns // RUN, return_inverse=True)
    rows_touched, runs_touched = np.divmod(touched, maxima.shape[1])
    inside = _columns_of(scores, rows_touched, runs_touched)
    inside[which, columns % RUN] = -np.inf
    maxima[rows_touched, runs_touched] = inside.max(axis=1, initial=-np.inf)
    return np.asarray(maxima)


def _columns_of(scores: FloatArray, rows: IntArray, runs: IntArray) -> FloatArray:
    """Scores inside runs, -inf beyond the last column [len(runs), RUN]."""
    columns = runs[:, None] * RUN + np.arange(RUN)
    inside = scores[rows[:, None], np.minimum(columns, scores.shape[1] - 1)]
    inside[columns >= scores.shape[1]] = -np.inf
    return np.asarray(inside)


def _places(masked: Entries, rows: IntArray, runs: IntArray, shape: tuple[int, ...]) -> Entries:
    """Where the masked entries lie among the columns of the chosen runs."""
    chosen = np.full(shape, -1)
    chosen[rows, runs] = np.arange(len(rows))
    found = chosen[masked[0], masked[1] // RUN]
    inside = found >= 0
    return found[inside], (masked[1] % RUN)[inside]
