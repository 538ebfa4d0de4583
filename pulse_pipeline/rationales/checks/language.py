"""A rationale is written in the language that its readers and the encoder know."""

from functools import cached_property
from typing import ClassVar

import polars as pl
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from pulse_pipeline.errors import PulseError

CONFIDENCE = 0.5
"""Probability from which the identifier is believed: a list of brand names gets a third at most."""

MIN_COMMON_WORDS = 3
"""With so many of a language's own small words a text needs no identifier, which is the dear part."""

_COMMON_WORDS = {
    "en": "the and that they their with this which because from for its are who to of it is what you",
}


class Language:
    """Rejects what is surely in another language, or in none, such as a row of emojis.

    py3langid tells 139 languages apart (Naive Bayes over byte n-grams; Lui and Baldwin, 2012), its
    probabilities calibrated for short texts.
    """

    name: ClassVar[str] = "language"
    reason: ClassVar[str] = "written in another language"

    def __init__(self, language: str) -> None:
        """Expect texts in `language`, an ISO 639 code such as ``en``."""
        self._language = language

    def rejects(self, parsed: pl.DataFrame) -> pl.Series:
        """Check rationales, as `Check` says."""
        return pl.Series(
            self.name,
            [
                doubtful and self._is_another(text)
                for doubtful, text in zip(self._doubtful(parsed), parsed["rationale"], strict=True)
            ],
            pl.Boolean,
        )

    def _doubtful(self, parsed: pl.DataFrame) -> pl.Series:
        common = _COMMON_WORDS.get(self._language)
        if common is None:
            return pl.repeat(True, len(parsed), eager=True)
        small = rf"\b(?:{common.replace(' ', '|')})\b"
        return parsed["words"].str.count_matches(small) < MIN_COMMON_WORDS

    def _is_another(self, text: str) -> bool:
        label, probability = self._identifier.classify(text)
        return bool(label != self._language and probability >= CONFIDENCE)

    @cached_property
    def _identifier(self) -> LanguageIdentifier:
        identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        if self._language not in identifier.labels:
            known = ", ".join(sorted(identifier.labels))
            raise PulseError(
                f"rationales.language: {self._language} cannot be told; use one of {known}, or null"
            )
        return identifier
