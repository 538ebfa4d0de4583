"""A rationale says something."""

from typing import ClassVar

import polars as pl

MIN_DISTINCT_WORDS = 5
MIN_LETTERS = 3  # of a word that counts


class Length:
    """Rejects what has too few different words."""

    name: ClassVar[str] = "length"
    reason: ClassVar[str] = f"fewer than {MIN_DISTINCT_WORDS} different words"

    def rejects(self, parsed: pl.DataFrame) -> pl.Series:
        """Check rationales, as `Check` says."""
        words = parsed["words"].str.extract_all(rf"[\p{{L}}\p{{M}}\p{{N}}]{{{MIN_LETTERS},}}")
        return words.list.n_unique() < MIN_DISTINCT_WORDS
