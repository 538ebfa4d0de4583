import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.rationales.sentences import whole_sentences

SAID = "They look for quiet stories with honest characters."


@pytest.mark.parametrize(
    "unfinished",
    [" The", " They want a", ' They wrote: "It was', " Its 1.5 oz. bott", " Dr. Smi", " (Ho! Ho! Ho! Card"],
)
def test_what_follows_the_last_whole_sentence_is_left_out(unfinished):
    assert whole_sentences(SAID + unfinished) == SAID


@pytest.mark.parametrize("end", ["", " And wit!", ' They say "honest."', " Why not?", " It (nearly) is.)"])
def test_a_text_that_ends_with_a_sentence_is_as_it_was(end):
    assert whole_sentences(SAID + end) == SAID + end


@pytest.mark.parametrize(
    "text",
    [
        "They look for stories with honest characters and a",
        "Trusted Media Brands, Inc. Magazines about science, history and",
        "Cheap. They look for pens that write well and stay",
    ],
)
def test_a_text_of_which_too_little_would_stay_is_as_it_was(text):
    assert whole_sentences(text) == text


def test_sentences_of_scripts_without_spaces_end_too():
    assert whole_sentences("他们喜欢安静的故事和诚实的人物。他们") == "他们喜欢安静的故事和诚实的人物。"


@given(st.text())
def test_what_stays_is_how_the_text_begins_and_whole(text):
    kept = whole_sentences(text)
    assert text.startswith(kept)
    assert whole_sentences(kept) == kept
