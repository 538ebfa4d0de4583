"""Repeats: a user counts once for an item, with the earliest interaction."""

import polars as pl

PAIR = ("user", "item")


def part_repeats(keys: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the first row of each user and item from its repeats.

    Args:
        keys: Codes in stable order, as `keys.in_stable_order` gives them.

    Returns:
        The first rows and the repeats, each in their order.
    """
    n_items = pl.col("item").max().cast(pl.Int64) + 1
    pair = pl.col("user").cast(pl.Int64) * n_items + pl.col("item")
    first = keys.select(pair.is_first_distinct()).to_series()
    return keys.filter(first), keys.filter(~first)


def count_exact_duplicates(interactions: pl.DataFrame, keys: pl.DataFrame, repeats: pl.DataFrame) -> int:
    """Count the rows that repeat another row in every column.

    Args:
        interactions: The rows themselves.
        keys: Their codes.
        repeats: The repeats that `part_repeats` found among `keys`.

    Returns:
        How many rows an exact comparison alone would drop.
    """
    if repeats.is_empty():
        return 0
    # Copies share user and item, so only the few rows of repeated pairs need comparing.
    rows = interactions[keys.join(repeats, on=PAIR, how="semi")["row"]]
    return rows.height - rows.n_unique()
