"""A rationale says something."""

from typing import ClassVar

import polars as pl

MIN_DISTINCT_WORDS = 5
MIN_LETTERS = 3  # of a word that counts
MIN_DISTINCT_SIGNS = 10
_SIGNS = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
"""Of scripts that put no spaces between words."""


class Length:
    """Rejects what has too few different words."""

    name: ClassVar[str] = "length"
    reason: ClassVar[str] = f"fewer than {MIN_DISTINCT_WORDS} different words"

    def rejects(self, parsed: pl.DataFrame) -> pl.Series:
        """Check rationales, as `Check` says."""
        words = parsed["words"].str.extract_all(rf"[\p{{L}}\p{{M}}\p{{N}}]{{{MIN_LETTERS},}}")
        signs = parsed["words"].str.extract_all(_SIGNS)
        return (words.list.n_unique() < MIN_DISTINCT_WORDS) & (signs.list.n_unique() < MIN_DISTINCT_SIGNS)
