"""The frozen candidates: who is among them, and that one draw serves all."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulse_pipeline import schemas
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.candidates import SIZES, drawn_candidates, read_candidates
from pulse_pipeline.provenance import content_hash
from pulse_pipeline.thought_space.data import DomainData, Protocol
from tests.evaluation.test_ranking import domain


def world(n_users: int = 40, n_items: int = 150, seed: int = 0, protocol: Protocol = "loo") -> DomainData:
    generator = np.random.default_rng(seed)
    sequences = [
        generator.permutation(n_items)[:length].tolist() for length in generator.integers(1, 12, n_users)
    ]
    return replace(domain(sequences, n_items), protocol=protocol)


@settings(max_examples=30)
@given(st.integers(2, 150), st.integers(0, 2**32 - 1), st.sampled_from(["loo", "temporal"]))
def test_the_target_comes_first_and_the_others_are_unseen(
    n_items: int, seed: int, protocol: Protocol
) -> None:
    data = world(20, max(n_items, 12), seed, protocol)
    table = schemas.Candidates.validate(drawn_candidates(data, seed))
    index = {item: place for place, item in enumerate(data.item_ids)}
    users = data.evaluated_users("test")
    assert table["user_id"].to_list() == [data.user_ids[user] for user in users]
    on_sale = {
        item for sequence, n in zip(data.sequences, data.n_known, strict=True) for item in sequence[:n]
    }
    for user, names in zip(users, table["item_ids"], strict=True):
        first, *negatives = (index[name] for name in names)
        seen = set(data.history(user, "test").tolist())
        target = data.target(user, "test")
        assert first == target
        pool = (set(range(data.n_items)) if protocol == "loo" else on_sale) - seen - {target}
        assert set(negatives) <= pool
        assert len(negatives) == len(set(negatives)) == min(max(SIZES) - 1, len(pool))


def test_a_draw_depends_on_the_seed_and_the_user_alone() -> None:
    data = world()
    table = drawn_candidates(data, 3)
    assert table.equals(drawn_candidates(data, 3))
    assert content_hash(table) == content_hash(drawn_candidates(data, 3))
    assert not table.equals(drawn_candidates(data, 4))
    some = replace(
        data,
        user_ids=data.user_ids[5:],
        sequences=data.sequences[5:],
        n_train=data.n_train[5:],
        n_known=data.n_known[5:],
    )
    assert drawn_candidates(some, 3).equals(table.filter(pl.col("user_id").is_in(some.user_ids)))


def test_every_item_is_as_likely_a_negative() -> None:
    data = domain([[0, 1, 2]] * 3000, n_items=203)
    data = replace(data, user_ids=[str(user) for user in range(3000)])
    table = drawn_candidates(data, 0)
    for size in SIZES:
        drawn = table.select(pl.col("item_ids").list.slice(1, size - 1)).explode("item_ids")
        counts = drawn["item_ids"].value_counts()["count"].to_numpy()
        share = (size - 1) / 200
        assert len(counts) == 200
        assert np.abs(counts - 3000 * share).max() < 5 * np.sqrt(3000 * share * (1 - share))


def test_read_back_they_are_indices_into_the_catalogue_whatever_its_order() -> None:
    data = world()
    table = drawn_candidates(data, 0)
    order = np.random.default_rng(1).permutation(data.n_items)
    place = np.argsort(order)
    other = replace(
        data,
        item_ids=[data.item_ids[item] for item in order],
        sequences=[place[sequence] for sequence in data.sequences],
    )
    one, moved = read_candidates(table, data), read_candidates(table, other)
    assert one.items.shape == (len(one.users), 100)
    assert one.sizes == moved.sizes == SIZES
    assert np.array_equal(place[one.items], moved.items)


def test_a_size_that_a_user_cannot_fill_is_not_measured() -> None:
    for n_items, sizes in ((110, (100, 20, 5)), (109, (20, 5)), (30, (20, 5)), (29, (5,)), (15, (5,))):
        data = domain([list(range(11)), [0, 1, 2]], n_items)
        assert read_candidates(drawn_candidates(data, 0), data).sizes == sizes


def test_candidates_of_other_interactions_are_refused() -> None:
    data = world()
    table = drawn_candidates(data, 0)
    longer = [np.append(sequence, 149 - len(sequence)) for sequence in data.sequences]
    later = replace(data, sequences=longer, n_known=data.n_known + 1)
    with pytest.raises(PulseError, match="materialise them again"):
        read_candidates(table, later)
    with pytest.raises(PulseError, match="materialise them again"):
        read_candidates(table.head(3), data)
    with pytest.raises(PulseError, match="materialise them again"):
        read_candidates(table.filter(protocol="temporal"), data)


def test_a_negative_that_has_come_into_a_history_is_stale() -> None:
    data = world()
    table = drawn_candidates(data, 0)
    user = int(data.evaluated_users("test")[0])
    row = table["user_id"].to_list().index(data.user_ids[user])
    negative = data.item_ids.index(table["item_ids"][row][1])
    sequences = list(data.sequences)
    sequences[user] = sequences[user].copy()
    sequences[user][0] = negative
    with pytest.raises(PulseError, match="materialise them again"):
        read_candidates(table, replace(data, sequences=sequences))
