"""From answers to the tables that later stages read."""

import polars as pl

from pulse_pipeline.rationales.spec import RationaleSpec
from pulse_pipeline.schemas import BridgingRationales, ItemRationales, Rationales


def rationales_table(rows: pl.DataFrame, spec: RationaleSpec) -> pl.DataFrame:
    """Make the `rationales` table of one kind.

    Args:
        rows: As `generation.Written.rows`, wanted by the columns of `cuts.cut_points`.
        spec: What they were written with.

    Returns:
        One row for each of them, by user and position, valid against `schemas.Rationales`.
    """
    score = [] if "score" in rows.columns else [pl.lit(None, pl.Float32).alias("score")]
    own = pl.lit(None, pl.String).alias("inherited_from")
    table = rows.with_columns(*provenance(spec), *score, own).select(Rationales.column_names())
    return Rationales.validate(table.sort("user_id", "target_position"), cast=True)


def item_rationales_table(rows: pl.DataFrame, spec: RationaleSpec) -> pl.DataFrame:
    """Make the `item_rationales` table.

    Args:
        rows: As `generation.Written.rows`, wanted by the columns of `item_prompts.item_cuts`.
        spec: What they were written with.

    Returns:
        One row for each of them, by item, valid against `schemas.ItemRationales`.
    """
    table = rows.rename({"history_hash": "evidence_hash"}).with_columns(*provenance(spec))
    return ItemRationales.validate(table.select(ItemRationales.column_names()).sort("item_id"), cast=True)


def bridging_rationales_table(rows: pl.DataFrame, source: str, spec: RationaleSpec) -> pl.DataFrame:
    """Make the part of the `bridging_rationales` table about people from one domain.

    Args:
        rows: As `generation.Written.rows`, wanted by the columns of `arrivals.arrivals`.
        source: The domain they come from.
        spec: What they were written with.

    Returns:
        One row for each of them, by user, valid against `schemas.BridgingRationales`.
    """
    table = rows.with_columns(pl.lit(source).alias("source"), *provenance(spec))
    return BridgingRationales.validate(
        table.select(BridgingRationales.column_names()).sort("user_id"), cast=True
    )


def provenance(spec: RationaleSpec) -> list[pl.Expr]:
    """The columns that say what every row was written with."""
    return [
        pl.col("reject_reason").is_null().alias("valid"),
        pl.lit(spec.model.model).alias("model"),
        pl.lit(spec.model.revision).alias("model_revision"),
        pl.lit(spec.fingerprint()).alias("spec_fingerprint"),
    ]
