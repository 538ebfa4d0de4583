"""Two runs of the pipeline side by side: what changed, and whether it is more than chance.

A figure that both runs have is compared user by user where both have kept the ranks behind it, of the same
users and the same targets. Everything else is compared as two independent means, which is less sharp; each
row says which it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from pulse_pipeline.evaluation.bootstrap import paired_difference
from pulse_pipeline.evaluation.explanations.figures import NONE
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.evaluation.per_user import FULL
from pulse_pipeline.evaluation.slices import ALL, WITH_RATIONALE

K = 10
KEY = ["arm", "dataset", "protocol", "model", "train_mix", "candidates", "slice", "metric", "k"]
MODEL_KEY = ["dataset", "protocol", "model", "train_mix"]
TARGET = ["user_id", "item_id"]
NORMAL = 1.96  # half-width of a 95 % interval in standard errors

PAIRED = "paired"
OTHER_USERS = "unpaired: other users or targets"
NO_RANKS = "unpaired: ranks of each user were not kept"
NO_INTERVAL = "no interval"


@dataclass(frozen=True)
class Run:
    """What is known of a run.

    Attributes:
        name: What it is called here.
        metrics: Rows of `schemas.Metrics`.
        ranks: Rows of `schemas.ModelRanks`; empty where none were kept.
    """

    name: str
    metrics: pl.DataFrame = field(repr=False)
    ranks: pl.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Delta:
    """One figure of two runs; of several seeds the mean.

    Attributes:
        arm: Which variant of the method.
        dataset: The domain.
        protocol: The protocol.
        model: The model.
        train_mix: What it was trained on.
        candidates: How many items were ranked.
        slice: Which users.
        metric: The metric.
        k: Its cut-off.
        now: The figure of this run.
        before: That of the other.
        difference: This minus the other.
        ci_low: Lower end of the 95 % interval of the difference; None where it cannot be told.
        ci_high: Upper end.
        p_value: Of a paired difference.
        n_users: Users behind this run's figure.
        pairing: How the two were compared.
    """

    arm: str
    dataset: str
    protocol: str
    model: str
    train_mix: str | None
    candidates: str
    slice: str
    metric: str
    k: int | None
    now: float
    before: float
    difference: float
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    n_users: int
    pairing: str

    @property
    def certain(self) -> bool:
        """Whether the interval excludes no change."""
        return self.ci_low is not None and self.ci_high is not None and not self.ci_low <= 0 <= self.ci_high


@dataclass(frozen=True)
class Comparison:
    """Two runs compared.

    Attributes:
        now: Name of this run.
        before: Name of the other.
        deltas: The figures that both have.
        only_now: Models that only this run has figures of, as ``domain, protocol: model on mix``.
        only_before: Models that only the other has.
    """

    now: str
    before: str
    deltas: Sequence[Delta]
    only_now: Sequence[str]
    only_before: Sequence[str]


def compare(now: Run, before: Run) -> Comparison:
    """Compare the headline figures of two runs.

    Those are the figures of all users, or of all with a rationale, at ten, or without a cut-off; among few
    candidates HR@1.

    Args:
        now: This run.
        before: The other.
    """
    ours, theirs = _headline(now.metrics), _headline(before.metrics)
    shared = ours.join(theirs, on=KEY, nulls_equal=True, suffix="_before", maintain_order="left")
    pairs = _Pairs(now.ranks, before.ranks)
    return Comparison(
        now.name,
        before.name,
        [_delta(row, pairs) for row in shared.iter_rows(named=True)],
        _models_without(ours, theirs),
        _models_without(theirs, ours),
    )


class _Pairs:
    """The users of two runs brought together, one model after the other."""

    def __init__(self, now: pl.DataFrame, before: pl.DataFrame) -> None:
        self._now, self._before = _by_model(now), _by_model(before)

    def of(self, row: dict[str, Any]) -> tuple[str, pl.DataFrame]:
        """How a model's figures can be paired, and the ranks: `rank`, `rank_before`, a list of seeds each."""
        key = tuple(row[name] for name in MODEL_KEY)
        ranked = row["candidates"] == FULL and row["slice"] == ALL and row["metric"] in METRICS
        if not ranked or key not in self._now or key not in self._before:
            return NO_RANKS, pl.DataFrame()
        ours, theirs = self._now[key], self._before[key]
        both = ours.join(theirs, on=TARGET, suffix="_before")
        return (PAIRED, both) if len(both) == len(ours) == len(theirs) else (OTHER_USERS, pl.DataFrame())


def _by_model(ranks: pl.DataFrame) -> dict[tuple[object, ...], pl.DataFrame]:
    grouped = ranks.group_by(*MODEL_KEY, *TARGET, maintain_order=True).agg("rank")
    return grouped.partition_by(MODEL_KEY, as_dict=True, include_key=False)


def _headline(metrics: pl.DataFrame) -> pl.DataFrame:
    """One row a figure, several seeds averaged."""
    among_few = ~pl.col("candidates").is_in([FULL, NONE])
    hit = pl.col("k").eq(1) & pl.col("metric").str.starts_with("HR")
    shown = pl.when(among_few).then(hit).otherwise(pl.col("k").fill_null(K) == K)
    return (
        metrics.filter(pl.col("slice").is_in([ALL, WITH_RATIONALE]), shown)
        .group_by(KEY, maintain_order=True)
        .agg(pl.col("value", "ci_low", "ci_high").mean(), pl.col("n_users").first())
    )


def _delta(row: dict[str, Any], pairs: _Pairs) -> Delta:
    pairing, ranks = pairs.of(row)
    key = {name: row[name] for name in KEY}
    figures = {"now": row["value"], "before": row["value_before"], "n_users": row["n_users"]}
    if pairing == PAIRED:
        now, before = (_gains(ranks[column], row) for column in ("rank", "rank_before"))
        found = paired_difference(now, before)
        # As the ranks have it: metrics may be of more seeds than ranks were kept of.
        figures |= {"now": float(now.mean()), "before": float(before.mean())}
        interval = (found.low, found.high)
        return Delta(
            **key, **figures, difference=found.value, ci_low=interval[0], ci_high=interval[1],
            p_value=found.p_value, pairing=pairing,
        )  # fmt: skip
    low, high = _independent(row)
    return Delta(
        **key, **figures, difference=row["value"] - row["value_before"], ci_low=low, ci_high=high,
        p_value=None, pairing=NO_INTERVAL if low is None else pairing,
    )  # fmt: skip


def _gains(ranks: pl.Series, row: dict[str, Any]) -> np.ndarray:
    """What each user's ranks are worth, in the mean over seeds [n_users]."""
    users = np.repeat(np.arange(len(ranks)), ranks.list.len().to_numpy())
    gains = METRICS[row["metric"]](ranks.explode().to_numpy(), row["k"])
    return np.bincount(users, gains) / np.bincount(users)


def _independent(row: dict[str, Any]) -> tuple[float | None, float | None]:
    """Interval of the difference of two independent means, from their own intervals."""
    ends = [row[name] for name in ("ci_low", "ci_high", "ci_low_before", "ci_high_before")]
    if None in ends:
        return None, None
    errors = [(high - low) / (2 * NORMAL) for low, high in (ends[:2], ends[2:])]
    half = NORMAL * float(np.hypot(*errors))
    difference = row["value"] - row["value_before"]
    return difference - half, difference + half


def _models_without(figures: pl.DataFrame, others: pl.DataFrame) -> list[str]:
    models = figures.select(MODEL_KEY).unique(maintain_order=True)
    missing = models.join(others.select(MODEL_KEY).unique(), on=MODEL_KEY, how="anti", nulls_equal=True)
    return [
        f"{dataset}, {protocol}: {model} on {mix or 'nothing'}"
        for dataset, protocol, model, mix in missing.iter_rows()
    ]
