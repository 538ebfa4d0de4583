"""From valid raw interactions to the table that every later stage reads."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pulse_pipeline.errors import PulseError
from pulse_pipeline.interactions import splits
from pulse_pipeline.interactions.deduplication import count_exact_duplicates, part_repeats
from pulse_pipeline.interactions.kcore import in_kcore
from pulse_pipeline.interactions.keys import in_stable_order, with_codes
from pulse_pipeline.schemas import Interactions, RawInteractions


@dataclass(frozen=True)
class Cleaned:
    """A domain's interactions, clean.

    Attributes:
        frame: Valid against `Interactions`, in the order of user and position.
        counts: How many rows came in, were dropped by each rule and went out, and how many users
            and items are left.
    """

    frame: pl.DataFrame
    counts: dict[str, int]


def clean_interactions(
    raw: pl.DataFrame | pl.LazyFrame, min_interactions: int, domain: str = "the domain"
) -> Cleaned:
    """Drop repeats, keep the k-core, put in order and split.

    Args:
        raw: Rows valid against `RawInteractions`, in the order of the file.
        min_interactions: The k of the k-core; 0 keeps all.
        domain: The domain's name, for the message.

    Returns:
        The clean table and what was dropped on the way.

    Raises:
        PulseError: Nothing is left.
    """
    # Readers leave hundreds of chunks, and gathering rows from many chunks is twenty times slower.
    rows = raw.lazy().select(RawInteractions.column_names()).collect().rechunk()
    keys = in_stable_order(with_codes(rows))
    kept, repeats = part_repeats(keys)
    core = kept.filter(
        pl.Series(in_kcore(kept["user"].to_numpy(), kept["item"].to_numpy(), min_interactions))
    )
    if core.is_empty():
        raise PulseError(_nothing_left(domain, rows.height, min_interactions))
    n_copies = count_exact_duplicates(rows, keys, repeats)
    counts = {
        "rows_in": rows.height,
        "duplicate_rows_dropped": n_copies,
        "repeated_pairs_dropped": rows.height - kept.height - n_copies,
        "kcore_dropped": kept.height - core.height,
        "users": core["user"].n_unique(),
        "items": core["item"].n_unique(),
        "rows_out": core.height,
    }
    return Cleaned(_table(rows, core), counts)


def _nothing_left(domain: str, n_rows: int, k: int) -> str:
    if not n_rows:
        return f"{domain} has no interactions; check the files that domains.yaml names"
    return (
        f"{domain}: nothing is left of {n_rows:,} interactions, no group of users and items has "
        f"{k} each; lower min_interactions in domains.yaml"
    )


def _table(rows: pl.DataFrame, core: pl.DataFrame) -> pl.DataFrame:
    """Gather the rows of the core in order, with positions and splits."""
    position, n_of_user = _places(core["user"])
    placed = core.with_columns(position=position, n=n_of_user).select(
        "position",
        split_loo=splits.leave_one_out(pl.col("position"), pl.col("n")),
        split_temporal=splits.global_temporal(core["timestamp"]),
    )
    return rows[core["row"]].hstack(placed).select(Interactions.column_names())


def _places(users: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Each row's place within its user, and how many rows the user has. Equal users are neighbours."""
    lengths = users.rle().struct.field("len").to_numpy().astype(np.int32)
    starts = np.cumsum(lengths) - lengths
    position = np.arange(users.len(), dtype=np.int32) - np.repeat(starts, lengths)
    return pl.Series(position, dtype=pl.Int32), pl.Series(np.repeat(lengths, lengths))
