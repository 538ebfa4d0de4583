"""Small models loop: the same phrase again and again is one thought, not many."""

from typing import ClassVar

import polars as pl

PHRASE = 3
"""Words of a phrase."""

MIN_DISTINCT = 0.6
"""Share of a text's phrases that must be different ones."""

MIN_PHRASES = 4
"""Shorter texts hold no loop worth the name."""


class Repetition:
    """Rejects loops."""

    name: ClassVar[str] = "repetition"
    reason: ClassVar[str] = "says the same again and again"

    def rejects(self, parsed: pl.DataFrame) -> pl.Series:
        """Check rationales, as `Check` says."""
        return pl.Series(self.name, [_loops(text) for text in parsed["words"]], pl.Boolean)


def _loops(words: str) -> bool:
    each = words.split()
    phrases = len(each) - PHRASE + 1
    if phrases < MIN_PHRASES:
        return False
    return len(set(zip(each, each[1:], each[2:], strict=False))) < MIN_DISTINCT * phrases
