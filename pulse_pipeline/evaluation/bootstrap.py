"""How sure a figure is: percentile bootstrap over users (Efron & Tibshirani, 1993, chapter 13)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

RESAMPLES = 1000
LEVEL = 0.95
MAX_BLOCK = 2**21  # drawn users held at once


@dataclass(frozen=True)
class Interval:
    """A mean over users and where it would likely fall for other users.

    Attributes:
        value: The mean.
        low: Lower end of the interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference(Interval):
    """A mean difference between two models on the same users.

    Attributes:
        p_value: Two-sided: how often resampling turns the sign around.
    """

    p_value: float


def intervals(
    values: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES, level: float = LEVEL
) -> list[Interval]:
    """Means of several figures over the same users, with percentile intervals.

    Users are drawn with replacement, one draw for all figures.

    Args:
        values: One row a user, one column a figure [n_users, n_figures].
        seed: Seed of the draws.
        resamples: How many draws.
        level: Coverage of the intervals.

    Returns:
        One interval a column.

    Raises:
        ValueError: There is no user.
    """
    table = np.asarray(values, dtype=np.float64)
    means = _resampled_means(table, seed, resamples)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    centre = table.mean(axis=0)
    return [Interval(*map(float, row)) for row in zip(centre, low, high, strict=True)]


def paired_difference(
    a: ArrayLike, b: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES, level: float = LEVEL
) -> Difference:
    """How much better `a` is than `b`, each user compared with themselves.

    Args:
        a: A figure of one model [n_users].
        b: The same of another model, users in the same order [n_users].
        seed: Seed of the draws.
        resamples: How many draws.
        level: Coverage of the interval.

    Returns:
        The mean of a - b with its interval and p-value, which is never below 2 / (resamples + 1).

    Raises:
        ValueError: The two are of different lengths or empty.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1:
        raise ValueError(f"one figure of each user is needed, not {first.shape}")
    (found,) = paired_differences(
        first[:, None], second[:, None], seed=seed, resamples=resamples, level=level
    )
    return found


def paired_differences(
    a: ArrayLike, b: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES, level: float = LEVEL
) -> list[Difference]:
    """`paired_difference` for several figures over the same users, one draw for all of them.

    Args:
        a: Figures of one model, one column a figure [n_users, n_figures].
        b: The same of another model, or of the best other model for each figure [n_users, n_figures].
        seed: Seed of the draws.
        resamples: How many draws.
        level: Coverage of the intervals.

    Returns:
        One difference a column.

    Raises:
        ValueError: The two are of different shapes or empty.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"a pair needs the same users: {first.shape} against {second.shape}")
    gaps = first - second
    means = _resampled_means(gaps, seed, resamples)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    tail = np.minimum((means <= 0).sum(axis=0), (means >= 0).sum(axis=0))
    # The observed sample counts as one draw (Davison & Hinkley, 1997, 4.11): no p-value is zero.
    p_values = np.minimum(1.0, 2 * (tail + 1) / (resamples + 1))
    rows = zip(gaps.mean(axis=0), low, high, p_values, strict=True)
    return [Difference(*map(float, row)) for row in rows]


def _resampled_means(table: Array, seed: int, resamples: int) -> Array:
    if len(table) == 0:
        raise ValueError("no user to draw from")
    return np.concatenate([draws @ table for draws in _draws(len(table), seed, resamples)]) / len(table)


def _draws(n: int, seed: int, resamples: int) -> Iterator[Array]:
    """Yield how often each user is drawn, a block of resamples at a time [block, n]."""
    generator = np.random.default_rng(seed)
    size = max(1, MAX_BLOCK // n)
    for start in range(0, resamples, size):
        rows = min(size, resamples - start)
        drawn = generator.integers(0, n, size=(rows, n)) + np.arange(rows)[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=rows * n)
        yield counts.reshape(rows, n).astype(np.float64)
