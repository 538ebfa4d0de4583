"""People who are known in one domain and arrive in another."""

import polars as pl

from pulse_pipeline.rationales.cuts import IN_TRAINING


def arrivals(source: pl.DataFrame, target: pl.DataFrame, *, everyone: bool = False) -> pl.DataFrame:
    """The users of both domains, and how much of the source they knew before they came to the target.

    What is told of a person is training under every protocol of the source, and where both domains have
    times it is older than all that the person did in the target. So it speaks of nobody's future, and the
    person arrives without a history.

    Args:
        source: The `interactions` table of the domain they come from.
        target: That of the domain they come to.
        everyone: Whether to take those in, too, who have not come yet.

    Returns:
        Columns `user_id`, `target_position` (the first position in the source that is not told), sorted;
        without users of whom nothing is told.
    """
    first_seen = target.group_by("user_id").agg(arrived=pl.col("timestamp").min())
    earlier = (pl.col("timestamp") < pl.col("arrived")).fill_null(value=True)
    return (
        source.filter(IN_TRAINING)
        .join(first_seen, on="user_id", how="left" if everyone else "inner")
        .filter(earlier)
        .group_by("user_id")
        .agg(target_position=pl.len().cast(pl.Int32))
        .sort("user_id")
    )
