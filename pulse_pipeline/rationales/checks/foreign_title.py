"""A rationale is about what a person chose; another item's title is made up."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

import polars as pl

from pulse_pipeline.rationales.checks.words import as_words
from pulse_pipeline.rationales.untrusted import plain

MIN_WORDS = 2
MIN_LETTERS = 8
"""Shorter titles, such as "Home", are words of everyday language."""

SHOWN_WORDS = 6
"""Prompts shorten titles: one whose first words are in the evidence is taken to be there."""

_TITLE_CHARACTERS = 500


class ForeignTitle:
    """Rejects titles of the catalogue that are not in the evidence.

    Titles are looked up by their first two words. An automaton over all of them, as
    `polars.Expr.str.contains_any` makes one a call, takes seconds to build for 100,000 titles, again
    for every batch of answers.
    """

    name: ClassVar[str] = "foreign_title"
    reason: ClassVar[str] = "names an item that is not in the evidence"

    def __init__(self, titles: pl.Series) -> None:
        """Index a catalogue.

        Args:
            titles: All titles; those that are null, short or a single word are left out.
        """
        words = titles.to_frame("title").select(as_words(plain(pl.col("title"), _TITLE_CHARACTERS)))
        names = words.to_series().str.strip_chars(" ").unique()
        long_enough = names.str.replace_all(r"\P{L}+", "").str.len_chars() >= MIN_LETTERS
        self._titles: set[str] = set()
        self._lengths: dict[tuple[str, str], set[int]] = {}
        for name in names.filter(long_enough & (names.str.count_matches(" ") + 1 >= MIN_WORDS)):
            each = name.split(" ")
            self._titles.add(name)
            self._lengths.setdefault((each[0], each[1]), set()).add(len(each))

    def rejects(self, parsed: pl.DataFrame) -> pl.Series:
        """Check rationales, as `Check` says."""
        named = [
            (row, title)
            for row, (rationale, words) in enumerate(parsed.select("rationale", "words").iter_rows())
            for title in self._in(words)
            if _written_as_a_name(title, rationale)
        ]
        rows = [row for row, _ in named]
        shown = parsed[rows].select(as_words(pl.col("evidence"))).to_series()
        foreign = {
            row for (row, title), words in zip(named, shown, strict=True) if _start(title) not in words
        }
        return pl.Series(self.name, [row in foreign for row in range(len(parsed))], pl.Boolean)

    def _in(self, words: str) -> Iterator[str]:
        each = words.split()
        if self._lengths.keys().isdisjoint(pairwise(each)):
            return
        for start, pair in enumerate(pairwise(each)):
            for length in self._lengths.get(pair, ()):
                title = " ".join(each[start : start + length])
                if title in self._titles:
                    yield title


def _written_as_a_name(title: str, rationale: str) -> bool:
    """Whether its longer words are capitalised: "True Love" may be a book, "true love" is a wish."""
    spelled = r"[\W_]+".join(map(re.escape, title.split()))
    found = re.search(rf"(?<![^\W_]){spelled}(?![^\W_])", re.sub(r"['\u2019]", "", rationale), re.IGNORECASE)
    words = re.findall(r"[^\W_]+", found.group()) if found else []
    return all(not word[0].islower() for word in words if len(word) > 3)


def _start(title: str) -> str:
    return f" {' '.join(title.split()[:SHOWN_WORDS])} "
