"""A hindsight rationale must give reasons, not the chosen item's name."""

from typing import ClassVar

import polars as pl

from pulse_pipeline.rationales.checks.words import as_words
from pulse_pipeline.rationales.masking import MASK


class TargetTitle:
    """Rejects what is mostly masks, and a title of common words that its punctuation hid from the mask."""

    name: ClassVar[str] = "target_title"
    reason: ClassVar[str] = "names the chosen item"

    def rejects(self, parsed: pl.DataFrame) -> pl.Series:
        """Check rationales, as `Check` says."""
        has_secrets = pl.col("secrets").list.len() > 0
        # Longest first: the whole title. A single word is masked wherever it stands.
        title = as_words(pl.col("secrets").list.first().fill_null(""))
        named = (title.str.count_matches(" ", literal=True) > 2) & pl.col("words").str.contains(
            title, literal=True
        )
        masks = pl.col("words").str.count_matches(f" {MASK}\\b")
        others = pl.col("words").str.count_matches(" ", literal=True) - 1 - masks
        return parsed.select((has_secrets & (named | (masks > others))).alias(self.name)).to_series()
