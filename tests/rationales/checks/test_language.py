import pytest

from pulse_pipeline.errors import PulseError
from pulse_pipeline.rationales.checks.language import Language
from tests.rationales.checks.parsed import SENSIBLE, parsed, rejected

NAMES_AND_NUMBERS = [
    "Epson T220520 DURABrite Ultra Color Multi-Pack Ink Cartridges Standard-Capacity",
    "Hollister Gift Card, Fandango Gift Card, BJ's Restaurant Gift Card, Five Stars: awesome",
    "Noodlers Ink 3 Oz Blue-Black, 19021, Noodlers Ink 3 Oz Borealis Black",
]
ELSEWHERE = [
    "Die Person sucht ruhige Geschichten mit geduldigen, ehrlichen Figuren und schöner Sprache.",
    "Esta persona busca historias tranquilas con personajes honestos y pacientes.",
    "Cette personne cherche des histoires calmes avec des personnages honnêtes.",
    "这个人喜欢安静的故事，人物诚实而有耐心，语言优美。",
    "🍰🍰🍰🍰🍰🍰🍰🍰🌟❌❌❌❌❌❌",
]


def test_english_and_lists_of_names_pass():
    assert not Language("en").rejects(parsed(SENSIBLE + NAMES_AND_NUMBERS)).any()


@pytest.mark.parametrize("text", ELSEWHERE)
def test_another_language_is_seen(text):
    assert rejected(Language("en"), text)


def test_any_known_language_can_be_expected():
    check = Language("de")
    assert check.rejects(parsed([ELSEWHERE[0], SENSIBLE[0]])).to_list() == [False, True]


def test_an_unknown_language_says_what_to_write():
    with pytest.raises(PulseError, match="xx cannot be told; use one of ace, af"):
        Language("xx").rejects(parsed("short"))
