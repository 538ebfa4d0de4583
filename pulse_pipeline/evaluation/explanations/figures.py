"""Figures of explanations as rows of the `metrics` table.

They count users who have a rationale, so their slice is ``rationale:yes``; `candidates` is ``none`` where
nothing is ranked.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl
from scipy.stats import binomtest

from pulse_pipeline.evaluation.bootstrap import Interval, intervals, paired_difference
from pulse_pipeline.evaluation.per_user import FULL
from pulse_pipeline.evaluation.slices import WITH_RATIONALE
from pulse_pipeline.provenance import git_sha
from pulse_pipeline.schemas import Metrics
from pulse_pipeline.thought_space.data import FloatArray

NONE = "none"
ARM = "pulse"


@dataclass(frozen=True)
class Subject:
    """What is judged.

    Attributes:
        dataset: The domain.
        protocol: The protocol.
        seed: Seed of the model.
        spec_fingerprint: Fingerprint of the rationale settings.
    """

    dataset: str
    protocol: str
    seed: int
    spec_fingerprint: str


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        metric: Its name.
        model: What it is of.
        value: The figure itself.
        n_users: Over how many users.
        low: Lower end of its interval; None where it is no mean over users.
        high: Upper end.
        p_value: Of a difference.
        k: Length of the list, where one is read.
        ranks: Whether the domain's model has ranked the full catalogue for it.
    """

    metric: str
    model: str
    value: float
    n_users: int
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    k: int | None = None
    ranks: bool = False


def mean_figure(
    metric: str, model: str, values: FloatArray, *, k: int | None = None, ranks: bool = False
) -> Figure:
    """A mean over users with its bootstrap interval.

    Args:
        metric: Its name.
        model: What it is of.
        values: One value a user, one user at least [n].
        k: Length of the list, where one is read.
        ranks: Whether the domain's model has ranked the full catalogue for it.
    """
    (found,) = intervals(values[:, None])
    return _figure(metric, model, found, len(values), k=k, ranks=ranks)


def share_figure(metric: str, model: str, flags: FloatArray, *, k: int | None = None) -> Figure:
    """A share of users with its exact interval (Clopper & Pearson, Biometrika 1934).

    Draws of a sample in which nobody has it would say that nobody ever will.

    Args:
        metric: Its name.
        model: What it is of.
        flags: 1 or 0 a user, one user at least [n].
        k: Length of the list, where one is read.
    """
    low, high = binomtest(int(flags.sum()), len(flags)).proportion_ci()
    return Figure(metric, model, float(flags.mean()), len(flags), float(low), float(high), k=k)


def difference_figure(
    metric: str, models: tuple[str, str], values: tuple[FloatArray, FloatArray], *, k: int | None = None
) -> Figure:
    """The paired difference of two models' means, the first minus the second.

    Args:
        metric: Its name.
        models: The two, whose names make the row's.
        values: One value a user of each, the same users [n].
        k: Length of the list, where one is read.
    """
    found = paired_difference(*values)
    name = " - ".join(models)
    return _figure(metric, name, found, len(values[0]), k=k, ranks=True, p_value=found.p_value)


def metrics_table(figures: Iterable[Figure], subject: Subject) -> pl.DataFrame:
    """Lay figures out as a `schemas.Metrics` table.

    What the domain's model has ranked for carries the domain as its training mix, all else none.
    """
    rows = [
        {
            "arm": ARM,
            "model": one.model,
            "dataset": subject.dataset,
            "train_mix": subject.dataset if one.ranks else None,
            "protocol": subject.protocol,
            "candidates": FULL if one.ranks else NONE,
            "slice": WITH_RATIONALE,
            "metric": one.metric,
            "k": one.k,
            "value": one.value,
            "ci_low": one.low,
            "ci_high": one.high,
            "n_users": one.n_users,
            "seed": subject.seed,
            "p_value_vs_best_baseline": one.p_value,
            "seconds": None,
            "git_sha": git_sha(),
            "spec_fingerprint": subject.spec_fingerprint,
        }
        for one in figures
    ]
    return Metrics.validate(pl.DataFrame(rows, schema=Metrics.create_empty().schema))


def _figure(
    metric: str,
    model: str,
    found: Interval,
    n_users: int,
    *,
    k: int | None,
    ranks: bool,
    p_value: float | None = None,
) -> Figure:
    return Figure(metric, model, found.value, n_users, found.low, found.high, p_value, k, ranks)
