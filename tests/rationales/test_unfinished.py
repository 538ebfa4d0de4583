import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.rationales.unfinished import as_read


@pytest.mark.parametrize("end", [".", "!", "?", '."', ".)", "…", "。"])
def test_a_text_that_ends_with_a_sentence_is_as_it_was(end):
    assert as_read(f"They look for quiet stories{end}") == f"They look for quiet stories{end}"


@pytest.mark.parametrize("end", ["", " ", ",", " -", ": "])
def test_one_that_was_cut_says_so(end):
    assert as_read(f"They look for quiet stories. The{end}") == "They look for quiet stories. The…"


@given(st.text())
def test_nothing_that_was_said_is_left_out(text):
    shown = as_read(text)
    assert shown == text or text.startswith(shown.removesuffix("…"))
    assert as_read(shown) == shown
