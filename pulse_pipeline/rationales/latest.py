"""What is known of a user's reasons now."""

import polars as pl


def latest_rationales(rationales: pl.DataFrame) -> dict[str, str]:
    """The valid foresight of each user that was written from the most history.

    Args:
        rationales: The `rationales` table.

    Returns:
        Texts by user id.
    """
    valid = rationales.filter(pl.col("valid") & (pl.col("kind") == "foresight"))
    latest = valid.sort("target_position").group_by("user_id").last()
    return dict(latest.select("user_id", "rationale").iter_rows())
