"""Rows of the `metrics` table, arranged as the report shows them."""

from dataclasses import dataclass

import polars as pl

from pulse_pipeline.evaluation.report.inputs import ReportInputs
from pulse_pipeline.evaluation.slices import ALL
from pulse_pipeline.evaluation.transfer import zero_shot

PROTOCOLS = {"temporal": "Global temporal split", "loo": "Leave-one-out"}
REFERENCES = ("text-kNN centred", "popularity")  # the first that was measured in a target
SHOWN = ("NDCG", "HR")
K = 10


@dataclass(frozen=True)
class Figure:
    """A value with its interval.

    Attributes:
        value: The mean over users, and over seeds where there are several.
        low: Lower end.
        high: Upper end.
        best: Whether no other row of the table is higher.
    """

    value: float
    low: float | None
    high: float | None
    best: bool


@dataclass(frozen=True)
class ModelRow:
    """One model in one table.

    Attributes:
        model: Its name.
        ours: Whether it is PULSE itself.
        trained_on: What it learned interactions from, in words.
        zero_shot: Whether that leaves out the domain of the table.
        figures: One for each of `SHOWN`.
        p_value: Of the difference in NDCG@10 to the best baseline.
        seeds: How many seeds were averaged.
    """

    model: str
    ours: bool
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
        rows: Best NDCG@10 first.
    """

    dataset: str
    users: int
    rows: list[ModelRow]


def protocols(report: ReportInputs) -> list[str]:
    """The protocols that were measured, in the order to show them."""
    measured = set(report.metrics["protocol"])
    return [name for name in PROTOCOLS if name in measured]


def headlines(report: ReportInputs, protocol: str) -> list[Headline]:
    """One table a domain; cells from mixes other than the domain, `all` and `all-but-` are left out."""
    tables = [_headline(report, protocol, domain.name) for domain in report.domains]
    return [table for table in tables if table.rows]


def transfer_matrix(report: ReportInputs, protocol: str) -> pl.DataFrame:
    """Our model's NDCG@10 for each source mix and target.

    Returns:
        `source`, `target`, `ndcg`, `zero_shot`, `reference` (the model it is held against) and
        `ratio` (to that model's NDCG@10; null where it was not measured or is zero).
    """
    overall = _overall(report, protocol).filter(pl.col("metric") == "NDCG")
    cells = (
        overall.filter((pl.col("model") == report.model) & pl.col("train_mix").is_not_null())
        .group_by("train_mix", "dataset", maintain_order=True)
        .agg(ndcg=pl.col("value").mean())
        .rename({"train_mix": "source", "dataset": "target"})
    )
    rows = [
        {
            **cell,
            "zero_shot": is_zero_shot(report, cell["source"], cell["target"]),
            **_ratio(overall, cell["target"], cell["ndcg"]),
        }
        for cell in cells.iter_rows(named=True)
    ]
    schema = {
        "source": pl.String,
        "target": pl.String,
        "ndcg": pl.Float64,
        "zero_shot": pl.Boolean,
        "reference": pl.String,
        "ratio": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema)


def is_zero_shot(report: ReportInputs, mix: str | None, target: str) -> bool:
    """Whether a model trained on `mix` met nothing of `target`; one without a mix learned nothing at all."""
    return mix is not None and zero_shot(report.mixes.get(mix, [mix]), target)


def _overall(report: ReportInputs, protocol: str) -> pl.DataFrame:
    return report.metrics.filter(
        (pl.col("slice") == ALL)
        & (pl.col("candidates") == "full")
        & (pl.col("k") == K)
        & (pl.col("protocol") == protocol)
    )


def _ratio(overall: pl.DataFrame, target: str, ndcg: float) -> dict[str, str | float | None]:
    for model in REFERENCES:
        found = overall.filter((pl.col("dataset") == target) & (pl.col("model") == model))["value"]
        if len(found) and found[0] > 0:
            return {"reference": model, "ratio": ndcg / found[0]}
    return {"reference": None, "ratio": None}


def _headline(report: ReportInputs, protocol: str, dataset: str) -> Headline:
    mixes = [dataset, "all", f"all-but-{dataset}"]
    frame = _overall(report, protocol).filter(
        (pl.col("dataset") == dataset)
        & pl.col("metric").is_in(SHOWN)
        & (pl.col("train_mix").is_null() | pl.col("train_mix").is_in(mixes))
    )
    groups = frame.group_by("arm", "model", "train_mix", "metric", maintain_order=True).agg(
        pl.col("value", "ci_low", "ci_high", "p_value_vs_best_baseline").mean(),
        seeds=pl.col("seed").n_unique(),
    )
    best = {
        row["metric"]: row["value"] for row in groups.group_by("metric").agg(pl.col("value").max()).to_dicts()
    }
    rows = []
    for _, group in groups.group_by("arm", "model", "train_mix", maintain_order=True):
        by_metric = {row["metric"]: row for row in group.to_dicts()}
        rows.append(_model_row(report, dataset, by_metric, best))
    rows.sort(key=lambda row: -row.figures[0].value)
    users = int(frame["n_users"].max() or 0)  # type: ignore[arg-type]
    return Headline(dataset, users, rows)


def _model_row(
    report: ReportInputs, dataset: str, by_metric: dict[str, dict[str, object]], best: dict[str, float]
) -> ModelRow:
    first = by_metric[SHOWN[0]]
    mix = first["train_mix"]
    figures = [
        Figure(row["value"], row["ci_low"], row["ci_high"], row["value"] == best[metric])  # type: ignore[arg-type]
        for metric, row in ((metric, by_metric[metric]) for metric in SHOWN)
    ]
    return ModelRow(
        model=str(first["model"]),
        ours=first["model"] == report.model,
        trained_on="reads item texts, learns nothing" if mix is None else f"trained on {mix}",
        zero_shot=is_zero_shot(report, None if mix is None else str(mix), dataset),
        figures=figures,
        p_value=first["p_value_vs_best_baseline"],  # type: ignore[arg-type]
        seeds=int(first["seeds"]),  # type: ignore[call-overload]
    )
