"""Asset checks: what must hold before the next stage may trust a table."""

from collections.abc import Callable

import dagster as dg
import polars as pl

from assets.project import Project

Judgement = Callable[[pl.DataFrame], tuple[bool, dict[str, float]]]


def asset_checks(project: Project) -> list[dg.AssetChecksDefinition]:
    """All checks, each on one partition."""
    floor = project.settings.rationales.min_valid_rate
    return [
        _check(
            project,
            "rationales",
            "enough_are_valid",
            f"At least {floor:.0%} of the rationales passed the checks of their text.",
            lambda table: _at_least(_share(table["valid"]), floor, "valid_rate"),
        ),
        _check(
            project,
            "item_rationales",
            "enough_are_valid",
            f"At least {floor:.0%} of the items' rationales passed the checks of their text.",
            lambda table: _at_least(_share(table["valid"]), floor, "valid_rate"),
        ),
        _check(
            project,
            "bridging_rationales",
            "enough_are_valid",
            f"At least {floor:.0%} of the arrivals' rationales passed the checks of their text.",
            lambda table: _at_least(_share(table["valid"]) if len(table) else 1.0, floor, "valid_rate"),
        ),
        _check(
            project,
            "items",
            "most_have_text",
            "At least half of the items have a text: the others are ranked by nothing.",
            lambda table: _at_least(_share(table["has_text"]), 0.5, "share_with_text"),
            blocking=False,
        ),
        _check(
            project,
            "interactions",
            "every_user_can_be_evaluated",
            "Every user has three interactions or more: one each to train, validate and test.",
            lambda table: _at_least(
                _share(table.group_by("user_id").len()["len"] >= 3), 1.0, "share_of_users"
            ),
            blocking=False,
        ),
    ]


def _check(
    project: Project, asset: str, name: str, description: str, judge: Judgement, *, blocking: bool = True
) -> dg.AssetChecksDefinition:
    # The one place that uses `partitions_def` of a check, which Dagster still calls a preview.
    @dg.asset_check(
        asset=asset,
        name=name,
        description=description,
        blocking=blocking,
        partitions_def=project.partitions.domains,
        additional_ins={},
    )
    def check(table: pl.DataFrame) -> dg.AssetCheckResult:
        passed, figures = judge(table)
        severity = dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN
        return dg.AssetCheckResult(passed=passed, severity=severity, metadata=figures)

    return check


def _share(flags: pl.Series) -> float:
    return float(flags.sum()) / max(len(flags), 1)


def _at_least(share: float, floor: float, name: str) -> tuple[bool, dict[str, float]]:
    return share >= floor, {name: round(share, 3), "floor": floor}
