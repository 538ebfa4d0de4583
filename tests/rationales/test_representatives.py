import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulse_pipeline.provenance import text_hash
from pulse_pipeline.rationales.assignments import Desk, Domain
from pulse_pipeline.rationales.cuts import cut_points, foresight_roles
from pulse_pipeline.rationales.latest import inheriting_users
from pulse_pipeline.rationales.representatives import representatives
from pulse_pipeline.rationales.spec import RationaleSettings
from pulse_pipeline.rationales.tables import rationales_table
from tests.rationales.stub import StubSession
from tests.rationales.tables import interactions, items


def _two_crowds(users=20, length=8):
    """Even users choose among three items, odd users among the other three."""
    table = interactions(users, length)
    odd = pl.col("user_id").str.extract(r"(\d+)").cast(pl.Int32) % 2
    return table.with_columns(item_id=pl.format("i{}", odd * 3 + pl.col("position") % 3))


def _write(tmp_path, table, share):
    desk = Desk(RationaleSettings(representatives=share), tmp_path)
    domain, session = Domain("d", table, items()), StubSession(_words)
    written = [(one.write(session).rows, one.writer.spec) for one in desk.about_users(domain)]
    own = pl.concat(rationales_table(rows, spec) for rows, spec in written)
    return own, desk.inherited(domain, own), session


def _words(prompt):
    return f"They want calm and honest things that last, says {text_hash(prompt.user)}"


def test_everyone_represents_themselves_at_a_share_of_one():
    found = representatives(_two_crowds(), 1.0)
    assert len(found) == 20
    assert (found["user_id"] == found["representative"]).all()


def test_at_a_share_of_one_nothing_is_inherited_and_all_cuts_are_written(tmp_path):
    table = _two_crowds()
    own, inherited, _ = _write(tmp_path, table, 1.0)
    assert inherited.is_empty()
    names = ["user_id", "kind", "target_position"]
    assert set(own.select(names).iter_rows()) == set(cut_points(table).select(names).iter_rows())


@settings(max_examples=15, deadline=None)
@given(st.floats(0.02, 1.0))
def test_no_more_than_the_share_represent_and_a_representative_represents_itself(share):
    found = representatives(_two_crowds(), share)
    names = set(found["representative"])
    assert 1 <= len(names) <= math.ceil(share * 20)
    assert dict(found.iter_rows()).items() >= {(name, name) for name in names}


def test_those_who_choose_alike_share_a_representative():
    found = dict(representatives(_two_crowds(), 0.1).iter_rows())
    assert len({found[f"user-{n}"] for n in range(0, 20, 2)}) == 1
    assert found["user-0"] != found["user-1"]


def test_what_lies_behind_the_first_cut_decides_no_membership():
    table = _two_crowds()
    before = representatives(table, 0.3)
    ends = cut_points(table).group_by("user_id").agg(end=pl.col("target_position").min())
    later = pl.col("position") >= pl.col("end")
    other = table.join(ends, on="user_id").with_columns(
        item_id=pl.when(later).then(pl.lit("i0")).otherwise("item_id")
    )
    assert not other["item_id"].equals(table["item_id"])
    assert representatives(other.drop("end"), 0.3).equals(before)


def test_the_order_of_rows_decides_nothing():
    table = _two_crowds()
    assert representatives(table.reverse(), 0.3).equals(representatives(table, 0.3))


def test_only_representatives_are_written_for(tmp_path):
    own, inherited, session = _write(tmp_path, _two_crowds(), 0.1)
    assert own["user_id"].n_unique() == 2
    assert len(session.asked) == len(own)
    assert inherited["user_id"].n_unique() == 18
    assert inheriting_users(pl.concat([own, inherited])) == set(inherited["user_id"])


def test_a_role_is_inherited_from_the_same_role_or_one_that_knows_less(tmp_path):
    table = _two_crowds()
    own, inherited, _ = _write(tmp_path, table, 0.1)
    assert inherited["kind"].unique().to_list() == ["foresight"]
    written = {
        (row["user_id"], row["rationale"]): row["target_position"] for row in own.iter_rows(named=True)
    }
    roles = {
        (user, role): position
        for user, role, position in foresight_roles(table)
        .select("user_id", "role", "target_position")
        .iter_rows()
    }
    for row in inherited.iter_rows(named=True):
        source, seen = row["inherited_from"], written[row["inherited_from"], row["rationale"]]
        served = [
            role
            for (user, role), at in roles.items()
            if user == row["user_id"] and at == row["target_position"]
        ]
        assert served
        assert seen <= min(roles[source, role] for role in served)


def test_every_foresight_of_a_member_is_there(tmp_path):
    table = _two_crowds()
    own, inherited, _ = _write(tmp_path, table, 0.1)
    wanted = cut_points(table).filter(kind="foresight").select("user_id", "target_position")
    there = pl.concat([own, inherited]).filter(kind="foresight").select("user_id", "target_position")
    assert set(there.iter_rows()) == set(wanted.iter_rows())
    assert not there.is_duplicated().any()


@pytest.mark.parametrize("share", [0.0, 1.1])
def test_a_share_is_a_share(share):
    with pytest.raises(ValueError, match="representatives"):
        RationaleSettings(representatives=share)
