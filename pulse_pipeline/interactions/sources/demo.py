"""Reads the synthetic domains, which are generated instead of read."""

import polars as pl

from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.errors import PulseError
from pulse_pipeline.interactions.demo_world import DemoDomain, generate
from pulse_pipeline.interactions.sources.raw_table import SOURCE_ROW, RawTable, about_items, quarantine


def read_interactions(config: DomainConfig) -> RawTable:
    """The interactions of a demo domain.

    Raises:
        PulseError: The demo world has no such domain.
    """
    return _table(_domain(config).interactions)


def read_items(config: DomainConfig, item_ids: pl.Series) -> RawTable:
    """Those of a demo domain's items that are wanted.

    Raises:
        PulseError: The demo world has no such domain.
    """
    return _table(_domain(config).items.filter(about_items("item_id", item_ids)))


def _domain(config: DomainConfig) -> DemoDomain:
    domains = generate().domains
    if config.name not in domains:
        raise PulseError(f"{config.name}: source demo has only the domains {', '.join(domains)}")
    return domains[config.name]


def _table(frame: pl.DataFrame) -> RawTable:
    numbered = frame.lazy().with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(SOURCE_ROW))
    return RawTable(numbered, quarantine("demo world"))
