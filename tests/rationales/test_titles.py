import polars as pl
import pytest

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
