"""Train, validation and test under each protocol. A user's split is always a run of prefixes."""

import polars as pl

from pulse_pipeline.schemas import SPLITS

VALID_FROM_QUANTILE = 0.8
TEST_FROM_QUANTILE = 0.9
SHORTEST_SPLIT_HISTORY = 3

_SPLIT = pl.Enum(SPLITS)
_TRAIN, _VALID, _TEST = (pl.lit(name, dtype=_SPLIT) for name in SPLITS)


def leave_one_out(position: pl.Expr, n_interactions: pl.Expr) -> pl.Expr:
    """Last interaction test, the one before validation, the rest train.

    Args:
        position: Place within the user, from 0.
        n_interactions: How many the user has.

    Returns:
        The split; all train for users with fewer than three interactions.
    """
    left = n_interactions - position
    split = pl.when(left == 1).then(_TEST).when(left == 2).then(_VALID).otherwise(_TRAIN)
    return pl.when(n_interactions < SHORTEST_SPLIT_HISTORY).then(_TRAIN).otherwise(split)


def global_temporal(
    timestamps: pl.Series, valid_from: float = VALID_FROM_QUANTILE, test_from: float = TEST_FROM_QUANTILE
) -> pl.Expr:
    """Cut the whole domain at two moments.

    Interactions at one moment always fall on one side, so that a user whose rows are in the order
    of time is cut into prefixes whatever ties there are.

    Args:
        timestamps: The times of the whole domain, in the rows' order.
        valid_from: Quantile of the times up to which is trained.
        test_from: Quantile up to which is validated.

    Returns:
        Train, validation, test after; null everywhere when any time is missing.
    """
    if timestamps.is_empty() or timestamps.null_count():
        return pl.lit(None, dtype=_SPLIT)
    last_train = timestamps.quantile(valid_from, "lower")
    last_valid = timestamps.quantile(test_from, "lower")
    time = pl.col(timestamps.name)
    return pl.when(time > last_valid).then(_TEST).when(time > last_train).then(_VALID).otherwise(_TRAIN)
