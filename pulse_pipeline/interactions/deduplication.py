"""Repeats: a user counts once for an item, with the earliest interaction."""

import polars as pl

PAIR = ("user", "item")


def first_of_each_pair(keys: pl.DataFrame) -> pl.DataFrame:
    """Keep the first row of each user and item.

    Args:
        keys: Codes in stable order, as `keys.in_stable_order` gives them.

    Returns:
        The rows kept, in their order.
    """
    n_items = pl.col("item").max().cast(pl.Int64) + 1
    pair = pl.col("user").cast(pl.Int64) * n_items + pl.col("item")
    return keys.filter(pair.is_first_distinct())


def count_exact_duplicates(interactions: pl.DataFrame, keys: pl.DataFrame, kept: pl.DataFrame) -> int:
    """Count the rows that repeat another row in every column.

    Args:
        interactions: The rows themselves.
        keys: Their codes.
        kept: What `first_of_each_pair` kept of `keys`.

    Returns:
        How many rows an exact comparison alone would drop.
    """
    dropped = keys.join(kept, on="row", how="anti")
    # Copies share user and item, so only the few rows of repeated pairs need comparing.
    repeated = keys.join(dropped.unique(PAIR), on=PAIR, how="semi")
    rows = interactions[repeated["row"]]
    return rows.height - rows.n_unique() if rows.height else 0
