"""Explanation quality: one row a measure, one column a domain."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from pulse_pipeline.evaluation.report.inputs import ReportInputs
from pulse_pipeline.evaluation.report.views.metrics import PROTOCOLS, SEED_MEAN
from pulse_pipeline.evaluation.slices import ALL, WITH_RATIONALE


@dataclass(frozen=True)
class Measure:
    """One measure of explanations.

    Attributes:
        metric: What was measured.
        of: Of which text, where there are several: own, shuffled, of a group of users.
        values: For each domain the row measured there, None where there is none.
    """

    metric: str
    of: str
    values: list[dict[str, Any] | None]


def explanation_domains(report: ReportInputs) -> list[str]:
    """The domains whose explanations were judged."""
    if report.explanations is None:
        return []
    judged = set(report.explanations["dataset"])
    return [domain.name for domain in report.domains if domain.name in judged]


def measures(report: ReportInputs) -> list[Measure]:
    """Every measure in the order measured; `of` names the model, cut-off, protocol and group."""
    domains = explanation_domains(report)
    if report.explanations is None or not domains:
        return []
    frame = report.explanations.with_columns(of=_of(report.explanations))
    means = frame.group_by("metric", "of", "dataset", maintain_order=True).agg(*SEED_MEAN)
    rows: dict[tuple[str, str], list[dict[str, Any] | None]] = {}
    for row in means.iter_rows(named=True):
        values = rows.setdefault((row["metric"], row["of"]), [None] * len(domains))
        if row["dataset"] in domains:
            values[domains.index(row["dataset"])] = row
    return [Measure(metric, of, values) for (metric, of), values in rows.items()]


def _of(frame: pl.DataFrame) -> pl.Expr:
    """What sets rows of one metric apart, by the columns that differ at all."""
    parts = [pl.col("model")] if frame["model"].n_unique() > 1 else []
    if frame["k"].n_unique() > 1:
        parts.append(pl.when(pl.col("k").is_not_null()).then(pl.format("at {}", "k")))
    if frame["protocol"].n_unique() > 1:
        parts.append(pl.col("protocol").replace({name: words.lower() for name, words in PROTOCOLS.items()}))
    parts.append(pl.when(~pl.col("slice").is_in([ALL, WITH_RATIONALE])).then("slice"))
    return pl.concat_str(parts, separator=", ", ignore_nulls=True)
