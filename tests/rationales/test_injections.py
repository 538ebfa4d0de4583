"""Whatever one stranger writes, the prompt holds its shape and nobody else notices."""

import json
import re

import polars as pl
import pytest

from assets.materialisation import _sample
from pulse_pipeline.rationales.cuts import cut_points
from pulse_pipeline.rationales.generation import Writer
from pulse_pipeline.rationales.judging import NAMES, TextJudge
from pulse_pipeline.rationales.prompts import UserPrompts
from pulse_pipeline.rationales.requests import REQUESTS
from pulse_pipeline.rationales.spec import USER_KINDS, RationaleSettings
from pulse_pipeline.rationales.store import AnswerStore
from pulse_pipeline.rationales.tables import rationales_table
from tests.rationales.injections import INJECTIONS
from tests.rationales.stub import StubSession
from tests.rationales.tables import interactions, items

SETTINGS = RationaleSettings()
VILLAIN = "user-0"
# A line of a history as we write it: one title, at most one review, no quotes of anybody else.
LINE = re.compile(r'- "[^"]+"(, rated [\d.]+)?(\. They wrote: "[^"]*")?')
hostile = pytest.mark.parametrize("text", INJECTIONS.values(), ids=INJECTIONS)


def _table(text, users=3):
    told = pl.when(pl.col("user_id") == VILLAIN)
    return interactions(users).with_columns(
        review_title=told.then(pl.lit(text)).otherwise("review_title"),
        review_text=told.then(pl.lit(text)).otherwise("review_text"),
    )


def _requests(kind, table, catalogue=None):
    render = UserPrompts(table, items() if catalogue is None else catalogue, SETTINGS.spec(kind))
    return render(cut_points(table).filter(kind=kind))


def test_there_are_enough_of_them():
    assert len(set(INJECTIONS.values())) == len(INJECTIONS) >= 30


@hostile
@pytest.mark.parametrize("kind", USER_KINDS)
def test_a_prompt_stays_one_inert_line_an_item(text, kind):
    spec = SETTINGS.spec(kind)
    requests = _requests(kind, _table(text)).filter(user_id=VILLAIN)
    for user, evidence in requests.select("user", "evidence").iter_rows():
        history = evidence.splitlines()[: -1 if kind == "hindsight" else None]
        assert history
        assert all(LINE.fullmatch(line) for line in history)
        assert not set(evidence) & set("<>[]{}")
        assert evidence.replace("\n", "").isprintable()
        shown = spec.template.replace("{history}", "\n".join(history)).replace(
            "{target}", evidence.splitlines()[-1]
        )
        assert user == shown


@hostile
def test_a_hostile_title_stays_inert_too(text):
    catalogue = items().with_columns(title=pl.lit(text), text=pl.lit(text))
    for kind in USER_KINDS:
        for evidence in _requests(kind, interactions(2), catalogue)["evidence"]:
            lines = evidence.splitlines()
            assert all(LINE.fullmatch(line) for line in (lines[:-1] if kind == "hindsight" else lines))
            assert lines[-1].startswith("- ")
            assert not set(evidence) & set("<>[]{}")


@hostile
@pytest.mark.parametrize("kind", USER_KINDS)
def test_other_users_requests_do_not_change_by_a_byte(text, kind):
    others = pl.col("user_id") != VILLAIN
    columns = ["user_id", "target_position", *REQUESTS.names()]
    calm = _requests(kind, interactions()).filter(others).select(columns)
    assert _requests(kind, _table(text)).filter(others).select(columns).equals(calm)


@hostile
def test_answers_that_repeat_it_are_judged_and_kept(text, tmp_path, caplog):
    spec, table = SETTINGS.spec("foresight"), _table(text)
    catalogue = items()
    judge = TextJudge(spec, catalogue["title"], SETTINGS.language)
    writer = Writer(spec, UserPrompts(table, catalogue, spec), judge, AnswerStore(tmp_path))
    # A model that says back what it should not even see.
    session = StubSession(lambda prompt: f"They value {text[:300]} for the quiet, honest voices in it")
    with caplog.at_level("DEBUG"):
        written = writer.write(cut_points(table).filter(kind="foresight"), session, "test")
    frame = rationales_table(written.rows, spec)
    assert pl.DataFrame(
        json.loads(frame.write_json()), frame.select("rationale").schema, strict=False
    ).equals(frame.select("rationale"))
    assert all(text.isprintable() for text in frame["rationale"])
    assert set(written.rejected) <= set(NAMES)
    assert all(record.getMessage().isprintable() for record in caplog.records)


@pytest.mark.parametrize(
    "raw", ['{"rationale": "a', '"', "{", "", "\x00", '{"rationale": {"a": 1}}', "[" * 5000]
)
@hostile
def test_raw_answers_break_no_judge(text, raw):
    spec = SETTINGS.spec("foresight")
    requests = _requests("foresight", _table(text)).head(1)
    answers = requests.with_columns(text=pl.lit(raw + text[:300]), finished=pl.lit(True))
    judged = TextJudge(spec, None)(answers)
    assert judged["reject_reason"].is_in(["not JSON", "no text under the key 'rationale'"]).all()
    assert judged["rationale"][0].isprintable()


@hostile
def test_what_the_ui_shows_is_escaped(text):
    shown = _sample(pl.DataFrame({"review_text": [text], "tags": [[text]]}))
    assert len(shown.splitlines()) == 3
    row = shown.splitlines()[2]
    assert row.isprintable()
    assert len(re.findall(r"(?<!\\)\|", row.replace("\\\\", ""))) == 3
    assert not re.search(r"(?<!\\)[<`\[!&]", row.replace("\\\\", ""))
