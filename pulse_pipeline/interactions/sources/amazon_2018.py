"""Amazon Review Data 2018 (Ni et al. 2019): `<Domain>_5.json.gz` and `meta_<Domain>.json.gz`."""

import polars as pl

from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.interactions.sources.json_lines import read_json_lines
from pulse_pipeline.interactions.sources.open_file import existing_file
from pulse_pipeline.interactions.sources.raw_table import SOURCE_ROW, RawTable, about_items

REVIEW = {
    "reviewerID": pl.String(),
    "asin": pl.String(),
    "overall": pl.Float32(),
    "unixReviewTime": pl.Int64(),
    "summary": pl.String(),
    "reviewText": pl.String(),
}
METADATA = {
    "asin": pl.String(),
    "title": pl.String(),
    "brand": pl.String(),
    "category": pl.List(pl.String()),
    "price": pl.String(),
    "description": pl.List(pl.String()),
}


def read_interactions(config: DomainConfig) -> RawTable:
    """Read reviews.

    Args:
        config: The domain; `interactions` names the review file, `.json` or `.json.gz`.

    Returns:
        One row a review, and the lines that hold none.

    Raises:
        PulseError: The file is missing, cut off or damaged.
    """
    path = existing_file(config.interactions, config.name, "interactions")
    rows, rejects = read_json_lines(path, REVIEW)
    ours = rows.lazy().select(
        SOURCE_ROW,
        user_id="reviewerID",
        item_id="asin",
        rating="overall",
        timestamp="unixReviewTime",
        review_title="summary",
        review_text="reviewText",
    )
    return RawTable(ours, rejects, (path,), required=("rating", "timestamp"))


def read_items(config: DomainConfig, item_ids: pl.Series) -> RawTable:
    """Read item metadata.

    Args:
        config: The domain; `items` names the metadata file, `.json` or `.json.gz`.
        item_ids: The items that are wanted; lines about others are left out while reading.

    Returns:
        One row a line; items may repeat.

    Raises:
        PulseError: The file is missing, cut off or damaged.
    """
    path = existing_file(config.items, config.name, "items")
    rows, rejects = read_json_lines(path, METADATA, about_items("asin", item_ids))
    ours = rows.lazy().rename({"asin": "item_id", "category": "categories"})
    return RawTable(ours, rejects, (path,))
