"""Plain text out of what shops and scrapers leave in a field."""

import html

import polars as pl

# Their content is code, never words.
_CODE = r"(?is)<(?:script|style)\b.*?(?:</(?:script|style)\s*>|$)"
# A letter, a slash or a bang must follow, or "ages <5" would lose its end. Upstream cuts fields
# within a tag, so a tag may also end with the text.
_TAG = r"(?s)<(?:/?[A-Za-z]|!)[^<>]*(?:>|$)"


def clean_text(texts: pl.Series) -> pl.Series:
    """Strip tags, turn entities into characters, fold white space.

    Args:
        texts: Any text; nulls stay.

    Returns:
        Clean text; null where nothing is left.
    """
    # Entities may spell out tags (&lt;br&gt;), which only show once they are characters.
    plain = _strip_tags(_unescape(_strip_tags(texts)))
    folded = plain.str.replace_all(r"[\s\x00-\x1f\x{a0}\x{200b}\x{feff}]+", " ").str.strip_chars()
    return folded.set(folded == "", None)


def clean_texts(lists: pl.Series) -> pl.Series:
    """Clean the elements of lists; empty and repeated ones are left out.

    Args:
        lists: Lists of text; nulls count as empty lists.

    Returns:
        Lists of clean text, in the order they had.
    """
    rows = pl.DataFrame({"text": lists.rename("text")}).with_row_index("row")
    flat = rows.explode("text", empty_as_null=True).with_columns(pl.col("text").cast(pl.String))
    flat = flat.with_columns(clean_text(flat["text"]).alias("text")).drop_nulls()
    gathered = flat.group_by("row", maintain_order=True).agg(pl.col("text").unique(maintain_order=True))
    joined = rows.select("row").join(gathered, on="row", how="left", maintain_order="left")
    return joined["text"].fill_null(pl.Series([[]], dtype=pl.List(pl.String)).first()).alias(lists.name)


def _strip_tags(texts: pl.Series) -> pl.Series:
    return texts.str.replace_all(_CODE, " ").str.replace_all(_TAG, " ")


def _unescape(texts: pl.Series) -> pl.Series:
    coded = texts.filter(texts.str.contains("&", literal=True)).unique(maintain_order=True)
    if coded.is_empty():
        return texts
    return texts.replace(coded, pl.Series([html.unescape(text) for text in coded], dtype=pl.String))
