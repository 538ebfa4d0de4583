"""What every reader returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pulse_pipeline.schemas import Quarantine

SOURCE_ROW = "source_row"


class Reject(NamedTuple):
    """A record that could not be read: its number in the file, the rule it broke, its text."""

    row: int
    rule: str
    record: str


@dataclass(frozen=True)
class RawTable:
    """Rows as upstream recorded them, with our column names, and what could not be read.

    Attributes:
        rows: Rows with `SOURCE_ROW`, not yet checked against a contract.
        rejects: Records that could not be read, in the shape of `schemas.Quarantine`.
        files: The files that were read; none where the rows are generated.
        required: Columns that this source always fills, so that a null there is a fault.
    """

    rows: pl.LazyFrame
    rejects: pl.DataFrame
    files: tuple[Path, ...] = ()
    required: tuple[str, ...] = ()


def about_items(key: str, item_ids: pl.Series) -> pl.Expr:
    """Whether a line of metadata is about one of `item_ids`.

    Metadata files describe whole shops. A line without an id can be nobody's and is kept, for the
    contract to report.
    """
    item_id = pl.col(key).cast(pl.String)
    return item_id.is_in(item_ids.implode()) | item_id.is_null() | (item_id == "")


def quarantine(source_file: str, rejects: Sequence[Reject] = ()) -> pl.DataFrame:
    """The rejects of one file in the shape of `schemas.Quarantine`."""
    columns = {
        "source_file": [source_file] * len(rejects),
        "source_row": [reject.row for reject in rejects],
        "rule": [reject.rule for reject in rejects],
        "record": [reject.record for reject in rejects],
    }
    return pl.DataFrame(columns, schema=Quarantine.create_empty().schema)
