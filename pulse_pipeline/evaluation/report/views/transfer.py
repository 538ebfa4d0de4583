"""Transfer: our model from each source mix on each target domain."""

import polars as pl

from pulse_pipeline.evaluation.report.inputs import ReportInputs
from pulse_pipeline.evaluation.report.views.metrics import is_zero_shot, ranked_in_full

REFERENCES = ("text-kNN centred", "popularity")  # the first that was measured in a target
CAPTIONS = {
    "ndcg": "NDCG@10",
    "ratio": "Times centred text-kNN, which learns nothing (popularity where that was not measured)",
}
"""The columns that a heat map shows, and what they are."""


def transfer_matrix(report: ReportInputs, protocol: str) -> pl.DataFrame:
    """Our model's NDCG@10 for each source mix and target.

    Returns:
        `source`, `target`, `ndcg`, `zero_shot`, `reference` (the model it is held against) and
        `ratio` (to that model's NDCG@10; null where it was not measured or is zero).
    """
    overall = ranked_in_full(report, protocol).filter(pl.col("metric") == "NDCG")
    cells = (
        overall.filter((pl.col("model") == report.model) & pl.col("train_mix").is_in(list(report.mixes)))
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


def sources(report: ReportInputs, cells: pl.DataFrame) -> list[str]:
    """The measured mixes, in the registry's order."""
    measured = set(cells["source"])
    return [mix for mix in report.mixes if mix in measured]


def targets(report: ReportInputs, cells: pl.DataFrame) -> list[str]:
    """The measured domains, in the order of the report."""
    measured = set(cells["target"])
    return [domain.name for domain in report.domains if domain.name in measured]


def _ratio(overall: pl.DataFrame, target: str, ndcg: float) -> dict[str, str | float | None]:
    for model in REFERENCES:
        found = overall.filter((pl.col("dataset") == target) & (pl.col("model") == model))["value"].mean()
        if isinstance(found, float) and found > 0:
            return {"reference": model, "ratio": ndcg / found}
    return {"reference": None, "ratio": None}
