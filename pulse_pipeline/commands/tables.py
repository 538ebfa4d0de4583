"""The home's tables, for commands that read them without Dagster."""

import polars as pl

from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home
from resources.storage import table_path


def read_table(home: Home, asset: str, domain: str) -> pl.DataFrame:
    """Read a domain's table.

    Raises:
        PulseError: It is not there yet.
    """
    path = table_path(home, asset, domain)
    if not path.exists():
        raise PulseError(f"{asset} of {domain} is not there yet: run `pulse run --domains {domain}`")
    return pl.read_parquet(path, glob=False)
