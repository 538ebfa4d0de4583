import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pulse_pipeline.interactions import neighbours as module
from pulse_pipeline.interactions.neighbour_settings import NeighbourSettings
from pulse_pipeline.interactions.neighbours import nearest_neighbours
from pulse_pipeline.schemas import SPLITS, Interactions, Neighbours

ITEMS = st.integers(0, 9)
SLOW = settings(deadline=None, max_examples=60)


def _table(sequences, temporal_train=None):
    """Users with these items; leave-one-out, and a temporal split that trains on so many of each."""
    rows = []
    for u, sequence in enumerate(sequences):
        train = len(sequence) - 2
        kept = None if temporal_train is None else temporal_train[u]
        rows.extend(
            {
                "user_id": f"user-{u}",
                "position": p,
                "item_id": f"i{item}",
                "split_loo": "train" if p < train else "valid" if p == train else "test",
                "split_temporal": None if kept is None else "train" if p < kept else "test",
            }
            for p, item in enumerate(sequence)
        )
    split = pl.Enum(SPLITS)
    frame = pl.DataFrame(
        rows,
        {
            "user_id": pl.String,
            "position": pl.Int32,
            "item_id": pl.String,
            "split_loo": split,
            "split_temporal": split,
        },
    ).with_columns(
        pl.lit(None).alias(name) for name in ("rating", "timestamp", "review_title", "review_text")
    )
    return Interactions.validate(frame.select(Interactions.column_names()), cast=True)


def _histories(*cuts):
    return pl.DataFrame(cuts, {"user_id": pl.String, "target_position": pl.Int32}, orient="row")


def _found(table, histories, **settings):
    return nearest_neighbours(table, histories, NeighbourSettings(**settings))


@st.composite
def worlds(draw):
    """Users, how far each is trained on temporally, and up to three cuts of each."""
    sequences = draw(st.lists(st.lists(ITEMS, min_size=3, max_size=8, unique=True), min_size=1, max_size=8))
    kept = draw(st.none() | st.tuples(*(st.integers(0, len(sequence)) for sequence in sequences)))
    cuts = [
        (f"user-{u}", cut)
        for u, sequence in enumerate(sequences)
        for cut in draw(st.sets(st.integers(1, len(sequence) - 1), max_size=3))
    ]
    return sequences, kept, cuts


@SLOW
@given(worlds(), st.integers(1, 4), st.integers(1, 3))
def test_rows_keep_what_they_promise(world, k, titles_each):
    sequences, kept, cuts = world
    table = _table(sequences, kept)
    found = Neighbours.validate(_found(table, _histories(*cuts), k=k, titles_each=titles_each))
    everywhere = table.filter(
        (pl.col("split_loo") == "train") & (pl.col("split_temporal").fill_null("train") == "train")
    )
    known = {user: items["item_id"].to_list() for (user,), items in everywhere.group_by("user_id")}
    assert set(found.select("user_id", "target_position").iter_rows()) <= set(cuts)
    for row in found.iter_rows(named=True):
        before = {f"i{item}" for item in sequences[int(row["user_id"][5:])][: row["target_position"]]}
        side = known[row["neighbour_id"]]
        assert row["neighbour_id"] != row["user_id"]
        assert row["rank"] <= k
        assert before & set(side)
        assert row["item_ids"] == [item for item in reversed(side) if item not in before][:titles_each]
    for _, of_cut in found.group_by("user_id", "target_position"):
        assert of_cut["rank"].to_list() == list(range(1, len(of_cut) + 1))
        assert of_cut["similarity"].is_sorted(descending=True)
        assert of_cut["neighbour_id"].is_unique().all()


@SLOW
@given(worlds(), st.data())
def test_what_a_user_does_from_the_cut_on_moves_no_row_of_that_cut(world, data):
    sequences, kept, cuts = world
    assume(cuts)
    user, cut = data.draw(st.sampled_from(cuts))
    own = sequences[int(user[5:])]
    others = [item for item in range(20) if item not in own[:cut]]
    changed = list(sequences)
    changed[int(user[5:])] = [*own[:cut], *data.draw(st.permutations(others))[: len(own) - cut]]
    before, after = (
        _found(_table(some, kept), _histories(*cuts)).filter(user_id=user, target_position=cut)
        for some in (sequences, changed)
    )
    assert before.equals(after)


@SLOW
@given(worlds())
def test_an_item_that_is_never_trained_on_by_its_neighbours_is_told_to_nobody(world):
    sequences, kept, cuts = world
    planted = [[*sequence[:-2], 7731, *sequence[-1:]] for sequence in sequences]
    found = _found(_table(planted, kept), _histories(*cuts))
    assert "i7731" not in found["item_ids"].explode().to_list()


def test_a_canary_in_either_protocols_future_is_told_to_nobody():
    # Position 2 is training under leave-one-out, not under the temporal split.
    table = _table([[1, 2, 3, 4, 5], [1, 2, 77, 8, 9]], temporal_train=(2, 2))
    assert _found(table, _histories(("user-0", 1)))["item_ids"].to_list() == [["i2"]]
    alone = _table([[1, 2, 3, 4, 5], [1, 2, 77, 8, 9]])
    assert _found(alone, _histories(("user-0", 1)))["item_ids"].to_list() == [["i77", "i2"]]


def test_a_user_who_is_not_trained_on_by_one_protocol_is_no_neighbour():
    table = _table([[1, 2, 3, 4], [1, 2, 5, 6]], temporal_train=(2, 0))
    assert _found(table, _histories(("user-0", 2))).is_empty()
    assert _found(table, _histories(("user-1", 2)))["neighbour_id"].to_list() == ["user-0"]


def test_who_shares_what_few_chose_is_nearer():
    crowd = [[1, 9, 8, 7]] * 6
    table = _table([[1, 2, 5, 6], [1, 3, 5, 6], [4, 2, 5, 6], *crowd])
    found = _found(table, _histories(("user-0", 2)), k=2)
    assert found["neighbour_id"].to_list()[0] == "user-2"


def test_equal_histories_have_similarity_one():
    table = _table([[1, 2, 5, 6], [2, 1, 7, 8]])
    (row,) = _found(table, _histories(("user-0", 2))).iter_rows(named=True)
    assert row["similarity"] == pytest.approx(1.0)
    assert row["item_ids"] == []


def test_order_of_rows_and_size_of_blocks_change_nothing(monkeypatch):
    draw = np.random.default_rng(0)
    table = _table([draw.permutation(30)[:8].tolist() for _ in range(60)])
    histories = _histories(*((f"user-{u}", cut) for u in range(60) for cut in (3, 6)))
    whole = _found(table, histories)
    shuffled = _found(table.sample(fraction=1, shuffle=True, seed=1), histories.reverse())
    monkeypatch.setattr(module, "PRODUCTS_AT_ONCE", 50)
    assert whole.equals(shuffled)
    assert whole.equals(_found(table, histories))


def test_nobody_and_nothing_give_an_empty_table():
    table = _table([[1, 2, 3], [4, 5, 6]])
    assert _found(table, _histories(("user-0", 1))).is_empty()
    assert _found(table, _histories()).is_empty()
    assert _found(table.clear(), _histories()).is_empty()
