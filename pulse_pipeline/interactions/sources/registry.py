"""Source name -> reader. A reader is a module with two functions."""

from importlib import import_module
from typing import Protocol, cast

import polars as pl

from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.errors import PulseError
from pulse_pipeline.interactions.sources.raw_table import RawTable

# Modules are imported when first asked for: the demo world's generator is dead weight elsewhere.
READERS = {
    "amazon-2018": "amazon_2018",
    "amazon-2023": "amazon_2023",
    "demo": "demo",
    "movielens": "movielens",
    "tabular": "tabular",
}


class Reader(Protocol):
    """What a source module offers."""

    def read_interactions(self, config: DomainConfig) -> RawTable:
        """Read the domain's interactions."""

    def read_items(self, config: DomainConfig, item_ids: pl.Series) -> RawTable:
        """Read the metadata of those items; no rows where there are none."""


def reader(source: str) -> Reader:
    """Find the reader of a source.

    Args:
        source: The name used in ``domains.yaml``.

    Returns:
        The reader's module.

    Raises:
        PulseError: There is no such source.
    """
    if source not in READERS:
        raise PulseError(f"unknown source '{source}'; use one of {', '.join(READERS)}")
    return cast("Reader", import_module(f"pulse_pipeline.interactions.sources.{READERS[source]}"))
