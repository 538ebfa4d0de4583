"""Domains that are learned from together are cut where the first test among them begins."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.interactions.common_cut import (
    before,
    first_test,
    is_past,
    last_training,
    may_test,
    reaches_beyond,
    start_of_test,
)
from pulse_pipeline.interactions.splits import global_temporal


def domain(times):
    rows = pl.DataFrame({"user_id": [f"u{n % 3}" for n in range(len(times))], "timestamp": times})
    return rows.with_columns(global_temporal(rows["timestamp"]).alias("split_temporal"))


@given(
    st.lists(st.integers(0, 1000), min_size=10, max_size=60),
    st.lists(st.integers(0, 1000), min_size=10, max_size=60),
)
def test_nothing_learned_comes_from_after_the_first_test(one, other):
    tables = [domain(one), domain(other)]
    moment = first_test(tables)
    if moment is None:
        return
    for table in tables:
        if start_of_test(table) is None:
            continue  # has no temporal protocol
        learned = before(table, moment).filter(pl.col("split_temporal") != "test")
        assert (learned["timestamp"] < moment).all()


def test_what_was_over_by_then_is_as_it_was():
    table = domain(list(range(100)))
    assert start_of_test(table) == 90
    assert before(table, 90) is table
    assert not reaches_beyond(table, 90)


def test_what_is_cut_earlier_validates_on_its_latest_rows_in_proportion():
    cut = before(domain(list(range(100))), 45)
    assert cut["timestamp"].to_list() == list(range(45))
    assert cut["split_temporal"].value_counts(sort=True).rows() == [("train", 40), ("valid", 5)]


@pytest.mark.parametrize("tables", [[], [domain([5, 5, 5])]])
def test_without_a_test_there_is_no_moment(tables):
    assert first_test(tables) is None


def test_what_is_learned_up_to_each_cut_is_past_where_no_test_began_before():
    early, late = domain(list(range(100))), domain(list(range(50, 150)))
    timeless = early.with_columns(timestamp=pl.lit(None, pl.Int64), split_temporal=pl.lit(None, pl.String))
    until = last_training([early, late])
    assert (start_of_test(early), start_of_test(late), until) == (90, 140, 129)
    assert is_past(until, late)
    assert not is_past(until, early)
    assert is_past(last_training([early]), early)
    assert last_training([early, timeless]) is None
    assert not is_past(None, early)
    assert not is_past(until, timeless)
    assert may_test("temporal", until, late)
    assert not may_test("temporal", until, early)
    assert may_test("loo", until, early)
