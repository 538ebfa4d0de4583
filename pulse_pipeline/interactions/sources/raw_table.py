"""What every reader returns."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class RawTable:
    """Rows as upstream recorded them, with our column names, and what could not be read.

    Attributes:
        rows: Rows, not yet checked against a contract.
        rejects: Records that could not be read, in the shape of `schemas.Quarantine`.
    """

    rows: pl.LazyFrame
    rejects: pl.DataFrame
