import polars as pl
import pytest

from pulse_pipeline.evaluation.explanations.hallucination import NameDetector, names
from tests.evaluation.explanations.worlds import items

FILLERS = [f"Plain Film number {n}" for n in range(200)]
SHOP = items([*FILLERS, "The Silver Lantern", "Harbour of Glass", "Quiet Rain", None])
DETECTOR = NameDetector(SHOP, pl.Series(["a calm evening"] * 20))
HISTORY = "The Silver Lantern. Films: it reminded me of Ada Lovelace"


def _found(detect, text, evidence=HISTORY):
    texts = pl.DataFrame({"text": [text], "evidence": [evidence], "background": [""]})
    return bool(detect(texts)[0])


@pytest.mark.parametrize(
    ("text", "hallucinated", "invented", "unknown"),
    [
        ("They loved The Silver Lantern.", False, False, False),
        ("They want calm evenings and soft light.", False, False, False),
        ("They loved Harbour of Glass.", True, True, False),  # in the catalogue, not in the history
        ("They loved The Copper Orchard of Ages.", False, False, True),  # nowhere
        ('They loved "copper orchard nights" most.', False, False, True),
        ("They speak of Ada Lovelace often.", False, False, False),  # the user's own words
        ("They want quiet rain and calm.", False, True, False),  # plain words: no title written as a name
    ],
)
def test_three_detectors(text, hallucinated, invented, unknown):
    assert _found(DETECTOR.hallucinated_title, text) is hallucinated
    assert _found(DETECTOR.invented_name, text) is invented
    assert _found(DETECTOR.unknown_name, text) is unknown


def test_without_reviews_no_word_is_known_to_be_plain():
    assert DETECTOR.has_plain_words
    assert not NameDetector(SHOP, pl.Series([None, None], dtype=pl.String)).has_plain_words
    assert not NameDetector(SHOP, pl.Series([], dtype=pl.String)).has_plain_words


def test_each_text_is_held_against_its_own_evidence():
    texts = pl.DataFrame(
        {
            "text": ["They loved Harbour of Glass."] * 3,
            "evidence": ["Harbour of Glass. Films", HISTORY, ""],
            "background": [""] * 3,
        }
    )
    assert DETECTOR.hallucinated_title(texts).tolist() == [0, 1, 1]
    assert DETECTOR.invented_name(texts).tolist() == [0, 1, 1]
    assert DETECTOR.unknown_name(texts).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The Copper Orchard is theirs.", ["Copper Orchard"]),
        ("Calm. Big Rivers call them.", []),  # a capital after a full stop may be any word
        ("They like Lord of the Rings best.", ["Lord of the Rings"]),
        ("They like Mozart.", []),
        ("I'm sure They are", []),
        ('She said "a calm night" twice', ["a calm night"]),
        ("\u201cAmber Coast\u201d it is", ["Amber Coast"]),
        ("", []),
    ],
)
def test_what_is_written_as_a_name(text, found):
    assert names(text) == found
