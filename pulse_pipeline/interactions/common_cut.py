"""One moment for domains that are learned from together: the future of one is not learned from another.

Each domain's temporal split is cut at quantiles of its own times. A model of several domains must know of
none of them what came after the test of another began.
"""

from collections.abc import Iterable

import polars as pl

from pulse_pipeline.interactions.splits import (
    TEST_FROM_QUANTILE,
    VALID_FROM_QUANTILE,
    global_temporal,
)

SPLIT = "split_temporal"


def start_of_test(interactions: pl.DataFrame) -> int | None:
    """When a domain's temporal test begins, in the unit of its times; None where it has none."""
    return interactions.filter(pl.col(SPLIT) == "test")["timestamp"].min()  # type: ignore[return-value]


def first_test(domains: Iterable[pl.DataFrame]) -> int | None:
    """When the earliest test of several domains begins; None where none has one."""
    return min((moment for one in domains if (moment := start_of_test(one)) is not None), default=None)


def last_training(domains: Iterable[pl.DataFrame]) -> int | None:
    """When the latest training item of several domains was taken, each under its own temporal cut.

    None where one of them has no temporal split: what is learned from it may be later.
    """
    moments = [one.filter(pl.col(SPLIT) == "train")["timestamp"].max() for one in domains]
    return None if None in moments else max(moments, default=None)  # type: ignore[type-var, return-value]


def is_past(until: int | None, interactions: pl.DataFrame) -> bool:
    """Whether what was learned up to a moment came before a domain's temporal test began."""
    moment = start_of_test(interactions)
    return until is not None and moment is not None and until <= moment


def may_test(protocol: str, until: int | None, interactions: pl.DataFrame) -> bool:
    """Whether a domain's test may judge what was learned up to a moment.

    Leave-one-out asks for no moment: it hides each user's last items, and nothing of what others did later.
    """
    return protocol == "loo" or is_past(until, interactions)


def reaches_beyond(interactions: pl.DataFrame, moment: int) -> bool:
    """Whether what is learned from a domain under its own cuts comes from after a moment."""
    own = start_of_test(interactions)
    return own is not None and own > moment


def before(interactions: pl.DataFrame, moment: int) -> pl.DataFrame:
    """A domain as it could have been learned from at a moment.

    Args:
        interactions: The `interactions` table of a domain that has a temporal split.
        moment: When the other domain's test begins.

    Returns:
        The table itself where its own test begins no later; else its rows before the moment, of which the
        latest validate in the same proportion as under its own cuts.
    """
    if not reaches_beyond(interactions, moment):
        return interactions
    known = interactions.filter(pl.col("timestamp") < moment)
    split = global_temporal(known["timestamp"], VALID_FROM_QUANTILE / TEST_FROM_QUANTILE, 1.0)
    return known.with_columns(split.alias(SPLIT))
