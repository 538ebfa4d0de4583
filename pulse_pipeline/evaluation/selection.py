"""The k best columns of each row of a large score matrix, in one pass over it.

The row is read once, for the largest score of each run of columns; only the k best runs are looked into.
No column outside them can be among the k best: each of those runs holds a column that comes before it.
"""

import numpy as np
import torch

from pulse_pipeline.thought_space.data import FloatArray, IntArray

RUN = 64


def largest(scores: FloatArray, masked: tuple[IntArray, IntArray], k: int) -> tuple[IntArray, FloatArray]:
    """Find the k largest scores of each row; of equal ones the earlier column comes first.

    Args:
        scores: Scores without NaN, left as they are [m, n].
        masked: Rows and columns of the entries that count as -inf.
        k: How many, at most n.

    Returns:
        Columns and scores, best first [m, k].
    """
    maxima = _maxima(scores, masked)
    runs = _best_columns(maxima, min(k, maxima.shape[1]))
    found = _columns_of(scores, np.arange(len(scores))[:, None], runs).reshape(len(scores), -1)
    found[_places(masked, runs, maxima.shape)] = -np.inf
    # Runs ascend and the sort is stable: among equal scores the earlier column wins.
    order = np.argsort(-found, axis=1, kind="stable")[:, :k]
    columns = np.take_along_axis(runs, order // RUN, axis=1) * RUN + order % RUN
    return columns, np.take_along_axis(found, order, axis=1)


def _maxima(scores: FloatArray, masked: tuple[IntArray, IntArray]) -> FloatArray:
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
    """Scores inside runs, -inf beyond the last column [*runs.shape, RUN]."""
    columns = runs[..., None] * RUN + np.arange(RUN)
    inside = scores[rows[..., None], np.minimum(columns, scores.shape[1] - 1)]
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


def _places(
    masked: tuple[IntArray, IntArray], runs: IntArray, shape: tuple[int, ...]
) -> tuple[IntArray, IntArray]:
    """Where the masked entries lie among the columns of the chosen runs."""
    rows, columns = masked
    place = np.full(shape, -1)
    np.put_along_axis(place, runs, np.arange(runs.shape[1])[None, :], axis=1)
    found = place[rows, columns // RUN]
    inside = found >= 0
    return rows[inside], (found * RUN + columns % RUN)[inside]
