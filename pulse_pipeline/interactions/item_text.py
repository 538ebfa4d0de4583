"""The text of an item: what the encoder sees of it."""

import polars as pl

from pulse_pipeline import provenance

BUDGET_CHARS = 2000
"""Longest text; encoders read a few hundred tokens, so more is only stored and hashed."""


def add_text(items: pl.DataFrame, text_fields: tuple[str, ...]) -> pl.DataFrame:
    """Write each item's text from its fields.

    Args:
        items: Clean columns of `Items`.
        text_fields: What the text is made of, in this order.

    Returns:
        The items with `text` (fields joined by ". ", categories by ", ", cut at a word to
        `BUDGET_CHARS`), `text_hash` and `has_text`.
    """
    parts = [_part(field).str.strip_chars_end(" .") for field in text_fields]
    filled = [pl.when(part != "").then(part) for part in parts]
    whole = pl.concat_str(*filled, separator=". ", ignore_nulls=True)
    cut = whole.str.slice(0, BUDGET_CHARS + 1).str.replace(r"(?s)\s+\S*$", "").str.slice(0, BUDGET_CHARS)
    text = pl.when(whole.str.len_chars() > BUDGET_CHARS).then(cut).otherwise(whole)
    items = items.with_columns(text=text)
    hashes = pl.Series([provenance.text_hash(text) for text in items["text"]], dtype=pl.String)
    return items.with_columns(text_hash=hashes, has_text=pl.col("text") != "")


def _part(field: str) -> pl.Expr:
    return pl.col(field).list.join(", ") if field == "categories" else pl.col(field)
