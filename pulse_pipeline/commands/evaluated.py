"""What `pulse evaluate` shows: the figures of one arm, as rows or as the tables that they fill."""

import polars as pl
from rich.table import Table

from pulse_pipeline.commands.explaining import explanation_table
from pulse_pipeline.commands.results import candidate_table, in_domain_table, zero_shot_table
from pulse_pipeline.commands.transfer_results import arrival_table, few_shot_table, word_table
from pulse_pipeline.domains import Registry
from pulse_pipeline.evaluation.report.views.metrics import ABLATION

FAITHFUL = "faithful"


def of_arm(figures: pl.DataFrame, arm: str, protocol: str | None) -> pl.DataFrame:
    """The rows of the faithful arm, or of everything else; of one protocol, or of both."""
    wanted = (pl.col("arm") == FAITHFUL) == (arm == FAITHFUL)
    return figures.filter(wanted if protocol is None else wanted & (pl.col("protocol") == protocol))


def tables(figures: pl.DataFrame, registry: Registry, arm: str) -> list[Table]:
    """Tables for people; those that would be empty are left out.

    Args:
        figures: Rows of `schemas.Metrics` of this arm.
        registry: Says what each mix holds, and what was generated.
        arm: Whose rows they are.
    """
    synthetic = registry.synthetic
    if arm == FAITHFUL:
        return [candidate_table(figures, synthetic)]
    members = {mix: registry.members(mix) for mix in registry.mixes}
    shown = figures.filter(pl.col("arm") != ABLATION)  # they have a table of their own
    made = (
        in_domain_table(shown, synthetic),
        zero_shot_table(shown, members, synthetic),
        explanation_table(shown, synthetic),
        word_table(shown, synthetic),
        few_shot_table(shown, synthetic),
        arrival_table(shown, synthetic),
    )
    return [table for table in made if table.row_count]
