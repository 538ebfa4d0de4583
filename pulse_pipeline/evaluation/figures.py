"""All figures of a pipeline as one table, with what can only be said of all of them together."""

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pulse_pipeline.evaluation.per_user import FULL
from pulse_pipeline.evaluation.seeds import MEAN_OF_SEEDS
from pulse_pipeline.evaluation.slices import ALL
from pulse_pipeline.schemas import Metrics

KEY = (
    "arm",
    "model",
    "dataset",
    "train_mix",
    "protocol",
    "candidates",
    "slice",
    "metric",
    "k",
    "seed",
)
HEADLINE = ("NDCG", MEAN_OF_SEEDS)
HEADLINE_K = 10
FAMILY = ["dataset", "protocol", "metric", "seed"]


def distinct_figures(tables: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Put evaluations together; a figure that several of them hold is taken from the first.

    The transfer matrix repeats on its diagonal what the in-domain evaluation says.

    Args:
        tables: `schemas.Metrics` tables, in the order of precedence.

    Returns:
        A `schemas.Metrics` table in which each `KEY` is there once, `p_value_holm` filled.
    """
    # Tables from before a column was added lack it.
    every = pl.concat([Metrics.create_empty(), *tables], how="diagonal")
    return with_holm(every.unique(KEY, keep="first", maintain_order=True))


def with_holm(figures: pl.DataFrame) -> pl.DataFrame:
    """Fill `p_value_holm` of the headline, NDCG@10 in the full ranking over all users.

    A family is all models of one seed that are held against the best baseline of one domain under one
    protocol: those of every training mix, zero-shot ones too, and our controls. Other figures are described,
    not tested: they have no corrected p-value.

    Args:
        figures: A `schemas.Metrics` table that holds whole families.
    """
    headline = (
        pl.col("metric").is_in(HEADLINE)
        & (pl.col("k") == HEADLINE_K)
        & (pl.col("slice") == ALL)
        & (pl.col("candidates") == FULL)
        & pl.col("p_value_vs_best_baseline").is_not_null()
    )
    numbered = figures.drop("p_value_holm", strict=False).with_row_index("row")
    corrected = [
        family.select("row", p_value_holm=pl.Series(holm(family["p_value_vs_best_baseline"].to_numpy())))
        for family in numbered.filter(headline).partition_by(FAMILY)
    ]
    empty = pl.DataFrame(schema={"row": numbered["row"].dtype, "p_value_holm": pl.Float64})
    joined = numbered.join(pl.concat([empty, *corrected]), on="row", how="left", maintain_order="left")
    return Metrics.validate(joined.select(Metrics.column_names()))


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correct p-values for their number (Holm, Scandinavian Journal of Statistics 1979).

    The chance that any of them is below a level where there is no difference at all is at most that level,
    whatever their dependence.

    Args:
        p_values: One a comparison [n].

    Returns:
        The corrected ones, in the same order, at most 1 [n].
    """
    order = np.argsort(p_values, kind="stable")
    raised = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty_like(raised)
    corrected[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return corrected
