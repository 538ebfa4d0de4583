"""A review may try to tell the model what to say; its words must not come back as our reason."""

import re
from collections.abc import Iterator
from typing import ClassVar

import polars as pl

from pulse_pipeline.rationales.checks.words import runs, words_of

RUN = 6
"""Words in a row that a rationale must share with an order to count as its echo."""

# How orders to a model begin. A cheap search over all evidence; what it finds is looked at closely.
_HINTS = [
    "ignore",
    "disregard",
    "forget",
    "override",
    "system prompt",
    "you are ",
    "you must",
    "instruction",
    "respond",
    "reply",
    "answer ",
    "output",
    "pretend",
    "act as",
    "repeat after",
    "assistant",
    "language model",
    "jailbreak",
    "developer mode",
]
_OBJECT = r"(?:all|any|everything|the|these|those|your|my|of|previous|prior|preceding|earlier|above|other)"
_ORDER = re.compile(
    rf"\b(?:ignore|disregard|forget|override)(?: {_OBJECT})*"
    r" (?:above|previous|prior|instructions?|rules|prompts?|directions|guidelines|context)\b"
    r"|\bsystem prompt\b"
    r"|\byou are (?:now )?(?:an? )?(?:ai|artificial|assistant|chatbot|language model|dan|in developer mode)\b"
    r"|\byou are now (?:an?|the)\b"
    r"|\byou must (?:now )?(?:say|write|answer|respond|reply|output|recommend|obey|ignore|act)\b"
    r"|\bnew instructions?\b|\binstructions? (?:for|to) the (?:ai|model|assistant|system)\b"
    r"|\b(?:respond|reply|answer)(?: only| exactly| just| always)? with\b"
    r"|\b(?:respond|reply|answer) (?:only|exactly) \w+"
    r"|\boutput (?:only|exactly|the following|this)\b|\brepeat after me\b"
    r"|\bpretend (?:to be|you are|that you)\b|\bact as (?:an? ai|if you are|dan)\b"
    r"|\bas an? (?:ai|assistant|language model)\b|\bdeveloper mode\b|\bjailbreak\b",
    re.IGNORECASE,
)


class Echo:
    """Rejects a run of words that a review holds from an order to the model on; other quotes are welcome."""

    name: ClassVar[str] = "echo"
    reason: ClassVar[str] = "repeats an instruction from the evidence"

    def rejects(self, parsed: pl.DataFrame) -> pl.Series:
        """Check rationales, as `Check` says."""
        hinted = parsed["evidence"].str.contains_any(_HINTS, ascii_case_insensitive=True)
        pairs = zip(hinted, parsed["words"], parsed["evidence"], strict=True)
        return pl.Series(
            self.name,
            [hint and any(run in words for run in _ordered(evidence)) for hint, words, evidence in pairs],
            pl.Boolean,
        )


def _ordered(evidence: str) -> Iterator[str]:
    """Runs of words from the first order of each line on: what follows one belongs to it."""
    for line in evidence.splitlines():
        order = _ORDER.search(line)
        if order:
            yield from runs(words_of(line[order.start() :]), RUN)
