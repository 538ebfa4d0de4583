import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.rationales.arrivals import arrivals
from pulse_pipeline.rationales.assignments import Desk, Domain
from pulse_pipeline.rationales.goods import KINDS, kinds_of_goods
from pulse_pipeline.rationales.spec import RationaleSettings
from pulse_pipeline.rationales.tables import bridging_rationales_table
from tests.rationales.stub import StubSession
from tests.rationales.tables import TITLES, interactions, items

LATER = 10_000_000
KINDS_OF_TOOLS = ("Steel Hammer", "Garden Spade", "Oak Ladder", "Brass Kettle")


def _tools():
    """A catalogue of another kind, whose titles share no word with the stories."""
    titles = [f"{kind} Number{n}" for n in range(3) for kind in KINDS_OF_TOOLS]
    frame = pl.concat([items()] * 2)
    return frame.with_columns(
        pl.Series("item_id", [f"t{n}" for n in range(len(titles))]),
        pl.Series("title", titles),
        pl.Series("text", titles),
        pl.Series("categories", [["Tools", title.split()[1] + "s"] for title in titles]),
    )


def _came_later(users=3):
    """The same users in another domain, after everything they did in the first."""
    return interactions(users, length=12).with_columns(
        item_id=pl.format("t{}", pl.col("position")),
        timestamp=pl.col("timestamp") + LATER,
        split_temporal=pl.lit("train"),
    )


def _prompts(tmp_path, source=None, target=None, **settings):
    desk = Desk(RationaleSettings(**settings), tmp_path)
    assignment = desk.about_arrivals(
        Domain("stories", interactions() if source is None else source, items()),
        Domain("tools", _came_later() if target is None else target, _tools()),
    )
    return assignment, assignment.writer.render(assignment.wanted)


def test_only_people_of_both_domains_arrive():
    coming = arrivals(interactions(users=5), _came_later(users=3))
    assert coming["user_id"].to_list() == ["user-0", "user-1", "user-2"]


def test_everyone_may_yet_come():
    assert len(arrivals(interactions(users=5), _came_later(users=3), everyone=True)) == 5


def test_no_held_out_item_of_the_source_is_told():
    source = interactions(length=7)
    told = source.join(arrivals(source, _came_later()), on="user_id").filter(
        pl.col("position") < pl.col("target_position")
    )
    assert told["split_loo"].eq("train").all()
    assert told["split_temporal"].eq("train").all()


@given(st.integers(0, 8))
def test_nothing_is_told_that_came_after_the_arrival(moment):
    source = interactions(users=1, length=8, temporal=False)
    target = _came_later(users=1).with_columns(timestamp=pl.lit(1_000_000_000 + moment, pl.Int64))
    coming = arrivals(source, target)
    assert coming["target_position"].to_list() == ([min(moment, 6)] if moment else [])


def test_without_times_the_training_history_is_told():
    timeless = interactions(length=6, temporal=False).with_columns(timestamp=pl.lit(None, pl.Int64))
    assert arrivals(timeless, _came_later())["target_position"].to_list() == [4, 4, 4]


def test_the_prompt_tells_the_goods_but_no_item_of_them(tmp_path):
    _, requests = _prompts(tmp_path)
    assert len(requests) == 3
    for prompt in requests["user"]:
        assert "Hammers, Kettles, Ladders, Spades" in prompt
        assert not any(title in prompt for title in _tools()["title"])
        assert any(title in prompt for title in TITLES)
        assert "user-" not in prompt


@pytest.mark.parametrize("named", ["Garden Spade Number2", "Salt Archive"])
def test_items_of_the_target_and_items_they_never_had_are_rejected(tmp_path, named):
    assignment, requests = _prompts(tmp_path)
    assert not requests["user"].str.contains(named).any()
    answer = f"They want {named}, as it is calm and holds up well for a long time."
    written = assignment.write(StubSession(lambda _: answer))
    table = bridging_rationales_table(written.rows, "stories", assignment.writer.spec)
    assert not table["valid"].any()


def test_what_they_had_may_be_named(tmp_path):
    assignment, requests = _prompts(tmp_path)
    own = {row["key"]: next(title for title in TITLES if title in row["user"]) for row in requests.to_dicts()}
    session = StubSession(
        lambda prompt: (
            f"Whoever likes {own[prompt.key.split('.')[0]]} wants hammers that are quiet and last long."
        )
    )
    written = assignment.write(session)
    table = bridging_rationales_table(written.rows, "stories", assignment.writer.spec)
    assert table["valid"].all()
    assert table["source"].unique().to_list() == ["stories"]


def test_other_goods_are_another_question(tmp_path):
    _, tools = _prompts(tmp_path)
    desk = Desk(RationaleSettings(), tmp_path)
    other = desk.about_arrivals(
        Domain("stories", interactions(), items()),
        Domain("more", _came_later(), _tools().with_columns(categories=pl.lit(["Pens"], pl.List(pl.String)))),
    )
    assert set(other.writer.render(other.wanted)["key"]).isdisjoint(tools["key"])


def test_goods_are_the_commonest_categories_but_those_of_all():
    assert kinds_of_goods(_tools(), _came_later()) == ["Hammers", "Kettles", "Ladders", "Spades"]


def test_without_categories_goods_are_the_words_of_several_items():
    bare = _tools().with_columns(categories=pl.lit([], pl.List(pl.String)))
    goods = kinds_of_goods(bare, _came_later())
    assert goods[:4] == ["brass", "garden", "hammer", "kettle"]
    assert len(goods) <= KINDS


def test_what_came_on_sale_after_the_cut_is_no_good():
    spades = pl.col("item_id").is_in(["t1", "t5", "t9"])
    late = _came_later().with_columns(
        split_temporal=pl.when(spades).then(pl.lit("test")).otherwise(pl.lit("train"))
    )
    assert kinds_of_goods(_tools(), late) == ["Hammers", "Kettles", "Ladders"]
