"""Where each user's history is cut for each rationale, so that no rationale sees what it must not.

Every protocol trains on a prefix of the user's sequence.

* To serve: under each protocol, foresight from all of the user's training items.
* To learn from: one training item a user, the same under all protocols. Foresight from the items
  before it, and hindsight that sees it too, masked. It is the last item of the shortest training
  prefix, so that it is a training item wherever the user is trained on at all.

A rationale that two protocols need is written once and serves both.
"""

import polars as pl

from pulse_pipeline.provenance import text_hash
from pulse_pipeline.rationales.spec import Kind

PROTOCOL_SPLITS = ("split_loo", "split_temporal")

IN_TRAINING = pl.all_horizontal(pl.col(PROTOCOL_SPLITS).fill_null("train") == "train")
"""What is training under every protocol that applies."""


def training_lengths(interactions: pl.DataFrame, split: str) -> pl.DataFrame:
    """How many training items each user has under one protocol.

    Args:
        interactions: The `interactions` table.
        split: Name of the protocol's split column.

    Returns:
        Columns `user_id`, `n_train`; without users who have none, empty where the protocol does
        not apply.
    """
    training = interactions.lazy().filter(pl.col(split) == "train")
    return training.group_by("user_id").agg(pl.len().cast(pl.Int32).alias("n_train")).collect()


def spoken_positions(interactions: pl.DataFrame) -> pl.DataFrame:
    """The training item of each user that rationales for learning speak about.

    Args:
        interactions: The `interactions` table.

    Returns:
        Columns `user_id`, `spoken` (its position); without users who never have two training items.
    """
    lengths = pl.concat([training_lengths(interactions, split) for split in PROTOCOL_SPLITS])
    learned = lengths.filter(pl.col("n_train") >= 2)
    return learned.group_by("user_id").agg(spoken=pl.col("n_train").min() - 1)


def learned_positions(interactions: pl.DataFrame) -> pl.DataFrame:
    """Those of `spoken_positions` that are training items under every protocol that applies.

    Who has fewer than two training items under one protocol is not trained on there, and is spoken about by
    an item that it tests on: a model that serves all protocols leaves such users out.

    Args:
        interactions: The `interactions` table.

    Returns:
        As `spoken_positions`.
    """
    held_out = pl.any_horizontal(pl.col(PROTOCOL_SPLITS) != "train")
    kept_back = interactions.filter(held_out).select("user_id", spoken="position")
    return spoken_positions(interactions).join(kept_back, on=["user_id", "spoken"], how="anti")


def drawn_users(interactions: pl.DataFrame, at_most: int | None) -> pl.DataFrame:
    """The interactions of a fixed draw of users.

    The hash of its id decides whether a user is drawn, so that a larger draw holds a smaller one and
    what was written for it.

    Args:
        interactions: The `interactions` table.
        at_most: How many users to draw; None for all.

    Returns:
        Their rows, in order.
    """
    if at_most is None:
        return interactions
    users = interactions["user_id"].unique().to_list()
    drawn = sorted(users, key=text_hash)[:at_most]
    return interactions.filter(pl.col("user_id").is_in(drawn))


def foresight_roles(interactions: pl.DataFrame) -> pl.DataFrame:
    """What foresight is written for: to serve under each protocol, and to learn from.

    Args:
        interactions: The `interactions` table, or the part of it that `drawn_users` gives.

    Returns:
        Columns `user_id`, `role` (a split's name or ``spoken``), `target_position`; without the roles that a
        user does not have.
    """
    serving = [
        training_lengths(interactions, split).select(
            "user_id", pl.lit(split).alias("role"), pl.col("n_train").alias("target_position")
        )
        for split in PROTOCOL_SPLITS
    ]
    spoken = spoken_positions(interactions).select(
        "user_id", pl.lit("spoken").alias("role"), pl.col("spoken").alias("target_position")
    )
    return pl.concat([*serving, spoken])


def cut_points(interactions: pl.DataFrame) -> pl.DataFrame:
    """The rationales to write.

    Args:
        interactions: The `interactions` table, or the part of it that `drawn_users` gives.

    Returns:
        Columns `user_id`, `kind`, `target_position`, distinct and sorted; `target_position` is the
        first position that the rationale's history does not hold.
    """
    roles = foresight_roles(interactions)
    cuts = [_cuts(roles, "foresight"), _cuts(roles.filter(role="spoken"), "hindsight")]
    return pl.concat(cuts).unique().sort("user_id", "kind", "target_position")


def _cuts(roles: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    return roles.select("user_id", pl.lit(kind).alias("kind"), "target_position")
