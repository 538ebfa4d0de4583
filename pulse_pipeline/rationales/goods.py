"""What kinds of goods a domain holds, in a few words: all that a bridging prompt may know of it."""

import polars as pl
from sklearn.feature_extraction.text import CountVectorizer

from pulse_pipeline.rationales.untrusted import plain

KINDS = 12
KIND_CHARACTERS = 40
WIDEST = 0.5
"""A category of more items than this share says what all of them are, not what kinds there are."""

FEWEST = 3
"""Items that a word must be in: what one item alone is called would name it."""


def kinds_of_goods(items: pl.DataFrame, interactions: pl.DataFrame) -> list[str]:
    """Name a catalogue's commonest kinds of goods.

    Only items that somebody had before the temporal cut are looked at, where there are times: the others
    may not have been on sale. Of the interactions nothing else is read.

    Args:
        items: The `items` table.
        interactions: The `interactions` table.

    Returns:
        Its categories with the most items or, where too few items have any, the words that the most of its
        texts hold; the commonest first, at most `KINDS`.
    """
    early = interactions.filter(pl.col("split_temporal").fill_null("train") == "train")
    listed = items.join(early, on="item_id", how="semi")
    categories = _categories(listed)
    return categories if len(categories) >= FEWEST else _words(listed)


def _categories(items: pl.DataFrame) -> list[str]:
    counts = (
        items.select(pl.col("categories").list.unique())
        .explode("categories")
        .drop_nulls()
        .select(kind=plain(pl.col("categories"), KIND_CHARACTERS))
        .filter(pl.col("kind") != "")
        .group_by("kind")
        .len()
        .filter(pl.col("len") >= FEWEST, pl.col("len") <= WIDEST * len(items))
        .sort("len", "kind", descending=[True, False])
    )
    return counts["kind"].head(KINDS).to_list()


def _words(items: pl.DataFrame) -> list[str]:
    texts = items.select(plain(pl.coalesce("title", "text"), 1000))["title"]
    counter = CountVectorizer(stop_words="english", token_pattern=r"(?u)\b[^\W\d_]{3,30}\b", binary=True)
    if not texts.str.contains(r"\p{L}{3}").any():
        return []
    held = counter.fit_transform(texts).sum(axis=0).A1
    words = pl.DataFrame({"word": counter.get_feature_names_out(), "items": held})
    common = words.filter(pl.col("items") >= FEWEST).sort("items", "word", descending=[True, False])
    return common["word"].head(KINDS).to_list()
