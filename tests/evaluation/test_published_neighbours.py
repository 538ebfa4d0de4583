"""Who is alike by SASRec: people of one taste; from training items alone; never oneself."""

import numpy as np
import polars as pl
import pytest

from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.published_neighbours.config import (
    PublishedNeighbourSettings,
    PublishedSASRecConfig,
)
from pulse_pipeline.evaluation.published_neighbours.search import published_neighbours
from pulse_pipeline.rationales.published import answered_cuts
from pulse_pipeline.schemas import Interactions, Neighbours

USERS, ITEMS, LENGTH = 60, 24, 9
SETTINGS = PublishedNeighbourSettings(
    k=4, titles_each=2, sasrec=PublishedSASRecConfig(epochs=40, patience=40, dropout=0.1, learning_rate=5e-3)
)


def world(later=0, length=LENGTH):
    """Half of the users take items of the first half in a circle, half of the rest.

    Args:
        later: Which other item of their half they take last and last but one.
        length: Items a user.
    """
    rng = np.random.default_rng(5)
    split = ["train"] * (length - 2) + ["valid", "test"]
    rows = []
    for user in range(USERS):
        half, start = user % 2, int(rng.integers(ITEMS // 2))
        for place in range(length):
            shift = later if place >= length - 2 else 0
            rows.append(
                {
                    "user_id": f"user-{user}",
                    "position": place,
                    "item_id": f"i{half * ITEMS // 2 + (start + place + shift) % (ITEMS // 2)}",
                    "rating": None,
                    "timestamp": None,
                    "review_title": None,
                    "review_text": None,
                    "split_loo": split[place],
                    "split_temporal": None,
                }
            )
    return Interactions.validate(pl.DataFrame(rows), cast=True)


def found(table, settings=SETTINGS):
    cuts = answered_cuts(table).select("user_id", "target_position")
    return published_neighbours("toy", table, cuts, settings)


@pytest.fixture(scope="module")
def neighbours():
    return found(world())


def test_neighbours_share_the_taste(neighbours):
    Neighbours.validate(neighbours)
    assert neighbours["user_id"].n_unique() == USERS
    assert set(neighbours.group_by("user_id").len()["len"]) == {SETTINGS.k}
    half = pl.col("user_id", "neighbour_id").str.strip_prefix("user-").cast(pl.Int32) % 2
    sides = neighbours.select(half)
    assert (sides["user_id"] == sides["neighbour_id"]).mean() > 0.95


def test_told_are_a_neighbours_newest_training_items_that_the_user_does_not_have(neighbours):
    table = world()
    training = table.filter(split_loo="train")
    for row in neighbours.head(40).iter_rows(named=True):
        before = pl.col("position") < row["target_position"]
        have = set(table.filter(before, user_id=row["user_id"])["item_id"])
        side = training.filter(user_id=row["neighbour_id"]).sort("position", descending=True)["item_id"]
        assert row["item_ids"] == [item for item in side if item not in have][: SETTINGS.titles_each]


def test_what_is_validated_and_tested_on_has_no_say(neighbours):
    assert found(world(later=3)).equals(neighbours)


def test_items_that_nobody_is_trained_on_have_no_say(neighbours):
    table = world()
    late = pl.when(pl.col("split_loo") == "test").then(pl.lit("late")).otherwise("item_id")
    assert found(table.with_columns(item_id=late)).equals(neighbours)


def test_where_nothing_can_be_learned_it_says_so():
    with pytest.raises(PulseError, match="no user of toy has three training items"):
        found(world(length=4))
    assert len(found(world(length=5)))
