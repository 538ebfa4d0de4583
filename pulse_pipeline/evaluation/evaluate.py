"""One model on one domain: ranks, then figures with intervals as rows of the `metrics` table."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import polars as pl

from pulse_pipeline import provenance, schemas
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.bootstrap import Difference, intervals, paired_difference
from pulse_pipeline.evaluation.metrics import CUTOFFS, METRICS
from pulse_pipeline.evaluation.ranking import Ranker, UserRanks, user_ranks
from pulse_pipeline.evaluation.slices import ALL, Mask, slices
from pulse_pipeline.thought_space.data import DomainData, Phase

FULL = "full"


@dataclass(frozen=True)
class Origin:
    """Where ranks come from, as the `metrics` table names it.

    Attributes:
        model: The model's name.
        train_mix: The training mix whose interactions it has learned from; None for none.
        seed: Seed of the model.
        arm: Which variant of the method it belongs to.
        spec_fingerprint: Fingerprint of the rationale settings, where rationales are used.
        seconds: Time that scoring and ranking took.
    """

    model: str
    train_mix: str | None
    seed: int
    arm: str
    spec_fingerprint: str | None
    seconds: float | None


@dataclass(frozen=True)
class Evaluated:
    """A model's figures and the ranks behind them.

    Attributes:
        metrics: Rows of `schemas.Metrics`.
        ranks: Rank of each evaluated user's target, for paired comparisons.
    """

    metrics: pl.DataFrame
    ranks: UserRanks = field(repr=False)

    def value(self, metric: str, k: int) -> float:
        """One figure over all users.

        Raises:
            KeyError: It was not measured.
        """
        same = (pl.col("slice") == ALL) & (pl.col("metric") == metric) & (pl.col("k") == k)
        found = self.metrics.filter(same)
        if found.is_empty():
            raise KeyError(f"{metric}@{k}")
        return float(found["value"][0])


def evaluate_ranker(
    ranker: Ranker,
    data: DomainData,
    *,
    train_mix: str | None,
    seed: int,
    arm: str = "pulse",
    spec_fingerprint: str | None = None,
    phase: Phase = "test",
) -> Evaluated:
    """Rank every user's target in the full catalogue and average.

    Args:
        ranker: The model, fitted.
        data: The domain, under one protocol.
        train_mix: The training mix whose interactions the model has learned from; None for one that
            reads no interactions but the user's own history.
        seed: Seed of the model. The bootstrap draws are the same for all models, so intervals of
            two models on one domain rest on the same resampled users.
        arm: Which variant of the method the row belongs to.
        spec_fingerprint: Fingerprint of the rationale specification, where rationales are used.
        phase: Which targets.

    Returns:
        HR, NDCG and MRR at 1, 5, 10, 20 for all users and for each slice, and the ranks.

    Raises:
        PulseError: No user of the domain has a history and a target.
        ValueError: The model's scores hold a NaN or have the wrong shape.
    """
    started = time.perf_counter()
    ranked = user_ranks(ranker, data, phase)
    origin = Origin(ranker.name, train_mix, seed, arm, spec_fingerprint, time.perf_counter() - started)
    return evaluate_ranks(ranked, data, origin, phase)


def evaluate_ranks(ranked: UserRanks, data: DomainData, origin: Origin, phase: Phase = "test") -> Evaluated:
    """Average ranks that are there already.

    Args:
        ranked: Ranks of all users who have a history and a target in `phase`.
        data: The domain, under the protocol of the ranks.
        origin: Where the ranks come from.
        phase: Which targets.

    Returns:
        As `evaluate_ranker`.

    Raises:
        PulseError: No user of the domain has a history and a target.
    """
    if len(ranked.users) == 0:
        raise PulseError(
            f"{data.domain}: no user has a history and a {phase} item under protocol {data.protocol}; "
            "add interactions or lower min_interactions"
        )
    rows = [
        {"slice": name, **row}
        for name, members in slices(data, ranked, phase)
        for row in _figures(replace(ranked, users=ranked.users[members], ranks=ranked.ranks[members]))
    ]
    shared = {
        **asdict(origin),
        "dataset": data.domain,
        "protocol": data.protocol,
        "candidates": FULL,
        "p_value_vs_best_baseline": None,
        "git_sha": provenance.git_sha(),
    }
    frame = pl.DataFrame(rows).with_columns(pl.lit(value).alias(key) for key, value in shared.items())
    return Evaluated(schemas.Metrics.validate(frame, cast=True), ranked)


def difference(
    a: Evaluated, b: Evaluated, metric: str = "NDCG", k: int = 10, among: Mask | None = None
) -> Difference:
    """How much better `a` is than `b` on the same users, with interval and p-value.

    Args:
        a: A model.
        b: Another.
        metric: Name of the metric.
        k: Its cut-off.
        among: Which of the evaluated users to compare on [n_evaluated]; all by default.

    Raises:
        ValueError: The two were not evaluated on the same users.
    """
    if not np.array_equal(a.ranks.users, b.ranks.users):
        raise ValueError("the two models were evaluated on different users")
    score = METRICS[metric]
    chosen = slice(None) if among is None else among
    return paired_difference(score(a.ranks.ranks, k)[chosen], score(b.ranks.ranks, k)[chosen])


def with_p_values(evaluated: Evaluated, baselines: Sequence[Evaluated]) -> pl.DataFrame:
    """Fill `p_value_vs_best_baseline` in the rows over all users.

    The best baseline is chosen for each metric and k by its value on the same users.

    Args:
        evaluated: The model.
        baselines: Baselines on the same domain and protocol; with none the column stays null.

    Returns:
        The model's rows of `schemas.Metrics`.
    """
    if not baselines:
        return evaluated.metrics
    p_values = []
    for metric in METRICS:
        for k in CUTOFFS:
            best = max((one.value(metric, k), place) for place, one in enumerate(baselines))[1]
            p_value = difference(evaluated, baselines[best], metric, k).p_value
            p_values.append({"slice": ALL, "metric": metric, "k": k, "p_value": p_value})
    frame = (
        evaluated.metrics.with_row_index("order")
        .join(
            pl.DataFrame(p_values, schema_overrides={"k": pl.Int32}), on=["slice", "metric", "k"], how="left"
        )
        .sort("order")
        .with_columns(p_value_vs_best_baseline=pl.col("p_value"))
        .drop("order", "p_value")
    )
    return schemas.Metrics.validate(frame)


def _figures(ranked: UserRanks) -> list[dict[str, object]]:
    names = [(metric, k) for metric in METRICS for k in CUTOFFS]
    table = np.stack([METRICS[metric](ranked.ranks, k) for metric, k in names], axis=1)
    return [
        {
            "metric": metric,
            "k": k,
            "value": interval.value,
            "ci_low": interval.low,
            "ci_high": interval.high,
            "n_users": len(ranked.ranks),
        }
        for (metric, k), interval in zip(names, intervals(table), strict=True)
    ]
