import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.rationales.masking import MASK, TitleMask, mask
from pulse_pipeline.rationales.titles import all_spoken, spoken

SPOKEN = {
    "Usual Suspects, The (1995)": ["Usual Suspects", "The Usual Suspects"],
    "Fargo (1996)": ["Fargo"],
    "Postino, Il (1994)": ["Postino", "Il Postino"],
    "Pens, Black, Fine": ["Pens, Black, Fine"],
    "": [""],
}


@pytest.mark.parametrize("title", SPOKEN)
def test_titles_as_people_say_them(title):
    assert spoken(title) == SPOKEN[title]


def test_many_titles_are_spoken_as_each_is():
    together = set(all_spoken(pl.Series(list(SPOKEN))))
    assert together == {name for names in SPOKEN.values() for name in names}


def test_the_spoken_title_is_masked_too():
    common = [f"Love Story {n}" for n in range(100)]
    secrets = TitleMask([*common, "Love Story, The (1970)"]).secrets("Love Story, The (1970)")
    assert mask("They wanted The Love Story, a love story", secrets) == f"They wanted {MASK}, a {MASK}"


@given(
    st.lists(st.sampled_from(["iron", "comet", "iron comet", "a_b", "co", "x"]), max_size=4),
    st.text(alphabet="iron cometéab_x.,-", max_size=40),
)
def test_a_mask_is_what_a_pattern_of_all_secrets_would_be(secrets, text):
    text = f"{text} Iron Comet, comets and {text}"
    masked = mask(text, sorted(secrets, key=len, reverse=True))
    for secret in secrets:
        assert not re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", masked, re.IGNORECASE)
    if not secrets:
        assert masked == text


def test_letters_without_a_single_small_one_hide_nothing():
    assert mask("İ and Iron Comet", ["iron comet"]) == f"İ and {MASK}"
