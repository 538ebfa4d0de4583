"""The items of a domain: one row for each item that somebody interacted with."""

import polars as pl

from pulse_pipeline.interactions.contracts import RecordedItems
from pulse_pipeline.interactions.item_text import add_text
from pulse_pipeline.interactions.prices import parse_price
from pulse_pipeline.interactions.sources.raw_table import SOURCE_ROW
from pulse_pipeline.interactions.text_cleaning import clean_text, clean_texts
from pulse_pipeline.schemas import Items

TEXT_COLUMNS = ("title", "brand", "description")
COLUMNS = ("title", "brand", "categories", "price", "description")


def clean_metadata(rows: pl.DataFrame) -> pl.DataFrame:
    """Clean the fields of metadata lines.

    Args:
        rows: Lines under our column names; columns may be missing, and text be a list of it.

    Returns:
        The columns of `RecordedItems`, not yet held to it; a missing field is null.
    """
    types = RecordedItems.create_empty().schema
    absent = [pl.lit(None, types[name]).alias(name) for name in types.names() if name not in rows.columns]
    rows = rows.with_columns(absent)
    for name in TEXT_COLUMNS:
        rows = rows.with_columns(clean_text(_joined(rows[name])).alias(name))
    return rows.select(
        pl.col("item_id").cast(pl.String),
        *TEXT_COLUMNS,
        clean_texts(rows["categories"]),
        _price(rows["price"]),
        pl.col(SOURCE_ROW).cast(pl.Int64),
    )


def _joined(texts: pl.Series) -> pl.Series:
    if texts.dtype == pl.List:
        return texts.cast(pl.List(pl.String)).list.drop_nulls().list.join(" ")
    return texts.cast(pl.String)


def _price(prices: pl.Series) -> pl.Expr:
    column = pl.col("price")
    number = (column if prices.dtype.is_numeric() else parse_price(column)).cast(pl.Float32)
    return pl.when(number >= 0).then(number)  # what is no price is no reason to lose the item


def merge(metadata: pl.DataFrame) -> pl.DataFrame:
    """Make one row of the lines of each item.

    Args:
        metadata: Valid against `RecordedItems`.

    Returns:
        Each item with the most complete of its lines, what that line lacks taken from the next.
    """
    known = [pl.col(name).is_not_null().cast(pl.Int32) for name in COLUMNS if name != "categories"]
    filled = metadata.with_columns(pl.when(pl.col("categories").list.len() > 0).then(pl.col("categories")))
    completeness = pl.sum_horizontal(*known, pl.col("categories").is_not_null().cast(pl.Int32))
    best_first = filled.sort(completeness, descending=True, maintain_order=True)
    return best_first.group_by("item_id", maintain_order=True).agg(
        pl.col(name).drop_nulls().first() for name in COLUMNS
    )


def assemble(item_ids: pl.DataFrame, metadata: pl.DataFrame, text_fields: tuple[str, ...]) -> pl.DataFrame:
    """Build the catalogue.

    Args:
        item_ids: Column item_id: every item of the domain, once.
        metadata: One row an item, as `merge` makes it.
        text_fields: What an item's text is made of, in this order.

    Returns:
        Valid against `Items`, in the order of ids. Items without metadata are known by id only.
    """
    items = item_ids.sort("item_id").join(metadata, on="item_id", how="left", maintain_order="left")
    items = items.with_columns(pl.col("categories").fill_null([]))
    return Items.validate(add_text(items, text_fields).select(Items.column_names()))
