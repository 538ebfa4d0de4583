"""Paired differences from rows of the `metrics` table."""

import polars as pl

from pulse_pipeline.evaluation.bootstrap import Difference
from pulse_pipeline.evaluation.report.inputs import DifferenceRow
from pulse_pipeline.evaluation.report.views.metrics import ABLATION, SEED_MEAN
from pulse_pipeline.evaluation.slices import ALL, WITH_RATIONALE

SUFFIX = " difference"
"""How a metric's name ends whose rows are paired differences."""

MINUS = " - "
"""What stands between the two models in the name of such a row."""

GROUPS = (ALL, WITH_RATIONALE)
"""Of several groups of users the first that was compared."""


def is_difference() -> pl.Expr:
    """Whether a row is a paired difference."""
    return pl.col("metric").str.ends_with(SUFFIX)


def difference_rows(metrics: pl.DataFrame) -> list[DifferenceRow]:
    """Arrange the paired differences among rows of `schemas.Metrics`, several seeds as one.

    Args:
        metrics: Any rows; those that are no differences are passed over.
    """
    rows = metrics.filter(is_difference() & pl.col("slice").is_in(GROUPS))
    pair = ("arm", "dataset", "protocol", "model", "train_mix", "candidates", "metric", "k")
    means = rows.group_by(*pair, "slice", maintain_order=True).agg(*SEED_MEAN)
    preferred = means.sort(pl.col("slice").cast(pl.Enum(GROUPS)), maintain_order=True)
    order = means.unique(pair, maintain_order=True).select(pair)
    kept = order.join(
        preferred.unique(pair, keep="first", maintain_order=True),
        on=pair,
        nulls_equal=True,
        maintain_order="left",
    )
    return [
        DifferenceRow(
            dataset=row["dataset"],
            protocol=row["protocol"],
            model=row["model"].partition(MINUS)[0],
            against=row["model"].partition(MINUS)[2] + _elsewhere(row["train_mix"], row["dataset"]),
            difference=Difference(row["value"], row["ci_low"], row["ci_high"], row["p_value"]),
            users=row["n_users"],
            metric=f"{row['metric'].removesuffix(SUFFIX)}@{row['k']}",
            candidates=row["candidates"],
            seeds=row["seeds"],
            retrained=row["arm"] == ABLATION,
        )
        for row in kept.iter_rows(named=True)
    ]


def _elsewhere(mix: str | None, dataset: str) -> str:
    return "" if mix in (None, dataset) else f", trained on {mix}"
