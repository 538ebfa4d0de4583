"""From the model's answer to a rationale, or to the reason why it is none."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from pulse_pipeline.rationales.masking import mask, words

MIN_DISTINCT_WORDS = 5
# Turns of phrase that only our prompts hold, and the braces of the JSON around an answer.
_ECHO = re.compile(r"[{}]|newest first|they wrote:|in one or two sentences", re.IGNORECASE)


@dataclass(frozen=True)
class Parsed:
    """An answer after the checks.

    Attributes:
        rationale: The text; kept even where it is rejected, as far as it could be read.
        reject_reason: Why it must not be used; None for a valid rationale.
    """

    rationale: str
    reject_reason: str | None


def judge(answers: pl.DataFrame) -> pl.DataFrame:
    """Judge answers, as `generation.Judge` asks for."""
    parsed = [
        parse(text, finished, secrets)
        for text, finished, secrets in answers.select("text", "finished", "secrets").iter_rows()
    ]
    return answers.with_columns(
        pl.Series("rationale", [answer.rationale for answer in parsed], pl.String),
        pl.Series("reject_reason", [answer.reject_reason for answer in parsed], pl.String),
    )


def parse(text: str, finished: bool, secrets: Iterable[str]) -> Parsed:
    """Read one answer.

    Args:
        text: What the model generated.
        finished: False if it was cut at the token limit.
        secrets: What a hindsight rationale must not name; masked.
    """
    if not finished:
        return Parsed(text, "cut at the token limit")
    try:
        answer = json.loads(text)
    except json.JSONDecodeError:
        return Parsed(text, "not JSON")
    rationale = answer.get("rationale") if isinstance(answer, dict) else None
    if not isinstance(rationale, str):
        return Parsed(text, "no text under the key 'rationale'")
    rationale = mask(" ".join(rationale.split()), secrets)
    return Parsed(rationale, _fault(rationale))


def _fault(rationale: str) -> str | None:
    if len(words(rationale)) < MIN_DISTINCT_WORDS:
        return f"fewer than {MIN_DISTINCT_WORDS} different words"
    if _ECHO.search(rationale):
        return "repeats the prompt"
    return None
