"""All figures of a pipeline as one table."""

from collections.abc import Iterable

import polars as pl

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


def distinct_figures(tables: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Put evaluations together; a figure that several of them hold is taken from the first.

    The transfer matrix repeats on its diagonal what the in-domain evaluation says.

    Args:
        tables: `schemas.Metrics` tables, in the order of precedence.

    Returns:
        A `schemas.Metrics` table in which each `KEY` is there once.
    """
    return pl.concat([Metrics.create_empty(), *tables]).unique(KEY, keep="first", maintain_order=True)
