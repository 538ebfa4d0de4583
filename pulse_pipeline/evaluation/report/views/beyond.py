"""Beyond the next item: what else was measured of each model at the cut-off."""

from dataclasses import dataclass

import polars as pl

from pulse_pipeline.evaluation.report.inputs import ReportInputs
from pulse_pipeline.evaluation.report.views.metrics import is_variant, of_home_models, ranked_in_full

MEANINGS = {
    "Recall": "share of all later items that are found, not of the next one alone",
    "Coverage": "share of the catalogue that is recommended to anybody",
    "Novelty": "bits of surprise: how rarely taken the recommended items are",
    "Gini": "how unevenly recommendations fall on items: 0 evenly, 1 all on one",
}
"""The metrics shown, and what they say."""


@dataclass(frozen=True)
class Beyond:
    """Other metrics of the models of one domain.

    Attributes:
        dataset: The domain.
        metrics: Their names.
        rows: Model and one value for each metric; None where it was not measured.
    """

    dataset: str
    metrics: list[str]
    rows: list[tuple[str, list[float | None]]]


def beyond(report: ReportInputs, protocol: str) -> list[Beyond]:
    """One table a domain of which any of `MEANINGS` was measured."""
    frame = of_home_models(ranked_in_full(report, protocol)).filter(
        pl.col("metric").is_in(list(MEANINGS)) & ~is_variant(report)
    )
    metrics = [metric for metric in MEANINGS if metric in set(frame["metric"])]
    found = []
    for domain in report.domains:
        here = frame.filter(pl.col("dataset") == domain.name)
        if here.is_empty():
            continue
        means = here.group_by("model", "metric", maintain_order=True).agg(pl.col("value").mean())
        values = {(row["model"], row["metric"]): row["value"] for row in means.iter_rows(named=True)}
        models = means["model"].unique(maintain_order=True)
        rows = [(model, [values.get((model, metric)) for metric in metrics]) for model in models]
        found.append(Beyond(domain.name, metrics, rows))
    return found
