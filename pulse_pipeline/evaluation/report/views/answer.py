"""Do rationales help here? The answer in words, made from the paired differences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pulse_pipeline.evaluation.bootstrap import Interval
from pulse_pipeline.evaluation.in_domain import IN_FULL, SHUFFLED, WITHOUT
from pulse_pipeline.evaluation.report.inputs import DifferenceRow, ReportInputs
from pulse_pipeline.evaluation.report.views.metrics import PROTOCOLS

Case = Literal["help", "hurt", "open"]

CASES: dict[Case, str] = {"help": "they help", "hurt": "they hurt", "open": "no evidence either way"}


@dataclass(frozen=True)
class Verdict:
    """What rationales do in one domain under one protocol.

    Attributes:
        dataset: The domain.
        protocol: The protocol.
        case: Which of the three.
        silent: Our model minus itself without rationales.
        strangers: Minus itself with other users' rationales; None where that was not measured.
        in_full: Minus itself with its own rationales in full, of a model served otherwise; else None.
        because: Why it is this case, in a sentence.
    """

    dataset: str
    protocol: str
    case: Case
    silent: DifferenceRow
    strangers: DifferenceRow | None
    in_full: DifferenceRow | None
    because: str

    @property
    def held_back(self) -> bool:
        """Whether rationales enter no ranking of the model, as validation saw no gain in them."""
        return self.in_full is not None and _alike(self.silent.difference)


def verdicts(report: ReportInputs) -> list[Verdict]:
    """One for each domain, protocol and way of taking rationales away; the first of a domain decides.

    A model that was trained without rationales is the fairer opponent: one that has learned to read them
    and is then refused them may do worse than if there had never been any.
    """
    found = {
        (row.dataset, row.protocol, row.retrained, row.against.removeprefix(f"{report.model}, ")): row
        for row in report.differences
        if _asked(report, row)
    }
    silent, strangers, in_full = (
        name.removeprefix(f"{report.model}, ") for name in (WITHOUT, SHUFFLED, IN_FULL)
    )
    return [
        _verdict(
            found[*place, silent],
            found.get((*place, strangers)),
            None if retrained else found.get((*place, in_full)),
        )
        for domain in report.domains
        for protocol in PROTOCOLS
        for retrained in (True, False)
        if (*(place := (domain.name, protocol, retrained)), silent) in found
    ]


def deciding(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The first verdict of each domain, which the answer rests on."""
    first: dict[str, Verdict] = {}
    for verdict in verdicts:
        first.setdefault(verdict.dataset, verdict)
    return list(first.values())


def summary(verdicts: Sequence[Verdict]) -> str:
    """The answer over all domains in one sentence, by each one's first verdict."""
    decisive = deciding(verdicts)
    counts = {case: sum(one.case == case for one in decisive) for case in CASES}
    n = len(decisive)
    domains = "the one domain here" if n == 1 else f"all {n} domains"
    if counts["help"] == n:
        return f"Yes, in {domains}."
    if counts["hurt"] == n:
        return f"No, they hurt in {domains}."
    if counts["open"] == n:
        none = "the one domain here" if n == 1 else f"any of the {n} domains"
        return f"There is no evidence that they do in {none}."
    words = {"help": "they help", "hurt": "they hurt", "open": "there is no evidence either way"}
    parts = [f"in {counts[case]} {words[case]}" for case in CASES if counts[case]]
    return f"Of {n} domains, {', '.join(parts)}."


def _asked(report: ReportInputs, row: DifferenceRow) -> bool:
    return row.model == report.model and row.candidates == "full" and row.metric == "NDCG@10"


def _verdict(
    silent: DifferenceRow, strangers: DifferenceRow | None, in_full: DifferenceRow | None
) -> Verdict:
    case, because = _case(silent.difference, strangers.difference if strangers else None)
    return Verdict(silent.dataset, silent.protocol, case, silent, strangers, in_full, because)


def _case(silent: Interval, strangers: Interval | None) -> tuple[Case, str]:
    """A gain counts as one only if another user's rationale does not bring it as well."""
    if silent.high < 0:
        return "hurt", "The model ranks better with its rationales taken away."
    if silent.low <= 0:
        return "open", _not_shown(silent, strangers)
    if strangers is None:
        return "help", "The model ranks worse without them; other users' rationales were not tried."
    if strangers.low <= 0:
        return (
            "open",
            "A text helps, but another user's may help as much: it may not be what it says of this one.",
        )
    return "help", "The model ranks worse without them and worse with another user's."


def _not_shown(silent: Interval, strangers: Interval | None) -> str:
    if _alike(silent):
        return "Both rank every user's item alike."
    if strangers is not None and strangers.low > 0:
        return "A user's own rationale does better than a stranger's, but no better than none."
    return "The interval of the difference to no rationale holds zero."


def _alike(difference: Interval) -> bool:
    return difference.low == difference.high == 0
