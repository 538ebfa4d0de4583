import pytest

from pulse_pipeline.rationales.checks.length import Length
from tests.rationales.checks.parsed import SENSIBLE, parsed, rejected


def test_sensible_rationales_are_long_enough():
    assert not Length().rejects(parsed(SENSIBLE)).any()


@pytest.mark.parametrize(
    "text", ["", "great Great GREAT great great", "a b c d e f g h", "Love it, love it: fun"]
)
def test_few_different_words_say_nothing(text):
    assert rejected(Length(), text)
