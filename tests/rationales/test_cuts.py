import polars as pl

from pulse_pipeline.rationales.cuts import cut_points, drawn_users
from pulse_pipeline.schemas import SPLITS
from tests.rationales.tables import interactions


def _cuts(table):
    return set(cut_points(table).iter_rows())


def test_serving_cuts_at_each_prefix_and_learning_at_the_shortest():
    # Five interactions: three train under leave-one-out, two under the temporal split.
    assert _cuts(interactions(users=1)) == {
        ("user-0", "foresight", 3),
        ("user-0", "foresight", 2),
        ("user-0", "foresight", 1),
        ("user-0", "hindsight", 1),
    }


def test_a_user_who_is_not_trained_on_temporally_is_learned_from_under_leave_one_out():
    late = interactions(users=1).with_columns(split_temporal=pl.lit("test", pl.Enum(SPLITS)))
    assert _cuts(late) == {("user-0", "foresight", 3), ("user-0", "foresight", 2), ("user-0", "hindsight", 2)}


def test_a_cut_that_two_protocols_share_is_made_once():
    table = interactions(users=1)
    same = table.with_columns(split_temporal="split_loo")
    assert len(cut_points(same)) == 3


def test_without_times_there_is_only_leave_one_out():
    assert {position for _, _, position in _cuts(interactions(users=1, temporal=False))} == {2, 3}


def test_one_training_item_allows_foresight_only():
    table = interactions(users=1, length=3, temporal=False)
    assert _cuts(table) == {("user-0", "foresight", 1)}


def test_a_larger_draw_of_users_holds_a_smaller_one():
    table = interactions(users=9)
    few, more = (set(drawn_users(table, n)["user_id"]) for n in (3, 6))
    assert len(few) == 3
    assert len(more) == 6
    assert few < more


def test_a_draw_keeps_a_user_whole_and_in_order():
    table = interactions(users=9)
    drawn = drawn_users(table, 4)
    assert drawn.equals(table.filter(pl.col("user_id").is_in(drawn["user_id"].unique().to_list())))
    assert drawn_users(table, None).equals(table)
    assert drawn_users(table, 100).equals(table)
