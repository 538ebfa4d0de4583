"""Which answers are rationales: read, masked, then checked one reason after the other."""

from collections.abc import Mapping

import polars as pl

from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.rationales.checks.check import Check
from pulse_pipeline.rationales.checks.echo import Echo
from pulse_pipeline.rationales.checks.foreign_title import ForeignTitle
from pulse_pipeline.rationales.checks.language import Language
from pulse_pipeline.rationales.checks.length import Length
from pulse_pipeline.rationales.checks.prompt_copy import PromptCopy
from pulse_pipeline.rationales.checks.refusal import Refusal
from pulse_pipeline.rationales.checks.repetition import Repetition
from pulse_pipeline.rationales.checks.target_title import TargetTitle
from pulse_pipeline.rationales.checks.words import as_words
from pulse_pipeline.rationales.parsing import UNREADABLE, parse
from pulse_pipeline.rationales.spec import CHECKS_VERSION, RationaleSpec

CHECKS: tuple[type[Check], ...] = (
    TargetTitle,
    Length,
    Refusal,
    PromptCopy,
    Echo,
    Repetition,
    Language,
    ForeignTitle,
)
"""In this order: the first that fails names the reason."""

NAMES: dict[str, str] = {**UNREADABLE, **{check.reason: check.name for check in CHECKS}}
"""The short name of every reason."""


class TextJudge:
    """Judges answers, as `generation.Judge` asks for.

    Attributes:
        version: Changes with what it demands.
    """

    def __init__(self, spec: RationaleSpec, titles: pl.Series | None, language: str | None = "en") -> None:
        """Set the checks up.

        Args:
            spec: What the answers were written with.
            titles: The catalogue's titles; None where an answer may name any item.
            language: ISO 639 code of the language expected; None for any.
        """
        self.version = fingerprint([CHECKS_VERSION, language, titles is not None])
        self._checks: list[Check] = [
            TargetTitle(),
            Length(),
            Refusal(),
            PromptCopy(spec),
            Echo(),
            Repetition(),
        ]
        if language is not None:
            self._checks.append(Language(language))
        if titles is not None:
            self._checks.append(ForeignTitle(titles))

    def __call__(self, answers: pl.DataFrame) -> pl.DataFrame:
        """Add `rationale` and `reject_reason` to answers."""
        read = [
            parse(text, finished, secrets)
            for text, finished, secrets in answers.select("text", "finished", "secrets").iter_rows()
        ]
        parsed = answers.with_columns(
            pl.Series("rationale", [answer.rationale for answer in read], pl.String),
            pl.Series("reject_reason", [answer.reject_reason for answer in read], pl.String),
        )
        return parsed.with_columns(reject_reason=self._reasons(parsed))

    def _reasons(self, parsed: pl.DataFrame) -> pl.Series:
        reasons = parsed["reject_reason"]
        left = (
            parsed.select(
                "rationale", "reject_reason", "evidence", "secrets", words=as_words(pl.col("rationale"))
            )
            .with_row_index("row")
            .filter(pl.col("reject_reason").is_null())
        )
        for check in self._checks:
            rejected = check.rejects(left)
            reasons = reasons.scatter(left["row"].filter(rejected), check.reason)
            left = left.filter(~rejected)
        return reasons


def rejection_rates(rejected: Mapping[str, int], valid: int) -> dict[str, float]:
    """How often each reason rejected an answer.

    Args:
        rejected: Answers by the reason that rejected them.
        valid: Answers that none did.

    Returns:
        ``rejected_<check>`` of every check: its share of all answers, in [0, 1].
    """
    answers = sum(rejected.values()) + valid
    return {
        f"rejected_{name}": rejected.get(reason, 0) / answers if answers else 0.0
        for reason, name in NAMES.items()
    }
