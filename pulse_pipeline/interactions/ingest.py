"""The door to this stage: raw files of a domain in, tables that keep their contracts out."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.errors import PulseError
from pulse_pipeline.interactions import catalogue
from pulse_pipeline.interactions.cleaning import Cleaned, clean_interactions
from pulse_pipeline.interactions.contracts import RecordedInteractions, RecordedItems, hold
from pulse_pipeline.interactions.sources.raw_table import RawTable
from pulse_pipeline.interactions.sources.registry import reader
from pulse_pipeline.schemas import Quarantine, RawInteractions

__all__ = ["Cleaned", "Ingested", "NothingUsable", "clean_interactions", "read_interactions", "read_items"]


@dataclass(frozen=True)
class Ingested:
    """A raw table held to its contract.

    Attributes:
        frame: The rows that keep it.
        quarantine: Every record that does not, valid against `Quarantine`.
        source_files: The files that were read; none for generated data.
    """

    frame: pl.DataFrame
    quarantine: pl.DataFrame
    source_files: list[Path]


class NothingUsable(PulseError):  # noqa: N818 (what it is, not that it is an error)
    """A file of which no record keeps the contract.

    Attributes:
        quarantine: Its records, valid against `Quarantine`.
    """

    def __init__(self, message: str, quarantine: pl.DataFrame) -> None:
        """Hold the records beside the message."""
        super().__init__(message)
        self.quarantine = quarantine


def read_interactions(config: DomainConfig) -> Ingested:
    """Read a domain's raw interactions.

    Args:
        config: The domain.

    Returns:
        Rows valid against `RawInteractions`, in the order of the file (of `position` where the
        source has it).

    Raises:
        PulseError: The source is unknown, or its file is missing or damaged.
        NothingUsable: No row is valid.
    """
    table = reader(config.source).read_interactions(config)
    held = hold(table.rows, RecordedInteractions, _name(table, config), table.required)
    quarantine = pl.concat([table.rejects, held.broken])
    if held.valid.is_empty():
        raise NothingUsable(_no_rows(_name(table, config), quarantine, config), quarantine)
    return Ingested(held.valid.select(RawInteractions.column_names()), quarantine, list(table.files))


def read_items(config: DomainConfig, interactions: pl.DataFrame | pl.LazyFrame) -> Ingested:
    """Build a domain's catalogue from its metadata, if there are any.

    Args:
        config: The domain.
        interactions: The clean interactions; every item of theirs gets a row.

    Returns:
        Rows valid against `Items`, one an item; items without metadata are known by id only. The
        quarantine holds the metadata lines that could not be used.

    Raises:
        PulseError: A metadata file is named but missing or damaged.
    """
    item_ids = interactions.lazy().select("item_id").unique().collect()
    if config.items is None and config.source != "demo":
        nothing = catalogue.clean_metadata(pl.DataFrame(schema={"item_id": pl.String}))
        frame = catalogue.assemble(item_ids, catalogue.merge(nothing), config.text_fields)
        return Ingested(frame, Quarantine.create_empty(), [])
    table = reader(config.source).read_items(config, item_ids["item_id"])
    cleaned = catalogue.clean_metadata(table.rows.collect())
    held = hold(cleaned.lazy(), RecordedItems, _name(table, config))
    frame = catalogue.assemble(item_ids, catalogue.merge(held.valid), config.text_fields)
    return Ingested(frame, pl.concat([table.rejects, held.broken]), list(table.files))


def _name(table: RawTable, config: DomainConfig) -> str:
    return table.files[0].name if table.files else config.source


def _no_rows(file: str, quarantine: pl.DataFrame, config: DomainConfig) -> str:
    if quarantine.is_empty():
        return f"{config.name}: {file} holds no interactions; check what domains.yaml names"
    rule, n = quarantine["rule"].value_counts(sort=True).row(0)
    return (
        f"{config.name}: none of the {quarantine.height:,} records of {file} can be used, {n:,} break "
        f"the rule '{rule}'; check that it is the source '{config.source}' that domains.yaml says"
    )
