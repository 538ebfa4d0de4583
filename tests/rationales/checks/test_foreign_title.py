import polars as pl
import pytest

from pulse_pipeline.rationales.checks.foreign_title import ForeignTitle
from tests.rationales.checks.parsed import SENSIBLE, parsed, rejected

LONG = "Moleskine Classic Notebook, Large, Ruled, Magenta, Hard Cover (5 x 8.25)"
TITLES = pl.Series(
    [
        "Home",
        "It",
        None,
        "",
        "Iron Comet",
        "Great Expectations",
        "True Love",
        "O, Pen",
        LONG,
        "Fandango Gift Card",
        "Fargo (1996)",
        "Heat (1995)",
        "Usual Suspects, The (1995)",
        "Matrix, The (1999)",
        "Way We Are, The (1997)",
        "Titanic (1997)",
    ]
)
CHECK = ForeignTitle(TITLES)


def test_sensible_rationales_pass():
    # "true love" and "great expectations" are titles, but not where they are written as common words.
    lowered = [text[0].lower() + text[1:] for text in SENSIBLE]
    assert not CHECK.rejects(parsed(lowered)).any()
    assert not rejected(CHECK, "At Home they want It all, and an O Pen.")


@pytest.mark.parametrize(
    "text",
    [
        "They would love the Fandango Gift Card.",
        "They liked “True Love” for its ending.",
        f"They want the {LONG.upper()}!",
        "They want what Fargo gave them.",
        "They watch crime films, such as Fargo.",
        "They want a chase like the one in “Heat.”",
        "They loved The Usual Suspects.",
        "They ask for The Matrix again.",
        "They loved Titanic's ending.",
        "They choose films: Titanic, for one.",
        "They want true love, so they chose True Love.",
    ],
)
def test_a_title_from_elsewhere_is_seen(text):
    assert rejected(CHECK, text)


@pytest.mark.parametrize(
    "text",
    [
        "They want fargo and heat.",
        "Heat keeps them in their seats.",
        "They like the films of Fargo Winters.",
        "They want Heat and cold.",
        "The usual suspects bore them.",
        "They like the way we are.",
    ],
)
def test_everyday_words_are_no_titles(text):
    assert not rejected(CHECK, text)


def test_titles_of_the_evidence_may_be_named():
    assert not rejected(CHECK, "They liked Iron Comet most.")
    assert not rejected(CHECK, "They liked Fargo most.", evidence='"Fargo (1996)", rated 5')
    assert not rejected(CHECK, "They loved Titanic most.", evidence="They wrote: 'Titanic's ending'")
    shortened = f'- "{LONG[:50]}…", rated 5'
    assert not rejected(CHECK, f"They like {LONG}.", evidence=shortened)


def test_an_empty_catalogue_rejects_nothing():
    check = ForeignTitle(pl.Series([None, ""], dtype=pl.String))
    assert not check.rejects(parsed(SENSIBLE)).any()
