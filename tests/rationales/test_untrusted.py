import re
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.rationales.untrusted import WORD_CHARACTERS, plain, plain_series
from tests.rationales.injections import INJECTIONS


def _plain(text, characters=200):
    return pl.select(plain(pl.lit(text, pl.String), characters)).item()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, ""),
        ("Loved it! Café déjà vu, naïve 😀 5/5 & 100 %", "Loved it! Café déjà vu, naïve 😀 5/5 & 100 %"),
        ("line\r\nbreak\u2028and\ttab\x1cand more", "line break and tab and more"),
        ("great<br /><br />book", "great book"),
        ("3 < 5 and I <3 it", "3 ‹ 5 and I ‹3 it"),
        ("zero\u200bwidth", "zerowidth"),
        ("\x1b[31mred\x1b[0m", "red"),
        ('a "quoted" “word”', "a 'quoted' 'word'"),
        ("這本書很好看" * 10, "這本書很好看" * 10),
        ("x" * 100, "x" * WORD_CHARACTERS + "…"),
    ],
)
def test_honest_text_stays_readable(text, shown):
    assert _plain(text) == shown


def test_the_budget_holds():
    assert _plain("word " * 50, 20) == "word word word word…"
    assert _plain("\u200b" * 100_000 + "far away", 20) == ""


@given(
    st.text(
        st.one_of(
            st.characters(codec="utf-8"), st.sampled_from('<>|[]{}/"“＜｜＞［\u200b\u0301\n\x1b im_startINST')
        ),
        max_size=300,
    )
)
def test_nothing_that_could_make_a_token_or_a_line_is_left(text):
    shown = _plain(text, 60)
    assert not set(shown) & set('<>[]{}"\u201c\u201d')
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
    assert len(shown) <= 61
    assert not re.search(rf"[!-~]{{{WORD_CHARACTERS + 1}}}", shown)


@given(st.lists(st.text(), max_size=8), st.integers(1, 60))
def test_many_texts_are_cleaned_as_one(texts, characters):
    whole = pl.Series("text", texts, pl.String)
    assert plain_series(whole, characters).to_list() == _each(whole, characters)


@pytest.mark.parametrize("text", [*INJECTIONS.values(), "plain words", "x" * 41, " two  spaces ", "", None])
def test_hostile_texts_take_no_shortcut(text):
    both = pl.Series("text", [text, "Nothing to clean here: it's 100% fine (really)."], pl.String)
    assert plain_series(both, 50).to_list() == _each(both, 50)


def _each(texts, characters):
    return texts.to_frame().select(plain(pl.col("text"), characters))["text"].to_list()
