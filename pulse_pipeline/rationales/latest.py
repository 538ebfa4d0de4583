"""What is known of a user's reasons now."""

import polars as pl


def latest_rationales(rationales: pl.DataFrame, known: pl.DataFrame | None = None) -> dict[str, str]:
    """The valid foresight of each user that was written from the most history.

    Args:
        rationales: The `rationales` table.
        known: Columns `user_id`, `known`: how many items of a user a rationale may have read; all
            that were read by default, which is right for serving only.

    Returns:
        Texts by user id.
    """
    valid = rationales.filter(pl.col("valid") & (pl.col("kind") == "foresight"))
    if known is not None:
        valid = valid.join(known, on="user_id").filter(pl.col("target_position") <= pl.col("known"))
    latest = valid.sort("target_position").group_by("user_id").last()
    return dict(latest.select("user_id", "rationale").iter_rows())


def inheriting_users(rationales: pl.DataFrame) -> set[str]:
    """The users of the `rationales` table whose reasons were written for somebody who chooses alike."""
    return set(rationales.filter(pl.col("inherited_from").is_not_null())["user_id"])
