"""Newcomers: domains of which few users are known, and people who arrive from another domain."""

from dataclasses import dataclass

import polars as pl

from pulse_pipeline.evaluation.report.inputs import ReportInputs
from pulse_pipeline.evaluation.report.views.metrics import (
    ARRIVALS,
    SEED_MEAN,
    K,
    ranked_in_full,
    with_corrected,
)


@dataclass(frozen=True)
class Newcomer:
    """One model for newcomers.

    Attributes:
        model: Its name.
        learned_from: What it has learned from; None for item texts alone.
        value: NDCG@10.
        low: Lower end of its interval.
        high: Upper end.
        p_value: Of the difference to the best baseline that knows as little.
        users: How many users were evaluated.
    """

    model: str
    learned_from: str | None
    value: float
    low: float | None
    high: float | None
    p_value: float | None
    users: int


@dataclass(frozen=True)
class Newcomers:
    """The models for one kind of newcomers.

    Attributes:
        dataset: The target domain.
        who: What is known of them: a share of the domain's users, or where people come from.
        rows: Best first.
    """

    dataset: str
    who: str
    rows: list[Newcomer]


def few_shot(report: ReportInputs, protocol: str) -> list[Newcomers]:
    """Models that learned from mixes of no registry: a share of the target, alone or beside other domains."""
    frame = ranked_in_full(report, protocol).filter(
        (pl.col("metric") == "NDCG") & ~pl.col("train_mix").is_in(list(report.mixes))
    )
    return [table for domain in report.domains if (table := _table(frame, domain.name, "few users known"))]


def arrivals(report: ReportInputs, protocol: str) -> list[Newcomers]:
    """People without a history here, by where they come from."""
    everybody = pl.col("slice").str.starts_with(ARRIVALS) & ~pl.col("slice").str.contains(" ")
    frame = with_corrected(report.metrics).filter(
        everybody
        & (pl.col("protocol") == protocol)
        & (pl.col("metric") == "NDCG")
        & (pl.col("candidates") == "full")
        & (pl.col("k") == K)
    )
    return [
        table
        for domain in report.domains
        for slice_name in frame["slice"].unique(maintain_order=True)
        if (table := _table(frame.filter(slice=slice_name), domain.name, _from(slice_name)))
    ]


def _from(slice_name: str) -> str:
    return f"people who come from {slice_name.removeprefix(ARRIVALS)}"


def _table(frame: pl.DataFrame, dataset: str, who: str) -> Newcomers | None:
    here = frame.filter(pl.col("dataset") == dataset)
    if here.is_empty():
        return None
    means = here.group_by("model", "train_mix", maintain_order=True).agg(*SEED_MEAN)
    rows = [
        Newcomer(
            row["model"],
            row["train_mix"],
            row["value"],
            row["ci_low"],
            row["ci_high"],
            row["p_value"],
            row["n_users"],
        )
        for row in means.sort("value", descending=True, maintain_order=True).iter_rows(named=True)
    ]
    return Newcomers(dataset, who, rows)
