"""What cleaning promises, whatever the interactions."""

from collections import Counter

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given, settings

from pulse_pipeline.errors import PulseError
from pulse_pipeline.interactions.cleaning import clean_interactions
from pulse_pipeline.schemas import Interactions, RawInteractions

START = 1_000_000_000
interaction = st.tuples(
    st.sampled_from("uvwxyz"), st.sampled_from("abcdefg"), st.sampled_from([1.0, 5.0]), st.integers(0, 4)
)
logs = st.lists(interaction, min_size=1, max_size=120)


def raw(rows: list[tuple[str, str, float, int | None]]) -> pl.DataFrame:
    times = [None if time is None else START + time for *_, time in rows]
    frame = pl.DataFrame(
        {
            "user_id": [row[0] for row in rows],
            "item_id": [row[1] for row in rows],
            "rating": [row[2] for row in rows],
            "timestamp": pl.Series(times, dtype=pl.Int64),
            "review_title": pl.Series([None] * len(rows), dtype=pl.String),
            "review_text": [f"{row[0]} {row[1]}" for row in rows],
        }
    )
    return RawInteractions.validate(frame, cast=True)


def plain_kcore(pairs: set[tuple[str, str]], k: int) -> set[tuple[str, str]]:
    """The slow and obvious k-core: remove one at a time until nobody is short."""
    pairs = set(pairs)
    while True:
        users, items = Counter(user for user, _ in pairs), Counter(item for _, item in pairs)
        short = [pair for pair in sorted(pairs) if users[pair[0]] < k or items[pair[1]] < k]
        if not short:
            return pairs
        pairs.remove(short[0])


@settings(deadline=None, max_examples=60)
@given(rows=logs, k=st.integers(0, 4))
def test_the_kcore_is_the_obvious_one(rows: list[tuple[str, str, float, int | None]], k: int) -> None:
    expected = plain_kcore({(user, item) for user, item, *_ in rows}, k)
    if not expected:
        with pytest.raises(PulseError, match="Shop: nothing is left"):
            clean_interactions(raw(rows), k, "Shop")
        return
    cleaned = clean_interactions(raw(rows), k)
    got = cleaned.frame.select("user_id", "item_id").rows()
    assert len(got) == len(set(got))
    assert set(got) == expected
    counts = cleaned.counts
    assert counts["rows_in"] == len(rows)
    assert counts["duplicate_rows_dropped"] == len(rows) - len(set(rows))
    dropped = ("duplicate_rows_dropped", "repeated_pairs_dropped", "kcore_dropped", "rows_out")
    assert sum(counts[name] for name in dropped) == len(rows)
    assert (counts["users"], counts["items"]) == (len({u for u, _ in got}), len({i for _, i in got}))


@settings(deadline=None, max_examples=60)
@given(rows=logs)
def test_order_and_splits(rows: list[tuple[str, str, float, int | None]]) -> None:
    frame = clean_interactions(raw(rows), 0).frame
    Interactions.validate(frame)
    in_time = sorted(enumerate(rows), key=lambda row: (row[1][0], row[1][3], row[0]))
    earliest: dict[tuple[str, str], tuple[float, int | None]] = {}
    for _, (user, item, rating, time) in in_time:
        earliest.setdefault((user, item), (rating, time))
    got = frame.select("user_id", "item_id", "rating", pl.col("timestamp") - START).rows()
    assert got == [(*pair, *rest) for pair, rest in earliest.items()]
    for user in frame.partition_by("user_id"):
        n = user.height
        assert user["position"].to_list() == list(range(n))
        loo = ["train"] * n if n < 3 else ["train"] * (n - 2) + ["valid", "test"]
        assert user["split_loo"].to_list() == loo
        codes = user["split_temporal"].to_physical().to_list()  # train 0, valid 1, test 2
        assert codes == sorted(codes)


def test_the_temporal_split_cuts_the_domain_at_its_quantiles() -> None:
    rows = [(f"u{n % 7}", f"i{n}", 5.0, n) for n in range(100)]
    frame = clean_interactions(raw(rows), 0).frame
    sizes = dict(frame["split_temporal"].value_counts().iter_rows())
    assert sizes == {"train": 80, "valid": 10, "test": 10}
    latest = dict(frame.group_by("split_temporal").agg(pl.col("timestamp").max() - START).iter_rows())
    assert latest == {"train": 79, "valid": 89, "test": 99}


def test_one_missing_time_leaves_no_temporal_split_and_keeps_the_users_file_order() -> None:
    rows = [
        ("u", "a", 5.0, 9),
        ("u", "b", 5.0, None),
        ("u", "c", 5.0, 1),
        ("v", "a", 5.0, 9),
        ("v", "b", 5.0, 1),
    ]
    frame = clean_interactions(raw(rows), 0).frame
    assert frame.select("user_id", "item_id").rows() == [
        ("u", "a"),
        ("u", "b"),
        ("u", "c"),
        ("v", "b"),
        ("v", "a"),
    ]
    assert frame["split_temporal"].null_count() == 5


def test_cleaning_again_changes_nothing() -> None:
    rows = [(f"u{n % 5}", f"i{n % 8}", 5.0, n) for n in range(80)]
    once = clean_interactions(raw(rows), 3).frame
    twice = clean_interactions(once.select(RawInteractions.column_names()).lazy(), 3).frame
    assert once.equals(twice)


def test_nothing_at_all_names_the_mend() -> None:
    with pytest.raises(PulseError, match=r"Shop: nothing is left of 1 interactions.*lower min_interactions"):
        clean_interactions(raw([("u", "a", 1.0, 1)]), 5, "Shop")
