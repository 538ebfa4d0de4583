import pytest

from pulse_pipeline.rationales.checks.length import Length
from tests.rationales.checks.parsed import SENSIBLE, parsed, rejected


def test_sensible_rationales_are_long_enough():
    assert not Length().rejects(parsed(SENSIBLE)).any()


def test_scripts_without_spaces_are_counted_by_their_signs():
    assert not rejected(Length(), "他们喜欢安静的故事，因为人物真实而且结局温暖。")
    assert rejected(Length(), "很好很好很好。")


@pytest.mark.parametrize(
    "text", ["", "great Great GREAT great great", "a b c d e f g h", "Love it, love it: fun"]
)
def test_few_different_words_say_nothing(text):
    assert rejected(Length(), text)
