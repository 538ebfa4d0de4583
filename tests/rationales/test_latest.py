import polars as pl

from pulse_pipeline.rationales.latest import latest_rationales

RATIONALES = pl.DataFrame(
    {
        "user_id": ["a", "a", "b"],
        "kind": "foresight",
        "target_position": pl.Series([3, 5, 4], dtype=pl.Int32),
        "rationale": ["after three", "after five", "after four"],
        "valid": True,
    }
)


def test_serving_takes_the_one_that_has_read_most():
    assert latest_rationales(RATIONALES) == {"a": "after five", "b": "after four"}


def test_what_has_read_more_than_is_known_is_left_out():
    """All five items of `a` are training under the temporal split; leave-one-out tests the fifth."""
    known = pl.DataFrame({"user_id": ["a", "b"], "known": [4, 3]})
    assert latest_rationales(RATIONALES, known) == {"a": "after three"}
