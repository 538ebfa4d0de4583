"""A rationale says what a person wants, not what we asked."""

import re
from typing import ClassVar

import polars as pl

from pulse_pipeline.rationales.checks.words import runs, words_of
from pulse_pipeline.rationales.histories import WROTE
from pulse_pipeline.rationales.spec import RationaleSpec

RUN = 8
"""Words in a row that only a copy shares: "the qualities that they care about" may be anybody's."""

SHORTEST = 5
"""Words of a sentence of ours that is shorter than a run, such as a heading; it counts as a whole."""

# Slots, line ends and sentence ends: what stands on their two sides is not one run of ours.
_BREAKS = re.compile(r"\{history\}|\{target\}|\n|(?<=[.!?:])\s")


class PromptCopy:
    """Rejects our instructions, how our lists are laid out, and braces of JSON or of a slot."""

    name: ClassVar[str] = "prompt_copy"
    reason: ClassVar[str] = "repeats the prompt"

    def __init__(self, spec: RationaleSpec) -> None:
        """Take our words from what the answers were written with."""
        sentences = [*_BREAKS.split(spec.template), *_BREAKS.split(spec.system)]
        self._ours = sorted(
            {run for sentence in sentences for run in (*_runs_of(sentence), *_asides(sentence))}
        )

    def rejects(self, parsed: pl.DataFrame) -> pl.Series:
        """Check rationales, as `Check` says."""
        layout = parsed["rationale"].str.contains(rf"[{{}}]|(?i:{re.escape(WROTE)})")
        return layout | parsed["words"].str.contains_any(self._ours) if self._ours else layout


def _runs_of(sentence: str) -> list[str]:
    words = words_of(sentence)
    length = len(words.split())
    return runs(words, min(length, RUN)) if length >= SHORTEST else []


def _asides(sentence: str) -> list[str]:
    """What a heading says of its list, such as "newest first", which small models take for a want."""
    clauses = sentence.split(",")[1:] if sentence.rstrip().endswith(":") else []
    return [words for words in map(words_of, clauses) if len(words.split()) > 1]
