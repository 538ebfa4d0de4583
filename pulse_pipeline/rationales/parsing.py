"""From the model's answer to a text, or to the reason why it is none."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from pulse_pipeline.rationales.masking import mask

CUT = "cut at the token limit"
NOT_JSON = "not JSON"
NO_TEXT = "no text under the key 'rationale'"

NO_ROOM = "the prompt is too long for the model"

UNREADABLE = {NO_ROOM: "no_room", CUT: "cut", NOT_JSON: "not_json", NO_TEXT: "no_text"}
"""Reasons why an answer could not be read, with their short names."""


@dataclass(frozen=True)
class Parsed:
    """An answer that was read.

    Attributes:
        rationale: The text on one line, masked; kept as it was where it could not be read.
        reject_reason: Why it could not be read; None where it was.
    """

    rationale: str
    reject_reason: str | None


def parse(text: str, finished: bool, secrets: Iterable[str]) -> Parsed:
    """Read one answer.

    Args:
        text: What the model generated.
        finished: False if it was cut at the token limit.
        secrets: What a hindsight rationale must not name; masked.
    """
    if not finished:
        return Parsed(one_line(text), CUT)
    try:
        answer = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return Parsed(one_line(text), NOT_JSON)
    rationale = answer.get("rationale") if isinstance(answer, dict) else None
    if not isinstance(rationale, str):
        return Parsed(one_line(text), NO_TEXT)
    return Parsed(mask(one_line(rationale), secrets), None)


def one_line(text: str) -> str:
    """Without line breaks and what JSON can spell but no table may hold: controls, lone surrogates."""
    line = " ".join(text.split())
    return line if line.isprintable() else "".join(filter(str.isprintable, line))
