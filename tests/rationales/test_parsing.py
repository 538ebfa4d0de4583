import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.rationales.parsing import parse

GOOD = "They look for quiet stories with patient, honest characters."


def test_a_good_answer_is_valid():
    parsed = parse(json.dumps({"rationale": f"  {GOOD}\n"}), True, [])
    assert (parsed.rationale, parsed.reject_reason) == (GOOD, None)


@pytest.mark.parametrize(
    ("text", "finished", "reason"),
    [
        (json.dumps({"rationale": GOOD}), False, "cut"),
        ('{"rationale": "They', True, "not JSON"),
        ('{"why": "x"}', True, "no text"),
        ('{"rationale": 5}', True, "no text"),
        ('["rationale"]', True, "no text"),
    ],
)
def test_an_unreadable_answer_is_rejected_with_its_reason(text, finished, reason):
    assert reason in parse(text, finished, []).reject_reason


def test_a_leaked_title_is_masked():
    answer = json.dumps({"rationale": f"{GOOD} Iron Comet was such a story."})
    assert "comet" not in parse(answer, True, ["iron comet", "comet", "iron"]).rationale.lower()


@pytest.mark.parametrize("spelled", [r"\ud83c", r"\u0000", r"\u001b", r"\u202e", r"\u200b", r"\n"])
def test_what_only_json_can_spell_reaches_no_table(spelled):
    parsed = parse(f'{{"rationale": "quiet {spelled}stories"}}', True, [])
    assert parsed.rationale.split() == ["quiet", "stories"]
    assert pl.Series([parsed.rationale]).item() == parsed.rationale


def test_deeply_nested_json_is_no_rationale():
    assert parse("[" * 100_000, True, []).reject_reason == "not JSON"


@given(st.text(), st.booleans(), st.lists(st.text(min_size=1), max_size=3))
def test_no_answer_breaks_the_parser(text, finished, secrets):
    parse(text, finished, secrets)
    parse(json.dumps({"rationale": text}), finished, secrets)
