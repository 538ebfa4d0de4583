import numpy as np
import polars as pl
import pytest

from pulse_pipeline.thought_space.assemble import assemble

SPLITS = ["train", "train", "valid", "test"]


def tables(ratings, thoughts=None, *, text_alone=False):
    interactions = pl.DataFrame(
        {
            "user_id": ["u"] * 4 + ["v"] * 4,
            "item_id": ["a", "b", "c", "d"] * 2,
            "position": [0, 1, 2, 3] * 2,
            "rating": ratings,
            "timestamp": None,
            "review_text": ["fine", None, None, None] + [None] * 4,
            "split_loo": SPLITS * 2,
            "split_temporal": None,
        },
        schema_overrides={"rating": pl.Float32, "timestamp": pl.Int64, "split_temporal": pl.String},
    )
    vector = pl.Array(pl.Float32, 2)
    items = pl.DataFrame(
        {"item_id": ["a", "b", "c", "d"], "vector": [[1.0, 0.0]] * 4}, schema_overrides={"vector": vector}
    )
    if thoughts is not None:
        items = items.with_columns(pl.Series("thought", thoughts, vector), text_alone=text_alone)
    return interactions, items


def test_a_rating_is_low_below_the_middle_of_the_training_scale():
    data = assemble("shop", "loo", *tables([1, 5, 1, 3, 3, 2.9, 10, 1]))
    assert [items.tolist() for items in data.disliked] == [[0, 2], [1, 3]]
    assert data.dislikes(0, np.array([1, 2])).tolist() == [False, True]


@pytest.mark.parametrize("ratings", [[None] * 8, [5] * 8])
def test_where_nothing_is_rated_low_there_is_nothing_to_dislike(ratings):
    data = assemble("shop", "loo", *tables(ratings))
    assert data.disliked is None
    assert not data.dislikes(0, np.array([1, 2])).any()


def test_item_thoughts_are_read_where_there_are_any():
    assert assemble("shop", "loo", *tables([5] * 8)).item_thoughts is None
    assert assemble("shop", "loo", *tables([5] * 8, [None] * 4)).item_thoughts is None
    found = assemble("shop", "loo", *tables([5] * 8, [[0, 1], None, [1, 1], None])).item_thoughts
    assert np.array_equal(found, [[0, 1], [np.nan] * 2, [1, 1], [np.nan] * 2], equal_nan=True)


def test_who_comes_from_elsewhere_is_told_no_thought_that_tells_what_people_did():
    written = [[0, 1], None, [1, 1], None]
    assert assemble("shop", "loo", *tables([5] * 8, written), texts_only=True).item_thoughts is None
    texts = tables([5] * 8, written, text_alone=True)
    assert assemble("shop", "loo", *texts, texts_only=True).item_thoughts[2].tolist() == [1, 1]


def test_nor_any_of_a_table_that_does_not_say_so():
    interactions, items = tables([5] * 8, [[0, 1], None, [1, 1], None], text_alone=True)
    before = items.drop("text_alone")
    assert assemble("shop", "loo", interactions, before, texts_only=True).item_thoughts is None
