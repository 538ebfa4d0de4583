import json

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
        ('{"rationale": "great great great great great"}', True, "different words"),
        ('{"rationale": ""}', True, "different words"),
        ('{"rationale": "The Newest First: The Mournful Sanatorium, a book they had"}', True, "the prompt"),
        ('{"rationale": "{{reviews}}} The person likes slow and careful stories"}', True, "the prompt"),
    ],
)
def test_a_bad_answer_is_rejected_with_its_reason(text, finished, reason):
    assert reason in parse(text, finished, []).reject_reason


def test_a_leaked_title_is_masked():
    answer = json.dumps({"rationale": f"{GOOD} Iron Comet was such a story."})
    assert "comet" not in parse(answer, True, ["iron comet", "comet", "iron"]).rationale.lower()


@given(st.text(), st.booleans(), st.lists(st.text(min_size=1), max_size=3))
def test_no_answer_breaks_the_parser(text, finished, secrets):
    parse(text, finished, secrets)
    parse(json.dumps({"rationale": text}), finished, secrets)
