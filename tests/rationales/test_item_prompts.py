from collections import Counter
from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.rationales.assignments import Desk, Domain
from pulse_pipeline.rationales.item_prompts import HEADING, ItemPrompts, item_cuts
from pulse_pipeline.rationales.spec import RationaleSettings
from pulse_pipeline.rationales.tables import item_rationales_table
from tests.rationales.stub import StubSession
from tests.rationales.tables import TITLES, interactions, items


def _requests(table=None, catalogue=None, **settings):
    spec = RationaleSettings(**settings).spec("item")
    catalogue = items() if catalogue is None else catalogue
    table = interactions() if table is None else table
    return ItemPrompts(table, catalogue, spec)(item_cuts(table, catalogue))


def test_only_reviews_that_are_training_under_every_protocol_are_shown():
    table = interactions(users=6)
    shown = _requests(table, budget={"reviews": 99})
    for row in table.iter_rows(named=True):
        prompt = shown.filter(item_id=row["item_id"])["user"][0]
        in_training = row["split_loo"] == row["split_temporal"] == "train"
        assert (row["review_text"] in prompt) == in_training, row


def test_the_newest_reviews_come_first_and_the_budget_holds():
    table = interactions(users=6, length=9, temporal=False)
    prompt = _requests(table, budget={"reviews": 2}).filter(item_id="i0")["user"][0]
    told = [line for line in prompt.splitlines() if "is why" in line]
    newest = table.filter((pl.col("split_loo") == "train") & (pl.col("item_id") == "i0"))
    newest = newest.sort("timestamp", descending=True)["review_text"].to_list()[:2]
    assert [review in line for review, line in zip(newest, told, strict=True)] == [True, True]


def test_an_item_nobody_reviewed_is_still_described():
    lonely = items().with_columns(item_id=pl.col("item_id") + "x")
    requests = _requests(catalogue=lonely)
    assert len(requests) == len(TITLES)
    for title, prompt in zip(TITLES, requests["user"], strict=True):
        assert title in prompt
        assert HEADING not in prompt
    reviewed = _requests().filter(pl.col("evidence").str.contains("\n"))
    assert len(reviewed) and all(HEADING in prompt for prompt in reviewed["user"])


def test_items_without_text_are_no_subject():
    bare = items().with_columns(has_text=pl.col("item_id") != "i2")
    assert "i2" not in set(item_cuts(interactions(), bare)["item_id"])


@given(st.data())
def test_the_items_chosen_most_often_in_training_are_written_about_first(data):
    splits = st.sampled_from(["train", "valid", "test"])
    rows = st.tuples(st.sampled_from(sorted(items()["item_id"])), splits, st.none() | splits)
    columns = ["item_id", "split_loo", "split_temporal"]
    log = pl.DataFrame(
        data.draw(st.lists(rows, max_size=20)), dict.fromkeys(columns, pl.String), orient="row"
    ).with_columns(review_title=None, review_text=None)
    times = Counter(item for item, *protocols in log.iter_rows() if {*protocols} <= {"train", None})
    drawn = [item_cuts(log, items(), at_most)["item_id"].to_list() for at_most in range(1, len(TITLES) + 1)]
    for at_most, (fewer, more) in enumerate(pairwise(drawn), start=1):
        assert len(fewer) == at_most and set(fewer) < set(more) and fewer == sorted(fewer)
        assert min(times[item] for item in fewer) >= max(times[item] for item in {*more} - {*fewer})
    assert drawn[-1] == item_cuts(log, items())["item_id"].to_list() == sorted(items()["item_id"])


def test_what_is_written_where_nobody_wrote_or_was_counted_rests_on_the_text_alone():
    table = interactions(users=6)
    in_training = (pl.col("split_loo") == "train") & (pl.col("split_temporal") == "train")
    reviews = ["review_title", "review_text"]
    silent = table.with_columns(pl.when(~in_training).then(pl.col(reviews)))
    assert item_cuts(silent, items())["text_alone"].all()
    assert not _requests(silent)["evidence"].str.contains("\n").any()
    assert not item_cuts(silent, items(), at_most=len(TITLES))["text_alone"].any()
    first = pl.concat([table.head(1), silent.tail(-1)])
    assert first.filter(in_training)["review_text"].count() == 1
    assert not item_cuts(first, items())["text_alone"].any()


def test_a_review_more_asks_about_its_item_only():
    table = interactions(users=2)
    before = _requests(table)
    first = table.with_columns(
        review_text=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("changed")).otherwise("review_text")
    )
    after = _requests(first)
    changed = before.filter(before["key"] != after["key"])
    assert changed["item_id"].to_list() == [table["item_id"][0]]


def test_no_user_id_is_in_a_prompt():
    assert not _requests()["user"].str.contains("user-").any()


def test_items_rationales_keep_their_contract(tmp_path):
    assignment = Desk(RationaleSettings(), tmp_path).about_items(Domain("d", interactions(), items()))
    written = assignment.write(StubSession(lambda _: "People who love quiet stories by the sea want it"))
    table = item_rationales_table(written.rows, assignment.writer.spec)
    assert table["item_id"].to_list() == sorted(items()["item_id"])
    assert table["valid"].all()
    assert table["evidence_hash"].n_unique() == len(TITLES)
