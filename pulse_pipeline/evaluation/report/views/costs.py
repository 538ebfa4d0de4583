"""Quality against cost: what each model's NDCG@10 takes in tokens and in time."""

from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from pulse_pipeline.evaluation.report.inputs import DomainFacts, ReportInputs
from pulse_pipeline.evaluation.report.views.metrics import (
    best_baselines,
    is_variant,
    of_home_models,
    ranked_in_full,
)

Currency = Literal["tokens", "milliseconds"]
CURRENCIES: tuple[Currency, ...] = get_args(Currency)


@dataclass(frozen=True)
class CostPoint:
    """One model of one domain.

    Attributes:
        model: Its name.
        ndcg: NDCG@10.
        tokens: Tokens that the language model read and wrote for each user who has a rationale; 0 for a
            model that reads none.
        milliseconds: Time to score and rank one user; None where it was not taken.
        ours: Whether it is our model.
        best_baseline: Whether it is the best baseline.
    """

    model: str
    ndcg: float
    tokens: float
    milliseconds: float | None
    ours: bool
    best_baseline: bool


def cost_points(report: ReportInputs, protocol: str, domain: DomainFacts) -> list[CostPoint]:
    """The models at home in a domain, the best first."""
    frame = of_home_models(ranked_in_full(report, protocol)).filter(
        (pl.col("dataset") == domain.name) & (pl.col("metric") == "NDCG") & ~is_variant(report)
    )
    strongest = best_baselines(report, protocol).get(domain.name)
    means = frame.group_by("model", maintain_order=True).agg(
        pl.col("value", "seconds").mean(), pl.col("n_users").max()
    )
    return [
        CostPoint(
            model=row["model"],
            ndcg=row["value"],
            tokens=_tokens(report, row["model"], domain),
            milliseconds=_milliseconds(row["seconds"], row["n_users"]),
            ours=row["model"] == report.model,
            best_baseline=row["model"] == strongest,
        )
        for row in means.sort("value", descending=True, maintain_order=True).iter_rows(named=True)
    ]


def paid(points: list[CostPoint]) -> list[Currency]:
    """What any of the models costs: where nothing costs anything there is nothing to plot."""
    return [currency for currency in CURRENCIES if any(getattr(point, currency) for point in points)]


def unbeaten(points: list[CostPoint], currency: Currency) -> set[str]:
    """Models that no other one equals at less cost: the front of what can be had."""
    priced = [(cost, point) for point in points if (cost := getattr(point, currency)) is not None]
    front: set[str] = set()
    best = float("-inf")
    for _, point in sorted(priced, key=lambda pair: (pair[0], -pair[1].ndcg)):
        if point.ndcg > best:
            front.add(point.model)
            best = point.ndcg
    return front


def _tokens(report: ReportInputs, model: str, domain: DomainFacts) -> float:
    reads = model == report.model or model in report.readers
    return (domain.tokens_per_user or 0.0) if reads else 0.0


def _milliseconds(seconds: float | None, users: int) -> float | None:
    return None if seconds is None or not users else 1000 * seconds / users
