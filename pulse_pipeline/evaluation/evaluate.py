"""One model on one domain: ranks, then figures with intervals as rows of the `metrics` table."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pulse_pipeline import provenance, schemas
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.baselines.popularity import training_counts
from pulse_pipeline.evaluation.bootstrap import Difference, intervals, paired_difference, paired_differences
from pulse_pipeline.evaluation.candidates import Candidates
from pulse_pipeline.evaluation.metrics import COVERAGE, GINI, LISTED, NOVELTY, coverage, gini, novelty
from pulse_pipeline.evaluation.per_user import FULL, Figure, per_user
from pulse_pipeline.evaluation.ranking import Ranker
from pulse_pipeline.evaluation.slices import ALL, Mask, slices
from pulse_pipeline.evaluation.standings import Standings, standings
from pulse_pipeline.thought_space.data import DomainData, Phase

FIGURE = ["candidates", "metric", "k"]
P_RESAMPLES = 10_000
"""More than intervals need: corrected for many models, the smallest p-value still has to be small."""


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
        ranks: Where each evaluated user's later items came, for paired comparisons.
    """

    metrics: pl.DataFrame
    ranks: Standings = field(repr=False)

    def value(self, metric: str, k: int) -> float:
        """One figure of the full ranking over all users.

        Raises:
            KeyError: It was not measured.
        """
        found = self.metrics.filter(slice=ALL, candidates=FULL, metric=metric, k=k)
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
    candidates: Candidates | None = None,
) -> Evaluated:
    """Rank every user's target in the full catalogue, and among candidates, and average.

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
        candidates: The frozen candidates of `phase`; without them no sampled metric is measured.

    Returns:
        HR, NDCG, MRR and recall at 1, 5, 10, 20 for all users and for each slice; for all users the first
        three among candidates, and coverage, novelty and Gini of the lists of ten; and the ranks.

    Raises:
        PulseError: No user of the domain has a history and a target.
        ValueError: The model's scores hold a NaN or have the wrong shape.
    """
    started = time.perf_counter()
    ranked = standings(ranker, data, phase, candidates)
    origin = Origin(ranker.name, train_mix, seed, arm, spec_fingerprint, time.perf_counter() - started)
    return evaluate_ranks(ranked, data, origin, phase)


def evaluate_ranks(ranked: Standings, data: DomainData, origin: Origin, phase: Phase = "test") -> Evaluated:
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
    measured = per_user(ranked)
    rows = list(_of_lists(ranked, data))
    for name, members in slices(data, ranked, phase):
        shown = measured if name == ALL else measured.within(FULL)
        rows += [{"slice": name, **row} for row in _averaged(shown.figures, shown.values[members])]
    shared = {
        **asdict(origin),
        "dataset": data.domain,
        "protocol": data.protocol,
        "p_value_vs_best_baseline": None,
        "p_value_holm": None,
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
    figure = Figure(FULL, metric, k)
    chosen = slice(None) if among is None else among
    first, second = (per_user(one.ranks).column(figure)[chosen] for one in (a, b))
    return paired_difference(first, second)


def with_p_values(evaluated: Evaluated, baselines: Sequence[Evaluated]) -> pl.DataFrame:
    """Fill `p_value_vs_best_baseline` in the rows over all users that have a target.

    The best baseline is chosen for each figure by its value on the same users.

    Args:
        evaluated: The model.
        baselines: Baselines on the same domain and protocol; with none the column stays null.

    Returns:
        The model's rows of `schemas.Metrics`.

    Raises:
        ValueError: The baselines were evaluated on other users.
    """
    if not baselines:
        return evaluated.metrics
    if any(not np.array_equal(evaluated.ranks.users, one.ranks.users) for one in baselines):
        raise ValueError("the models were evaluated on different users")
    own = per_user(evaluated.ranks)
    others = [per_user(one.ranks) for one in baselines]
    figures = [figure for figure in own.figures if all(figure in other.figures for other in others)]
    best = np.stack([_best([other.column(figure) for other in others]) for figure in figures], axis=1)
    mine = np.stack([own.column(figure) for figure in figures], axis=1)
    p_values = pl.DataFrame(
        [
            {**vars(figure), "slice": ALL, "p_value": found.p_value}
            for figure, found in zip(
                figures, paired_differences(mine, best, resamples=P_RESAMPLES), strict=True
            )
        ],
        schema_overrides={"k": pl.Int32},
    )
    frame = (
        evaluated.metrics.join(p_values, on=["slice", *FIGURE], how="left", maintain_order="left")
        .with_columns(p_value_vs_best_baseline=pl.col("p_value"))
        .drop("p_value")
    )
    return schemas.Metrics.validate(frame)


def _best(columns: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The one with the highest mean; of equal ones the last."""
    return max(enumerate(columns), key=lambda one: (one[1].mean(), one[0]))[1]


def _averaged(figures: list[Figure], values: NDArray[np.float64]) -> Iterator[dict[str, object]]:
    for figure, interval in zip(figures, intervals(values), strict=True):
        yield {
            **vars(figure),
            "value": interval.value,
            "ci_low": interval.low,
            "ci_high": interval.high,
            "n_users": len(values),
        }


def _of_lists(ranked: Standings, data: DomainData) -> Iterator[dict[str, object]]:
    """Coverage, Gini and novelty; the first two are no means over users and have no interval."""
    shared = {"slice": ALL, "candidates": FULL, "k": LISTED, "n_users": len(ranked.users)}
    for metric, of in ((COVERAGE, coverage), (GINI, gini)):
        value = of(ranked.top, data.n_items)
        yield {**shared, "metric": metric, "value": value, "ci_low": None, "ci_high": None}
    bits = novelty(ranked.top, training_counts(data), len(data.user_ids)).astype(np.float64)
    yield from ({"slice": ALL, **row} for row in _averaged([Figure(FULL, NOVELTY, LISTED)], bits[:, None]))
