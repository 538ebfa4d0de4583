"""All figures of a pipeline as one table, with what can only be said of all of them together."""

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pulse_pipeline.evaluation.per_user import FULL
from pulse_pipeline.evaluation.seeds import MEAN_OF_SEEDS
from pulse_pipeline.evaluation.slices import ALL
from pulse_pipeline.evaluation.word_reader import WordReader
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
MODEL_KEY = ["dataset", "protocol", "arm", "model", "train_mix"]
FAMILY = ["dataset", "protocol", "contest"]


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

    A family is all models that are held against the best baseline of one domain under one protocol: those of
    every training mix, zero-shot ones too, and our controls. A model is in it once: by the mean of its seeds
    where that was taken, else by its first seed. What is held against something else than the domain's
    best baseline is a contest of its own: few-shot models against baselines of the same share, the reader of
    words against centred text-kNN. Other figures are described, not tested: they have no corrected p-value.

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
    bare = figures.drop("p_value_holm", strict=False).with_columns(tested=headline)
    of_one_seed = pl.col("metric") != MEAN_OF_SEEDS
    models = (
        bare.filter("tested")
        .sort(of_one_seed, "seed", maintain_order=True)
        .unique(MODEL_KEY, keep="first", maintain_order=True)
        .select(*MODEL_KEY, p="p_value_vs_best_baseline", contest=_contest())
    )
    corrected = [
        family.select(
            *MODEL_KEY, tested=pl.lit(value=True), p_value_holm=pl.Series(holm(family["p"].to_numpy()))
        )
        for family in models.partition_by(FAMILY)
    ]
    empty = bare.clear().select(*MODEL_KEY, "tested", p_value_holm=pl.lit(None, pl.Float64))
    joined = bare.join(
        pl.concat([empty, *corrected]),
        on=[*MODEL_KEY, "tested"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    return Metrics.validate(joined.select(Metrics.column_names()))


def _contest() -> pl.Expr:
    share = pl.col("train_mix").str.extract(r"\+([\d.]+%)$")
    return pl.when(pl.col("model") == WordReader.name).then(pl.lit("words")).otherwise(share.fill_null(""))


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
