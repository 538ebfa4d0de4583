"""Asset checks: what must hold before the next stage may trust a table."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import dagster as dg
import polars as pl

from assets.project import Project
from pulse_pipeline.rationales.judging import NAMES

WRITTEN = (
    "rationales",
    "item_rationales",
    "bridging_rationales",
    "refined_rationales",
    "published_seeds",
    "published_rationales",
)
"""Assets that a language model writes."""

Judgement = Callable[[pl.DataFrame], tuple[bool, dict[str, float]]]


@dataclass(frozen=True)
class Rule:
    """One check of one asset's table.

    Attributes:
        asset: The asset.
        name: Name of the check.
        description: What must hold.
        judge: Whether it holds, and the figures that say so.
        blocking: Whether a failure stops what is made from the table.
    """

    asset: str
    name: str
    description: str
    judge: Judgement
    blocking: bool = True


def asset_checks(project: Project) -> list[dg.AssetChecksDefinition]:
    """All checks, each on one partition."""
    return [_check(project, rule) for rule in rules(project)]


def failed_blocking_checks(project: Project, tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """Judge tables anew by their blocking checks, whether or not Dagster has run them.

    Args:
        project: Registry and settings.
        tables: A domain's tables by their asset.

    Returns:
        Names of those that fail, as ``check of asset``.
    """
    return [
        f"{rule.name} of {rule.asset}"
        for rule in rules(project)
        if rule.blocking and rule.asset in tables and not rule.judge(tables[rule.asset])[0]
    ]


def rules(project: Project) -> list[Rule]:
    """What must hold of the tables of a domain."""
    return [
        *(rule for asset in WRITTEN for rule in _of_rationales(project, asset)),
        Rule(
            "rationales",
            "each_is_of_its_own_history",
            "No rationale was written from what other users of the domain chose, as inherited ones are and "
            "those whose prompt holds {neighbours}: with them no figure is zero-shot.",
            lambda table: _at_most(_share_from_others(project, table), 0.0, "share_from_others"),
            blocking=False,
        ),
        Rule(
            "items",
            "most_have_text",
            "At least half of the items have a text: the others are ranked by nothing.",
            lambda table: _at_least(_share(table["has_text"]), 0.5, "share_with_text"),
            blocking=False,
        ),
        Rule(
            "interactions",
            "every_user_can_be_evaluated",
            "Every user has three interactions or more: one each to train, validate and test.",
            lambda table: _at_least(
                _share(table.group_by("user_id").len()["len"] >= 3), 1.0, "share_of_users"
            ),
            blocking=False,
        ),
    ]


def _of_rationales(project: Project, asset: str) -> list[Rule]:
    settings = project.settings.rationales
    floor, ceilings = settings.min_valid_rate, settings.most_rejected.model_dump()
    return [
        Rule(
            asset,
            "enough_are_valid",
            f"At least {floor:.0%} of the rationales passed the checks of their text.",
            lambda table: _at_least(_share(table["valid"], empty=1.0), floor, "valid_rate"),
        ),
        Rule(
            asset,
            "few_are_rejected",
            "No check of their text rejected more than its share: "
            + ", ".join(f"{name} {ceiling:.0%}" for name, ceiling in ceilings.items())
            + ".",
            lambda table: _below(_rejected(table), ceilings),
        ),
    ]


def _check(project: Project, rule: Rule) -> dg.AssetChecksDefinition:
    # The one place that uses `partitions_def` of a check, which Dagster still calls a preview.
    @dg.asset_check(
        asset=rule.asset,
        name=rule.name,
        description=rule.description,
        blocking=rule.blocking,
        partitions_def=project.partitions.domains,
        additional_ins={},
    )
    def check(table: pl.DataFrame) -> dg.AssetCheckResult:
        passed, figures = rule.judge(table)
        severity = dg.AssetCheckSeverity.ERROR if rule.blocking else dg.AssetCheckSeverity.WARN
        return dg.AssetCheckResult(passed=passed, severity=severity, metadata=figures)

    return check


def _share(flags: pl.Series, empty: float = 0.0) -> float:
    return float(flags.sum()) / len(flags) if len(flags) else empty


def _at_least(share: float, floor: float, name: str) -> tuple[bool, dict[str, float]]:
    return share >= floor, {name: round(share, 3), "floor": floor}


def _at_most(share: float, ceiling: float, name: str) -> tuple[bool, dict[str, float]]:
    return share <= ceiling, {name: round(share, 3), "ceiling": ceiling}


def _share_from_others(project: Project, table: pl.DataFrame) -> float:
    if project.settings.rationales.uses_neighbours and len(table):
        return 1.0
    return _share(table["inherited_from"].is_not_null())


def _rejected(table: pl.DataFrame) -> dict[str, float]:
    """Share of the rationales that each check rejected."""
    reasons = Counter(table["reject_reason"].drop_nulls().to_list())
    return {name: reasons[reason] / max(len(table), 1) for reason, name in NAMES.items()}


def _below(shares: dict[str, float], ceilings: dict[str, float]) -> tuple[bool, dict[str, float]]:
    """Whether no share is above its ceiling; all shares, or those that are with their ceilings."""
    above = {name: share for name, share in shares.items() if share > ceilings[name]}
    if not above:
        return True, {name: round(share, 3) for name, share in shares.items()}
    figures = {name: round(share, 3) for name, share in above.items()}
    return False, figures | {f"{name}_ceiling": ceilings[name] for name in above}
