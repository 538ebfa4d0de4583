"""Holding a raw table to its contract: valid rows go on, the others go to the quarantine."""

from dataclasses import dataclass

import dataframely as dy
import polars as pl

from pulse_pipeline.interactions.sources.raw_table import SOURCE_ROW
from pulse_pipeline.schemas import Quarantine, RawInteractions


class RecordedInteractions(RawInteractions):
    """Raw interactions that still know their place in the file."""

    source_row = dy.Int64(nullable=True, min=0)

    @dy.rule()
    def identifiers_are_scalars(cls) -> pl.Expr:
        """A list or an object of JSON is no identifier."""
        container = r"^(\[.*\]|\{.*\})$"
        return ~pl.any_horizontal(pl.col("user_id", "item_id").str.contains(container))


class RecordedItems(dy.Schema):
    """One line of item metadata after cleaning; items may repeat."""

    item_id = dy.String(nullable=False, min_length=1)
    title = dy.String(nullable=True)
    brand = dy.String(nullable=True)
    categories = dy.List(dy.String(), nullable=True)
    price = dy.Float32(nullable=True, min=0.0)
    description = dy.String(nullable=True)
    source_row = dy.Int64(nullable=True, min=0)


@dataclass(frozen=True)
class Held:
    """A table held to its contract.

    Attributes:
        valid: The rows that keep it, in their order.
        broken: The others, in the shape of `Quarantine`.
    """

    valid: pl.DataFrame
    broken: pl.DataFrame


def hold(
    rows: pl.LazyFrame, contract: type[dy.Schema], source_file: str, required: tuple[str, ...] = ()
) -> Held:
    """Part the rows that keep a contract from those that break it.

    Args:
        rows: Our column names, types as they come; missing columns are taken as null.
        contract: What a row has to keep; has a column `source_row`.
        source_file: The file's name for the quarantine.
        required: Columns in which a null is a fault although the contract allows it.

    Returns:
        The valid rows with the contract's columns and types, and the quarantine.
    """
    present = rows.collect_schema().names()
    types = contract.create_empty().schema
    absent = [pl.lit(None, types[name]).alias(name) for name in types if name not in present]
    kept, failures = contract.filter(rows.with_columns(absent).collect(), cast=True)
    valid = pl.DataFrame(kept)
    broken = [_broken_rows(failures.details(), failures.invalid().columns)] if len(failures) else []
    for column in required:
        missing = valid.filter(pl.col(column).is_null())
        broken.append(_shaped(missing, pl.lit(f"{column}|missing"), missing.columns))
        valid = valid.filter(pl.col(column).is_not_null())
    return Held(valid, _quarantined(broken, source_file))


def _quarantined(broken: list[pl.DataFrame], source_file: str) -> pl.DataFrame:
    names = Quarantine.column_names()
    shaped = (frame.with_columns(source_file=pl.lit(source_file)).select(names) for frame in broken)
    return pl.concat([Quarantine.create_empty(), *map(Quarantine.cast, shaped)])


def _broken_rows(details: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    rules = [name for name in details.columns if name not in columns]
    names = (pl.when(pl.col(rule) == "invalid").then(pl.lit(rule)) for rule in rules)
    return _shaped(details, pl.concat_str(*names, separator=", ", ignore_nulls=True), columns)


def _shaped(rows: pl.DataFrame, rule: pl.Expr, columns: list[str]) -> pl.DataFrame:
    record = pl.struct(name for name in columns if name != SOURCE_ROW).struct.json_encode()
    return rows.select(SOURCE_ROW, rule=rule, record=record)
