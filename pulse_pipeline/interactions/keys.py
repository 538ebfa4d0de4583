"""Interactions as integers: cleaning counts, compares and sorts these and touches the texts once."""

import numpy as np
import polars as pl


def with_codes(interactions: pl.DataFrame) -> pl.DataFrame:
    """Give users and items codes from 0, in the order of their ids.

    Args:
        interactions: Columns of `RawInteractions`.

    Returns:
        Columns row, user, item (UInt32) and timestamp; one row for each of `interactions`, in
        their order.
    """
    return interactions.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
        _codes(interactions["user_id"]).alias("user"),
        _codes(interactions["item_id"]).alias("item"),
        "timestamp",
    )


def _codes(ids: pl.Series) -> pl.Series:
    # A categorical hashes each row's string once; only the distinct ids are then sorted, and the
    # codes of first sight are renumbered by table.
    as_seen = ids.cast(pl.Categorical(pl.Categories.random()))
    distinct = as_seen.unique()
    in_order = np.zeros(distinct.len(), dtype=np.uint32)
    in_order[distinct.to_physical().to_numpy()] = distinct.cast(pl.String).rank("ordinal").to_numpy() - 1
    return pl.Series(in_order[as_seen.to_physical().to_numpy()])


def in_stable_order(keys: pl.DataFrame) -> pl.DataFrame:
    """Sort by user, then time, then place in the file.

    A user some of whose times are missing stays in the order of the file.

    Args:
        keys: As `with_codes` gives them, in the order of the file.

    Returns:
        The same rows, sorted.
    """
    time = pl.col("timestamp")
    if keys["timestamp"].null_count():
        time = pl.when(time.null_count().over("user") == 0).then(time)
    # Two stable sorts, the last key first: one sort by several keys takes three times as long.
    return keys.sort(time, maintain_order=True).sort("user", maintain_order=True)
