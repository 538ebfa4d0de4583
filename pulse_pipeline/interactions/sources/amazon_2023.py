"""Amazon Reviews 2023 (Hou et al. 2024): `<Domain>.jsonl.gz` and `meta_<Domain>.jsonl.gz`.

An item is a `parent_asin`: variants of one product (colours, sizes) share it, and the metadata are
keyed by it.
"""

import polars as pl

from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.interactions.sources.json_lines import read_json_lines
from pulse_pipeline.interactions.sources.open_file import existing_file
from pulse_pipeline.interactions.sources.raw_table import SOURCE_ROW, RawTable, about_items

REVIEW = {
    "user_id": pl.String(),
    "parent_asin": pl.String(),
    "asin": pl.String(),
    "rating": pl.Float32(),
    "timestamp": pl.Int64(),
    "title": pl.String(),
    "text": pl.String(),
}
METADATA = {
    "parent_asin": pl.String(),
    "title": pl.String(),
    "store": pl.String(),
    "main_category": pl.String(),
    "categories": pl.List(pl.String()),
    "price": pl.String(),
    "description": pl.List(pl.String()),
    "features": pl.List(pl.String()),
}


def read_interactions(config: DomainConfig) -> RawTable:
    """Read reviews.

    Args:
        config: The domain; `interactions` names the review file, `.jsonl` or `.jsonl.gz`.

    Returns:
        One row a review, and the lines that hold none. Times are turned from milliseconds into
        seconds.

    Raises:
        PulseError: The file is missing, cut off or damaged.
    """
    path = existing_file(config.interactions, config.name, "interactions")
    rows, rejects = read_json_lines(path, REVIEW)
    ours = rows.lazy().select(
        SOURCE_ROW,
        "user_id",
        "rating",
        _seconds(rows.schema["timestamp"]),
        item_id=pl.coalesce("parent_asin", "asin"),
        review_title="title",
        review_text="text",
    )
    return RawTable(ours, rejects, (path,), required=("rating", "timestamp"))


def _seconds(dtype: pl.DataType) -> pl.Expr:
    """`timestamp` in seconds; text that is no number stays for the contract to judge."""
    milliseconds = pl.col("timestamp")
    if dtype == pl.Int64:
        return milliseconds // 1000
    return pl.coalesce((milliseconds.cast(pl.Int64, strict=False) // 1000).cast(pl.String), milliseconds)


def read_items(config: DomainConfig, item_ids: pl.Series) -> RawTable:
    """Read item metadata.

    Args:
        config: The domain; `items` names the metadata file, `.jsonl` or `.jsonl.gz`.
        item_ids: The items that are wanted; lines about others are left out while reading.

    Returns:
        One row a line; items may repeat. The store stands for the brand; categories fall back on
        the main category, a description on the list of features.

    Raises:
        PulseError: The file is missing, cut off or damaged.
    """
    path = existing_file(config.items, config.name, "items")
    rows, rejects = read_json_lines(path, METADATA, about_items("parent_asin", item_ids))
    ours = rows.lazy().select(
        SOURCE_ROW,
        "title",
        "price",
        item_id="parent_asin",
        brand="store",
        categories=_first_filled("categories", pl.concat_list("main_category")),
        description=_first_filled("description", pl.col("features")),
    )
    return RawTable(ours, rejects, (path,))


def _first_filled(column: str, otherwise: pl.Expr) -> pl.Expr:
    return pl.when(pl.col(column).list.len() > 0).then(pl.col(column)).otherwise(otherwise)
