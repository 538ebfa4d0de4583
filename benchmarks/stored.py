"""Domains as the pipeline has left them in PULSE_HOME, for benchmarks."""

import polars as pl

from pulse_pipeline.commands.tables import read_table
from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home
from pulse_pipeline.settings import load_settings
from pulse_pipeline.thought_space.assemble import assemble
from pulse_pipeline.thought_space.data import DomainData
from resources.storage import table_path


def stored(asset: str, domain: str) -> pl.DataFrame:
    """A domain's table; ends the benchmark with one line where it is not there yet."""
    try:
        return read_table(Home.from_environment(), asset, domain)
    except PulseError as error:
        raise SystemExit(f"error: {error}") from error


def stored_if_made(asset: str, domain: str) -> pl.DataFrame | None:
    """A domain's table of an asset that is made on demand; None where it was not."""
    made = table_path(Home.from_environment(), asset, domain).exists()
    return stored(asset, domain) if made else None


def stored_vectors(domain: str) -> pl.DataFrame:
    """The `item_embeddings` of a domain.

    Vectors of two encoders are no neighbours: it ends the benchmark with one line where another has made
    them than the settings name.
    """
    table, spec = stored("item_embeddings", domain), load_settings().encoder
    made_with = table.select("encoder", "encoder_revision").unique().rows()
    if made_with != [(spec.model, spec.revision)]:
        others = ", ".join(f"{model} {revision}" for model, revision in made_with)
        raise SystemExit(
            f"error: item_embeddings of {domain} were made with {others}, the settings name {spec.model} "
            f"{spec.revision}: name the same, or pulse run --domains {domain} --select item_embeddings"
        )
    return table


def stored_data(domain: str, *, texts_only: bool = False) -> DomainData:
    """A domain under leave-one-out without what was written about users.

    Args:
        domain: Its name.
        texts_only: As `assemble` has it.
    """
    return assemble(
        domain, "loo", stored("interactions", domain), stored_vectors(domain), texts_only=texts_only
    )
