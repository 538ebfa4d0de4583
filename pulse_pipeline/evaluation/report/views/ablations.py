"""Controls and ablations: what our model loses when a part of it is taken away."""

from dataclasses import dataclass

from pulse_pipeline.evaluation.report.inputs import DifferenceRow, ReportInputs


@dataclass(frozen=True)
class Forest:
    """The paired differences of one domain under one protocol.

    Attributes:
        dataset: The domain.
        protocol: The protocol.
        rows: The largest gain first.
    """

    dataset: str
    protocol: str
    rows: list[DifferenceRow]


def forests(report: ReportInputs, protocol: str) -> list[Forest]:
    """One for each domain of which there are differences of our model in the full ranking."""
    found = []
    for domain in report.domains:
        rows = [
            row
            for row in report.differences
            if (row.dataset, row.protocol, row.candidates) == (domain.name, protocol, "full")
        ]
        if rows:
            rows.sort(key=lambda row: -row.difference.value)
            found.append(Forest(domain.name, protocol, rows))
    return found


def part(report: ReportInputs, row: DifferenceRow) -> str:
    """What was changed, short: ``no rationales, at serving`` for PULSE against ``PULSE, no rationales``."""
    if row.model != report.model:
        return f"{row.model} against {row.against}"
    changed = row.against.removeprefix(f"{report.model}, ")
    return changed if row.retrained else f"{changed}, at serving"
