"""The k best columns of each row of a score matrix too large to be looked through twice.

The matrix comes in pieces of columns, from left to right. A piece is read once, for the largest score of
each run of columns; only the k best runs are looked into. No column outside them can be among the k best:
each of those runs holds a column that comes before it.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from pulse_pipeline.thought_space.data import FloatArray, IntArray

RUN = 64

Entries = tuple[IntArray, IntArray]
"""Rows and columns."""


def largest(scores: FloatArray, masked: Entries, k: int) -> tuple[IntArray, FloatArray]:
    """Find the k largest scores of each row of a whole matrix.

    Args:
        scores: Scores without NaN, left as they are [m, n].
        masked: Rows and columns of the entries that count as -inf.
        k: How many.

    Returns:
        Columns and scores, best first; -1 and -inf where fewer than k are above -inf [m, k], [m, k].
    """
    best = Best(len(scores), k)
    best.take(0, scores, masked)
    return best.columns, best.scores


class Best:
    """The k largest scores of each row so far; of equal ones the earlier column comes first."""

    def __init__(self, rows: int, k: int) -> None:
        """Begin with nothing taken.

        Args:
            rows: How many rows the matrix has.
            k: How many of each are wanted.
        """
        self.columns: IntArray = np.full((rows, k), -1, dtype=np.int64)
        """Best first; -1 where fewer than k are above -inf [rows, k]."""
        self.scores: FloatArray = np.full((rows, k), -np.inf, dtype=np.float32)
        """Their scores, -inf beside -1 [rows, k]."""

    def take(self, first: int, scores: FloatArray, masked: Entries) -> None:
        """Look through the next piece.

        Args:
            first: Its first column in the whole matrix.
            scores: Its scores without NaN, left as they are [rows, columns].
            masked: Rows and columns of the whole matrix that count as -inf.
        """
        k = self.columns.shape[1]
        masked = _within(masked, first, scores.shape[1])
        maxima = _maxima(scores, masked)
        runs = _best_columns(maxima, min(k, maxima.shape[1]))
        peaks = np.take_along_axis(maxima, runs, axis=1)
        # Of k runs each holds a column that reaches the least of their peaks. An equal score further left
        # comes before.
        reached = peaks.min(axis=1) if runs.shape[1] == k else np.full(len(peaks), -np.inf)
        rows, places = np.nonzero(peaks > self.scores[:, -1:])
        chosen = runs[rows, places]
        found = _columns_of(scores, rows, chosen)
        found[_places(masked, rows, chosen, maxima.shape)] = -np.inf
        good = (found > self.scores[rows, -1:]) & (found >= reached[rows, None])
        where, offsets = np.nonzero(good)
        self._merge(rows[where], first + chosen[where] * RUN + offsets, found[good])

    def _merge(self, rows: IntArray, columns: IntArray, scores: FloatArray) -> None:
        """Take in entries by ascending rows, and columns within them."""
        m, k = self.columns.shape
        counts = np.bincount(rows, minlength=m)
        places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        shape = m, k + int(counts.max(initial=0))
        all_columns, all_scores = np.full(shape, -1), np.full(shape, -np.inf, dtype=np.float32)
        all_columns[:, :k], all_scores[:, :k] = self.columns, self.scores
        all_columns[rows, k + places], all_scores[rows, k + places] = columns, scores
        # Stable, and what was taken before lies further left: of equal scores the earlier column stays first.
        best = np.argsort(-all_scores, axis=1, kind="stable")[:, :k]
        self.columns = np.take_along_axis(all_columns, best, axis=1)
        self.scores = np.take_along_axis(all_scores, best, axis=1)


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


def _best_columns(values: FloatArray, k: int) -> IntArray:
    """Columns of each row's k largest values, the earlier of equal ones; in ascending order [m, k]."""
    # Everything above the k-th value, then the earliest columns that have it: partitioning alone would
    # leave open which of them are taken.
    threshold = -np.partition(-values, k - 1, axis=1)[:, k - 1 : k]
    above = values > threshold
    tied = values == threshold
    room = k - above.sum(axis=1, keepdims=True)
    chosen = above | (tied & (np.cumsum(tied, axis=1) <= room))
    return np.asarray(np.nonzero(chosen)[1].reshape(len(values), k))


def _places(masked: Entries, rows: IntArray, runs: IntArray, shape: tuple[int, ...]) -> Entries:
    """Where the masked entries lie among the columns of the chosen runs."""
    chosen = np.full(shape, -1)
    chosen[rows, runs] = np.arange(len(rows))
    found = chosen[masked[0], masked[1] // RUN]
    inside = found >= 0
    return found[inside], (masked[1] % RUN)[inside]
