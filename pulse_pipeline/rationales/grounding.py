"""Does a rationale speak of this history? What it names of it, and what it names that is not there."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from pulse_pipeline.rationales.masking import words

RARE = 1 / 50  # of texts: a word of more of them names nothing, as in `masking.TitleMask`
AT_LEAST = 2  # texts that a rare word may stand in, however small the catalogue
NAMING = 1 / 2  # a name stands in the title or brand in this share of the texts that hold it: not "smooth"
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class Grounding:
    """What a rationale names.

    Attributes:
        named: Rare words for items, brands, categories and properties of the history, sorted.
        invented: Names from outside the history: rare words that mostly stand in the catalogue's titles
            and brands, and whole titles; sorted.
    """

    named: tuple[str, ...]
    invented: tuple[str, ...]

    @property
    def grounded(self) -> bool:
        """It names something of the history, and nothing that is not there."""
        return bool(self.named) and not self.invented


class GroundingCheck:
    """Tells a domain's names from plain words, by how many of its texts hold them.

    Words are compared in lower case and without a plural's s; those of fewer than three letters and
    English function words never count.
    """

    def __init__(self, items: pl.DataFrame, reviews: Iterable[str]) -> None:
        """Count words over a domain.

        Args:
            items: The `items` table.
            reviews: Reviews, one text each; only those that may be looked at.
        """
        names = [content(text) for text in item_names(items)["names"]]
        said = [content(review) for review in reviews if review]
        texts = [name | content(text) for name, text in zip(names, items["text"], strict=True)]
        self._common = _frequent([*names, *said])
        ordinary = _frequent([*texts, *said])
        called, held = _counts(names), _counts([*texts, *said])
        often = (word for word, count in called.items() if count >= NAMING * held[word])
        self._names = frozenset(often) - ordinary
        self._titles = _by_rarest_word(items["title"].drop_nulls().unique().sort().to_list())

    def check(self, rationale: str, history: str, background: str = "", example: str = "") -> Grounding:
        """Compare a rationale with the history that it was written from.

        Args:
            rationale: The text.
            history: Titles, brands, categories and reviews of the history.
            background: What else is true of its items, such as descriptions: naming it is no
                invention, and no sign that the history was read either.
            example: What a worked example in the prompt names: whatever is copied from it is invented.
        """
        said, there = content(rationale), content(history)
        known = there | content(background)
        foreign = (self._names | content(example)) & said - known
        titles = self._foreign_titles(rationale, known)
        return Grounding(
            named=tuple(sorted(said & there - self._common)),
            invented=tuple(sorted({*foreign, *titles})),
        )

    def _foreign_titles(self, rationale: str, known: frozenset[str]) -> list[str]:
        """Whole titles, even of plain words, unless the history's own words make them up."""
        read = _line(rationale)
        candidates = (title for word in content(rationale) for title in self._titles.get(word, ()))
        return [title for title in candidates if f" {title} " in read and content(title) - known]


def content(text: str) -> frozenset[str]:
    """The words of a text that can name something."""
    return frozenset(_singular(word) for word in words(text) if word not in ENGLISH_STOP_WORDS)


def item_names(items: pl.DataFrame) -> pl.DataFrame:
    """What an item is called.

    Args:
        items: The `items` table.

    Returns:
        Columns `item_id`, `names`: title, brand and categories as one text.
    """
    called = pl.concat_str(
        "title", "brand", pl.col("categories").list.join(", "), separator=". ", ignore_nulls=True
    )
    return items.select("item_id", names=called)


def histories(wanted: pl.DataFrame, interactions: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """What rationales are held against.

    Args:
        wanted: Columns `user_id`, `target_position`, as `cuts.cut_points` gives them.
        interactions: The `interactions` table.
        items: The `items` table.

    Returns:
        `wanted` with `history` and `background` for `GroundingCheck.check`; nothing from
        `target_position` on is in them.
    """
    review = pl.concat_str("review_title", "review_text", separator=": ", ignore_nulls=True)
    described = interactions.join(item_names(items), on="item_id").join(
        items.select("item_id", "text"), on="item_id"
    )
    lines = pl.concat_str("names", review, separator=". ", ignore_nulls=True)
    seen = (
        wanted.select("user_id", "target_position")
        .unique()
        .join(described, on="user_id")
        .filter(pl.col("position") < pl.col("target_position"))
        .sort("position")
        .group_by("user_id", "target_position", maintain_order=True)
        .agg(history=lines.str.join("\n"), background=pl.col("text").str.join("\n"))
    )
    joined = wanted.join(seen, on=["user_id", "target_position"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("history", "background").fill_null(""))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _frequent(texts: list[frozenset[str]]) -> frozenset[str]:
    most = max(AT_LEAST, RARE * len(texts))
    return frozenset(word for word, count in _counts(texts).items() if count > most)


def _counts(texts: Iterable[frozenset[str]]) -> Counter[str]:
    """In how many texts each word stands."""
    return Counter(word for text in texts for word in text)


def _line(text: str) -> str:
    return f" {' '.join(_WORDS.findall(text.lower()))} "


def _by_rarest_word(titles: list[str]) -> dict[str, list[str]]:
    """Titles under one word of each, so that a rationale is compared with few of them."""
    bags = {_line(title).strip(): content(title) for title in titles if len(title.split()) > 1}
    counts = _counts(bags.values())
    found = defaultdict[str, list[str]](list)
    for title, bag in bags.items():
        if bag:
            found[min(bag, key=lambda word: (counts[word], word))].append(title)
    return dict(found)
