"""Where each user's history is cut for each rationale, so that no rationale sees what it must not.

Every protocol trains on a prefix of the user's sequence. With `n` training items a user gets

* foresight at position `n`: from all training items, for validation, test and serving;
* foresight at position `n - 1`: to learn from, predicting the last training item;
* hindsight at position `n - 1`: the same history and the chosen item, masked; supervision only.

Where two protocols cut at the same place, the rationale is written once and serves both.
"""

import polars as pl

from pulse_pipeline.rationales.spec import Kind

PROTOCOL_SPLITS = ("split_loo", "split_temporal")


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


def cut_points(interactions: pl.DataFrame) -> pl.DataFrame:
    """The rationales to write.

    Args:
        interactions: The `interactions` table.

    Returns:
        Columns `user_id`, `kind`, `target_position`, distinct and sorted; `target_position` is the
        first position that the rationale's history does not hold.
    """
    cuts = [
        kind_cuts
        for split in PROTOCOL_SPLITS
        for kind_cuts in _protocol_cuts(training_lengths(interactions, split))
    ]
    return pl.concat(cuts).unique().sort("user_id", "kind", "target_position")


def _protocol_cuts(lengths: pl.DataFrame) -> list[pl.DataFrame]:
    learned = lengths.filter(pl.col("n_train") >= 2)
    return [
        _cuts(lengths, "foresight", pl.col("n_train")),
        _cuts(learned, "foresight", pl.col("n_train") - 1),
        _cuts(learned, "hindsight", pl.col("n_train") - 1),
    ]


def _cuts(lengths: pl.DataFrame, kind: Kind, position: pl.Expr) -> pl.DataFrame:
    return lengths.select("user_id", pl.lit(kind).alias("kind"), position.alias("target_position"))
