"""A rationale is about what a person chose; another item's title is made up."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

import polars as pl

from pulse_pipeline.rationales.checks.words import as_words
from pulse_pipeline.rationales.titles import all_spoken
from pulse_pipeline.rationales.untrusted import plain

MIN_LETTERS = 8
"""Shorter titles of several words, such as "In It", are everyday language."""

MIN_LETTERS_QUOTED = 3
MIN_LETTERS_ALONE = 5
"""A title of one word is an everyday word too, unless it is quoted, or has a capital inside a sentence."""

SHOWN_WORDS = 6
"""Prompts shorten titles: one whose first words are in the evidence is taken to be there."""

_TITLE_CHARACTERS = 500
_NAME = r"([^\W\d_][^\W_]*(?:['\u2019][^\W_]+)*?)(?:['\u2019]s)?"
_QUOTED = re.compile(rf"[\"'*_\u2018\u201c\u00ab]{_NAME}[.,!?]?[\"'*_\u2019\u201d\u00bb]")
_AFTER_A_WORD = re.compile(rf"\b(?=[^\W\d_A-Z])[^\W_]+[,:]? {_NAME}(?=[.,;!?]|$| (?=[^\W\d_A-Z]))")
"""Half of "Iron Comet" is no name of its own; a capital that begins a sentence says nothing."""


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
            titles: All titles; those that are null or short are left out.
        """
        spelled = pl.concat([titles, all_spoken(titles)]).to_frame("title")
        words = spelled.select(as_words(plain(pl.col("title"), _TITLE_CHARACTERS)))
        names = words.to_series().str.strip_chars(" ").unique()
        letters = names.str.replace_all(r"\P{L}+", "").str.len_chars()
        several = names.str.contains(" ", literal=True)
        self._single: set[str] = set(names.filter(~several & (letters >= MIN_LETTERS_QUOTED)))
        self._titles: set[str] = set()
        self._lengths: dict[tuple[str, str], set[int]] = {}
        for name in names.filter(several & (letters >= MIN_LETTERS)):
            each = name.split(" ")
            self._titles.add(name)
            self._lengths.setdefault((each[0], each[1]), set()).add(len(each))

    def rejects(self, parsed: pl.DataFrame) -> pl.Series:
        """Check rationales, as `Check` says."""
        named = [
            (row, title)
            for row, (rationale, words) in enumerate(parsed.select("rationale", "words").iter_rows())
            for title in self._in(rationale, words)
        ]
        rows = [row for row, _ in named]
        shown = parsed[rows].select(as_words(pl.col("evidence"))).to_series()
        foreign = {
            row for (row, title), words in zip(named, shown, strict=True) if not _is_shown(title, words)
        }
        return pl.Series(self.name, [row in foreign for row in range(len(parsed))], pl.Boolean)

    def _in(self, rationale: str, words: str) -> Iterator[str]:
        """The titles that a rationale names."""
        each = words.split()
        if self._single:
            yield from (name for name in _names_of_one_word(rationale) if name in self._single)
        if not self._lengths.keys().isdisjoint(pairwise(each)):
            yield from (title for title in self._several(each) if _written_as_a_name(title, rationale))

    def _several(self, words: list[str]) -> Iterator[str]:
        for start, pair in enumerate(pairwise(words)):
            for length in self._lengths.get(pair, ()):
                title = " ".join(words[start : start + length])
                if title in self._titles:
                    yield title


def _names_of_one_word(rationale: str) -> Iterator[str]:
    """Words, in lower case, that are quoted, or stand alone with a capital inside a sentence."""
    alone = [name for name in _AFTER_A_WORD.findall(rationale) if len(name) >= MIN_LETTERS_ALONE]
    for name in _QUOTED.findall(rationale) + alone:
        if name[0].isupper():
            yield re.sub(r"['\u2019]", "", name).lower()


def _written_as_a_name(title: str, rationale: str) -> bool:
    """Whether its longer words are capitalised: "True Love" may be a book, "true love" is a wish."""
    spelled = r"[\W_]+".join(map(re.escape, title.split()))
    text = re.sub(r"['\u2019]", "", rationale)
    found = re.findall(rf"(?<![^\W_]){spelled}(?![^\W_])", text, re.IGNORECASE)
    return any(map(_is_capitalised, found))


def _is_capitalised(name: str) -> bool:
    words = re.findall(r"[^\W_]+", name)
    telling = [word for word in words if len(word) > 3] or words
    return not any(word[0].islower() for word in telling)


def _is_shown(title: str, words: str) -> bool:
    start = " ".join(title.split()[:SHOWN_WORDS])
    # "Titanic's" is one word there, without its apostrophe.
    return f" {start} " in words or f" {start}s " in words
