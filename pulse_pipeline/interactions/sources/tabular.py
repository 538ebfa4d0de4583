"""Anyone's own tables: csv, JSON lines or Parquet, with a mapping from our column names to theirs.

A column `position` (order within the user) is honoured: rows are put into its order, so that where
times are missing or equal the file's order is the user's order.
"""

from collections.abc import Mapping
from pathlib import Path

import polars as pl
from polars import selectors

from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.errors import PulseError
from pulse_pipeline.interactions.sources.csv_rows import read_csv
from pulse_pipeline.interactions.sources.json_lines import read_json_lines
from pulse_pipeline.interactions.sources.open_file import existing_file
from pulse_pipeline.interactions.sources.raw_table import (
    SOURCE_ROW,
    RawTable,
    Reject,
    about_items,
    quarantine,
)

POSITION = "position"
JSON_KINDS = ("json", "jsonl", "ndjson")
LIST_SEPARATOR = "|"
UNPLACED = "position is a number"
LISTS = ", or as a list of texts"
INTERACTION_COLUMNS: dict[str, pl.DataType] = {
    "user_id": pl.String(),
    "item_id": pl.String(),
    "rating": pl.Float32(),
    "timestamp": pl.Int64(),
    "review_title": pl.String(),
    "review_text": pl.String(),
    POSITION: pl.Int64(),
}
ITEM_COLUMNS: dict[str, pl.DataType] = {
    "item_id": pl.String(),
    "title": pl.String(),
    "brand": pl.String(),
    "categories": pl.List(pl.String()),
    "price": pl.String(),
    "description": pl.List(pl.String()),
}


def read_interactions(config: DomainConfig) -> RawTable:
    """Read a table of interactions.

    Args:
        config: The domain; `columns` maps our names to the file's, which default to ours.

    Returns:
        One row a record, in the order of `position` where there is such a column. Times that are
        dates by type become seconds since 1970.

    Raises:
        PulseError: The file is missing, damaged, of no known kind or lacks a column.
    """
    path = existing_file(config.interactions, config.name, "interactions")
    rows, rejects = _read(path, INTERACTION_COLUMNS, config.columns, ("user_id", "item_id"), config.name)
    if POSITION in rows.columns:
        rows, unplaced = _in_order(rows)
        rejects = pl.concat([rejects, quarantine(path.name, unplaced)])
    if "timestamp" in rows.columns and rows.schema["timestamp"].is_temporal():
        rows = rows.with_columns(pl.col("timestamp").dt.epoch("s"))
    times = rows["timestamp"] if "timestamp" in rows.columns else pl.Series([None])
    # A source that has times for some rows has lost those of the others.
    required = ("timestamp",) if 0 < times.null_count() < times.len() else ()
    return RawTable(rows.lazy(), rejects, (path,), required)


def read_items(config: DomainConfig, item_ids: pl.Series) -> RawTable:
    """Read a table of items.

    Args:
        config: The domain; `columns` maps our names to the file's, which default to ours, and
            `item_columns` those that this file words otherwise.
        item_ids: The items that are wanted.

    Returns:
        One row for each record about them. Categories that are text are parted at `|`.

    Raises:
        PulseError: The file is missing, damaged, of no known kind or lacks a column.
    """
    path = existing_file(config.items, config.name, "items")
    mapping = {**config.columns, **config.item_columns}
    rows, rejects = _read(path, ITEM_COLUMNS, mapping, ("item_id",), config.name)
    ours = rows.filter(about_items("item_id", item_ids))
    if "categories" in ours.columns:
        ours = ours.with_columns(_parted(ours["categories"]))
    return RawTable(ours.lazy(), rejects, (path,))


def _in_order(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    """Put rows into the order of `position`; one that is no number, or not there, would be the newest."""
    order = pl.col(POSITION).cast(pl.Float64, strict=False)
    if rows[POSITION].null_count() == len(rows):  # a reader of JSON makes every column asked for
        return rows.drop(POSITION), []
    unplaced = rows.filter(order.is_null())
    records = unplaced.select(SOURCE_ROW, pl.struct(pl.exclude(SOURCE_ROW)).struct.json_encode())
    rejects = [Reject(row, UNPLACED, record) for row, record in records.iter_rows()]
    return rows.filter(order.is_not_null()).sort(order, maintain_order=True).drop(POSITION), rejects


def _parted(categories: pl.Series) -> pl.Series:
    # JSON's reader makes a list of one out of a text.
    text = categories.list.join(LIST_SEPARATOR) if categories.dtype == pl.List else categories.cast(pl.String)
    return text.str.split(LIST_SEPARATOR)


def _read(
    path: Path,
    columns: Mapping[str, pl.DataType],
    mapping: Mapping[str, str],
    needed: tuple[str, ...],
    domain: str,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    names = {ours: mapping.get(ours, ours) for ours in columns}
    rows, rejects = _read_file(path, {names[ours]: dtype for ours, dtype in columns.items()})
    wanted = [ours for ours in columns if ours in needed or ours in mapping]
    # Readers of JSON make every column asked for, so there a column is missing when no record has it.
    is_json = _kind(path) in JSON_KINDS
    for ours in wanted:
        theirs = names[ours]
        absent = theirs not in rows.columns or (
            is_json and rows.height and rows[theirs].null_count() == rows.height
        )
        if absent:
            raise PulseError(
                f"{domain}: {path} has no column '{theirs}' for {ours}; "
                f"say `columns: {{{ours}: NAME}}` in domains.yaml{_choices(rows, is_json)}"
            )
    for ours, theirs in names.items():
        if theirs in rows.columns and not _fits(rows.schema[theirs], columns[ours]):
            raise PulseError(
                f"{domain}: column '{theirs}' of {path} is of type {rows.schema[theirs]}, which cannot "
                f"be {ours}; write it as text, a number or a date{LISTS if columns[ours].is_nested() else ''}"
            )
    kept = [pl.col(theirs).alias(ours) for ours, theirs in names.items() if theirs in rows.columns]
    return rows.select(SOURCE_ROW, *kept), rejects


def _fits(found: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether a column can be cast value by value; what does not cast there goes to the quarantine."""
    if isinstance(found, pl.List):
        return wanted.is_nested() and found.inner == pl.String()
    if found.is_temporal():
        return found in (pl.Date, pl.Datetime)
    return found in (pl.String, pl.Null, pl.Boolean) or (found.is_numeric() and not wanted.is_nested())


def _choices(rows: pl.DataFrame, is_json: bool) -> str:
    # Of a JSON file only the keys asked for were read.
    return "" if is_json else f", it has {', '.join(name for name in rows.columns if name != SOURCE_ROW)}"


def _kind(path: Path) -> str:
    return path.name.removesuffix(".gz").rpartition(".")[2].lower()


def _read_file(path: Path, schema: Mapping[str, pl.DataType]) -> tuple[pl.DataFrame, pl.DataFrame]:
    kind = _kind(path)
    if kind == "csv":
        return read_csv(path)
    if kind in JSON_KINDS:
        return read_json_lines(path, schema)
    if kind == "parquet" and path.suffix != ".gz":
        return _read_parquet(path), quarantine(path.name)
    raise PulseError(f"{path}: unknown kind of table; use .csv, .jsonl (each also .gz) or .parquet")


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        rows = pl.read_parquet(path, glob=False)
    except (pl.exceptions.ComputeError, OSError) as error:
        raise PulseError(
            f"{path} cannot be read as Parquet; it is damaged or cut off: fetch it again"
        ) from error
    numbers = pl.int_range(1, rows.height + 1, dtype=pl.Int64, eager=True)
    labels = selectors.by_dtype(pl.Categorical, pl.Enum)
    return rows.with_columns(labels.cast(pl.String), numbers.alias(SOURCE_ROW))
