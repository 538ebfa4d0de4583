"""The headline: every model on every domain, ranked against the whole catalogue."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from pulse_pipeline.evaluation.report.inputs import ReportInputs
from pulse_pipeline.evaluation.report.views.metrics import (
    SEED_MEAN,
    best_baselines,
    is_variant,
    is_zero_shot,
    ranked_in_full,
)

SHOWN = ("NDCG", "HR")
MEAN_OF_SEEDS = "NDCG mean of seeds"
"""NDCG@10 of each user averaged over seeds first: its interval and p-value are those of the mean."""
UNFOLDED = 8
"""This many of the best rows are seen at once; ours and the best baseline always are."""


@dataclass(frozen=True)
class Figure:
    """A value with its interval.

    Attributes:
        value: The mean over users, and over seeds where there are several.
        low: Lower end.
        high: Upper end.
        best: Whether no other row of the table is higher.
        lowest: The lowest seed.
        highest: The highest seed.
    """

    value: float
    low: float | None
    high: float | None
    best: bool
    lowest: float
    highest: float


@dataclass(frozen=True)
class ModelRow:
    """One model in one table.

    Attributes:
        model: Its name.
        ours: Whether it is PULSE itself.
        best_baseline: Whether it is the baseline that all p-values are held against.
        trained_on: What it learned interactions from, in words.
        zero_shot: Whether that leaves out the domain of the table.
        figures: One for each of `SHOWN`.
        p_value: Of the difference in NDCG@10 to the best baseline.
        seeds: How many seeds were averaged.
    """

    model: str
    ours: bool
    best_baseline: bool
    trained_on: str
    zero_shot: bool
    figures: list[Figure]
    p_value: float | None
    seeds: int


@dataclass(frozen=True)
class Headline:
    """All models on one domain under one protocol.

    Attributes:
        dataset: The domain.
        users: How many users were evaluated.
        rows: Best NDCG@10 first: those seen at once.
        folded: The others.
        scale: The largest figure to draw: where the bars end.
    """

    dataset: str
    users: int
    rows: list[ModelRow]
    folded: list[ModelRow]
    scale: float


def headlines(report: ReportInputs, protocol: str) -> list[Headline]:
    """One table a domain; cells from mixes other than the domain, `all` and `all-but-` are left out."""
    tables = [_headline(report, protocol, domain.name) for domain in report.domains]
    return [table for table in tables if table is not None]


def _headline(report: ReportInputs, protocol: str, dataset: str) -> Headline | None:
    mixes = [dataset, "all", f"all-but-{dataset}"]
    frame = ranked_in_full(report, protocol).filter(
        (pl.col("dataset") == dataset)
        & pl.col("metric").is_in([*SHOWN, MEAN_OF_SEEDS])
        & (pl.col("train_mix").is_null() | pl.col("train_mix").is_in(mixes))
        & ~is_variant(report)
    )
    if frame.is_empty():
        return None
    groups = _of_all_seeds(
        frame.group_by("arm", "model", "train_mix", "metric", maintain_order=True).agg(*SEED_MEAN)
    )
    best = {row["metric"]: row["value"] for row in groups.group_by("metric").agg(pl.max("value")).to_dicts()}
    strongest = best_baselines(report, protocol).get(dataset)
    rows = []
    for _, group in groups.group_by("arm", "model", "train_mix", maintain_order=True):
        by_metric = {row["metric"]: row for row in group.to_dicts()}
        if SHOWN[0] in by_metric:
            rows.append(_model_row(report, dataset, strongest, by_metric, best))
    rows.sort(key=lambda row: -row.figures[0].value)
    seen = [row for place, row in enumerate(rows) if place < UNFOLDED or row.ours or row.best_baseline]
    return Headline(
        dataset=dataset,
        users=int(groups["n_users"].max() or 0),  # type: ignore[arg-type]
        rows=seen,
        folded=[row for row in rows if row not in seen],
        scale=max(row.figures[0].high or row.figures[0].value for row in rows) or 1.0,
    )


def _of_all_seeds(groups: pl.DataFrame) -> pl.DataFrame:
    """Value, interval and p-value of NDCG from the mean over seeds, where that was taken."""
    key = ["arm", "model", "train_mix"]
    means = groups.filter(pl.col("metric") == MEAN_OF_SEEDS).with_columns(metric=pl.lit("NDCG"))
    update = means.select(*key, "metric", "value", "ci_low", "ci_high", "p_value")
    rows = groups.filter(pl.col("metric") != MEAN_OF_SEEDS)
    return rows.update(update, on=[*key, "metric"], how="left") if len(update) else rows


def _model_row(
    report: ReportInputs,
    dataset: str,
    strongest: str | None,
    by_metric: dict[str, dict[str, Any]],
    best: dict[str, float],
) -> ModelRow:
    first = by_metric[SHOWN[0]]
    mix = first["train_mix"]
    return ModelRow(
        model=first["model"],
        ours=first["model"] == report.model,
        best_baseline=first["model"] == strongest,
        trained_on="reads item texts, learns nothing" if mix is None else f"trained on {mix}",
        zero_shot=is_zero_shot(report, mix, dataset),
        figures=[
            Figure(
                row["value"],
                row["ci_low"],
                row["ci_high"],
                row["value"] == best[metric],
                row["lowest"],
                row["highest"],
            )
            for metric, row in ((metric, by_metric[metric]) for metric in SHOWN if metric in by_metric)
        ],
        p_value=first["p_value"],
        seeds=first["seeds"],
    )
