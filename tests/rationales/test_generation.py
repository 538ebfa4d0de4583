import sqlite3
from collections import Counter
from contextlib import closing, suppress
from dataclasses import replace

import polars as pl
import pytest

from pulse_pipeline.rationales.checks.language import Language
from pulse_pipeline.rationales.cuts import cut_points
from pulse_pipeline.rationales.engine import Completion
from pulse_pipeline.rationales.generation import RunIds, Writer
from pulse_pipeline.rationales.judging import TextJudge
from pulse_pipeline.rationales.ledger import Account, Ledger
from pulse_pipeline.rationales.parsing import NO_ROOM
from pulse_pipeline.rationales.prompts import UserPrompts
from pulse_pipeline.rationales.spec import RationaleSettings
from pulse_pipeline.rationales.store import AnswerStore
from pulse_pipeline.rationales.tables import rationales_table
from tests.rationales.stub import StubSession
from tests.rationales.tables import interactions, items

SPEC = RationaleSettings().spec("foresight")


def _writer(folder, table, max_attempts=1):
    render = UserPrompts(table, items(), SPEC)
    return Writer(SPEC, render, TextJudge(SPEC, None), AnswerStore(folder), max_attempts, RunIds("d", "m"))


def _write(folder, session, users=60, **settings):
    table = interactions(users=users)
    wanted = cut_points(table).filter(kind="foresight")
    return _writer(folder, table, **settings).write(wanted, session, "test"), len(wanted)


def test_every_request_is_answered_once(tmp_path):
    session = StubSession()
    written, wanted = _write(tmp_path, session)
    table = rationales_table(written.rows, SPEC)
    assert len(table) == wanted == len({prompt.key for prompt in session.asked})
    assert table["valid"].all()
    assert set(table["dagster_run_id"]) == {"d"}
    assert set(table["spec_fingerprint"]) == {SPEC.fingerprint()}
    assert (written.ledger.generated, written.ledger.reused) == (wanted, 0)
    assert written.ledger.prompt_tokens == 100 * wanted


def test_a_second_run_asks_nothing_and_reads_the_same(tmp_path):
    first, wanted = _write(tmp_path, StubSession())
    again = StubSession()
    second, _ = _write(tmp_path, again)
    assert again.asked == []
    assert (second.ledger.generated, second.ledger.reused) == (0, wanted)
    assert first.rows.equals(second.rows)


@pytest.mark.parametrize("died_after", [0, 1, 63, 64, 65, 130])
def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, died_after):
    first = StubSession(dies_after=died_after)
    with pytest.raises(KeyboardInterrupt):
        _write(tmp_path, first)
    second = StubSession()
    written, wanted = _write(tmp_path, second)
    asked = [prompt.key for prompt in first.asked + second.asked]
    assert len(asked) == len(set(asked)) == wanted == len(written.rows)


@pytest.mark.parametrize("died_after", [1, 65])
def test_what_an_interrupted_run_has_spent_is_charged(tmp_path, died_after):
    table = interactions(users=60)
    wanted = cut_points(table).filter(kind="foresight")
    for session in (StubSession(dies_after=died_after), StubSession()):
        with suppress(KeyboardInterrupt):
            writer = replace(_writer(tmp_path, table), account=Account("a[b]", price_per_hour=2.0))
            written = writer.write(wanted, session, "test")
    with AnswerStore(tmp_path).opened() as store:
        spent, others = store.spent("a[b]"), store.spent("a[c]")
    assert spent.generated == len(wanted) > written.ledger.generated == len(wanted) - died_after
    assert spent.prompt_tokens == 100 * len(wanted)
    assert spent.price == pytest.approx(2.0 * spent.device_hours)
    assert spent.price > written.ledger.price > 0
    assert others == Ledger()


def test_new_users_cost_only_themselves(tmp_path):
    _, before = _write(tmp_path, StubSession(), users=10)
    session = StubSession()
    _, after = _write(tmp_path, session, users=12)
    assert len(session.asked) == after - before


def test_whoever_brings_new_items_costs_only_themselves(tmp_path):
    spec = RationaleSettings().spec("hindsight")
    alone = interactions(users=10).with_columns(review_text=pl.lit("harbour comet lantern moss orchard salt"))
    joined = interactions(users=12).with_columns(
        review_text=pl.lit("harbour comet lantern moss orchard salt"),
        item_id=pl.when(pl.col("user_id").is_in(["user-10", "user-11"]))
        .then(pl.col("item_id") + "-new")
        .otherwise("item_id"),
    )
    # Their items are called as those of the others: what was a distinctive word is none any more.
    more = items().with_columns(item_id=pl.col("item_id") + "-new", title=pl.col("title") + " Again")
    asked = []
    for table, catalogue in (
        (alone, items()),
        (joined, pl.concat([items(), more, *(more.with_columns(pl.col("item_id") + f"{n}") for n in "23")])),
    ):
        session = StubSession()
        writer = Writer(
            spec, UserPrompts(table, catalogue, spec), TextJudge(spec, None), AnswerStore(tmp_path)
        )
        wanted = cut_points(table).filter(kind="hindsight")
        assert len(writer.write(wanted, session, "test").rows) == len(wanted)
        asked.append(session.asked)
    assert len(asked[0]) == 10
    assert len(asked[1]) == 2


def test_few_requests_at_once_give_the_same(tmp_path, monkeypatch):
    whole, _ = _write(tmp_path / "whole", StubSession())
    monkeypatch.setattr("pulse_pipeline.rationales.generation.ROWS_AT_ONCE", 7)
    session = StubSession()
    parts, wanted = _write(tmp_path / "parts", session)
    assert len(session.asked) == wanted
    assert parts.rows.drop("created_at").equals(whole.rows.drop("created_at"))


def test_a_rejected_answer_is_asked_again_with_another_seed_and_kept(tmp_path):
    tried = Counter()

    def third_time_lucky(prompt):
        tried[prompt.user] += 1
        return "no" if tried[prompt.user] < 3 else "They look for quiet stories with salt and light"

    session = StubSession(third_time_lucky)
    written, wanted = _write(tmp_path, session, users=2, max_attempts=3)
    table = rationales_table(written.rows, SPEC)
    assert table["valid"].all()
    assert set(written.rows["attempt"]) == {2}
    assert set(tried.values()) == {3}
    assert len({(prompt.user, prompt.seed) for prompt in session.asked}) == 3 * wanted
    assert written.rejected == {"fewer than 5 different words": 2 * wanted}
    again, _ = _write(tmp_path, StubSession(), users=2, max_attempts=3)
    assert again.rejected == written.rejected


def test_after_the_last_attempt_a_rejection_is_final(tmp_path):
    written, wanted = _write(tmp_path, StubSession(lambda _: "no"), users=2, max_attempts=2)
    table = rationales_table(written.rows, SPEC)
    assert not table["valid"].any()
    assert table["reject_reason"].str.contains("different words").all()
    assert set(table["rationale"]) == {"no"}
    assert written.ledger.generated == 2 * wanted
    again = StubSession()
    _write(tmp_path, again, users=2, max_attempts=2)
    assert again.asked == []
    more = StubSession(lambda _: "no")
    _write(tmp_path, more, users=2, max_attempts=3)
    assert len(more.asked) == wanted


def test_others_who_bring_titles_into_the_catalogue_undo_no_verdict(tmp_path):
    table = interactions(users=10)
    wanted = cut_points(table).filter(kind="foresight")

    def paris(prompt):
        return f"They look for quiet stories that happen in Paris, such as {prompt.key}"

    def write(titles, session):
        judge = TextJudge(SPEC, pl.Series(titles))
        return replace(_writer(tmp_path, table), judge=judge).write(wanted, session, "test")

    first, again = write(["Iron Comet"], StubSession(paris)), StubSession(paris)
    second = write(["Iron Comet", "Paris"], again)
    assert again.asked == []
    assert second.rows["reject_reason"].null_count() == len(second.rows)
    assert second.rows.equals(first.rows)


def test_another_version_of_the_checks_judges_again(tmp_path):
    table = interactions(users=2)
    wanted = cut_points(table).filter(kind="foresight")
    _writer(tmp_path, table).write(wanted, StubSession(), "test")
    stricter = replace(_writer(tmp_path, table), judge=TextJudge(SPEC, None, language="de"))
    found = stricter.look_up(wanted)
    assert len(found.settled) == len(wanted)
    assert set(found.settled["reject_reason"].drop_nulls()) == {Language.reason}
    assert found.settled["reject_reason"].null_count() < len(wanted) / 2


def test_a_prompt_without_room_costs_one_rationale_until_there_is_room(tmp_path):
    table = interactions(users=3)
    wanted = cut_points(table).filter(kind="foresight")

    class Narrow(StubSession):
        def generate(self, prompts, spec):
            for completion in super().generate(prompts, spec):
                is_first = completion.key == self.asked[0].key
                yield Completion.without_room(completion.key) if is_first else completion

    written = _writer(tmp_path, table).write(wanted, Narrow(), "test")
    assert written.rejected == {NO_ROOM: 1}
    assert written.ledger.generated == len(wanted) - 1
    wider = StubSession()
    assert _writer(tmp_path, table).write(wanted, wider, "test").rejected == {}
    assert len(wider.asked) == 1


def test_answers_of_an_earlier_version_are_judged_and_kept(tmp_path):
    _write(tmp_path, StubSession(), users=4)
    with closing(sqlite3.connect(tmp_path / "answers.db")) as connection, connection:
        for column in ("rationale", "reject_reason", "judged_by"):
            connection.execute(f"ALTER TABLE answers DROP COLUMN {column}")
        connection.execute("DROP TABLE spent")
    session = StubSession()
    written, wanted = _write(tmp_path, session, users=4)
    assert session.asked == []
    assert written.rows["reject_reason"].null_count() == len(written.rows) == wanted


def test_looking_leaves_nothing_behind(tmp_path):
    table = interactions(users=2)
    _writer(tmp_path / "new", table).look_up(cut_points(table).filter(kind="foresight"))
    assert not (tmp_path / "new").exists()


def test_what_is_missing_can_be_counted_without_a_model(tmp_path):
    _write(tmp_path, StubSession(), users=10)
    table = interactions(users=12)
    wanted = cut_points(table).filter(kind="foresight")
    found = _writer(tmp_path, table).look_up(wanted)
    assert set(found.open["user_id"]) == {"user-10", "user-11"}
    assert len(found.settled) + len(found.open) == len(wanted)
