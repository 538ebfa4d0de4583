import pytest

from pulse_pipeline.rationales.checks.prompt_copy import PromptCopy
from pulse_pipeline.rationales.spec import RationaleSettings
from tests.rationales.checks.parsed import SENSIBLE, parsed, rejected

SETTINGS = RationaleSettings()


@pytest.mark.parametrize("kind", ["foresight", "hindsight"])
def test_sensible_rationales_are_no_copies(kind):
    near = ["It has the qualities that they care about most: price and speed."]
    assert not PromptCopy(SETTINGS.spec(kind)).rejects(parsed(SENSIBLE + near)).any()


@pytest.mark.parametrize(
    "text",
    [
        "Say what this person looks for and why, they like pens",
        "NAME the qualities they care about - using the words they know",
        "What a person chose, newest first: pens and paper of all kinds",
        "The person chose the newest first, as they are loyal to friends.",
        "In plain words why a person chooses things is that they are good",
        "{{reviews}}} The person likes slow and careful stories",
        "Gift card in a tin, rated 5. They wrote: 'a lovely present'",
    ],
)
def test_our_own_words_are_seen(text):
    assert rejected(PromptCopy(SETTINGS.spec("foresight")), text)


def test_the_words_are_those_of_the_spec():
    spec = RationaleSettings(
        foresight="The following seven goods were bought by someone lately:\n{history}\nWhy?",
        system="Be brief.",
    ).spec("foresight")
    check = PromptCopy(spec)
    assert rejected(check, "The following seven goods were bought by someone lately and loved")
    assert not rejected(check, "Say what this person looks for and why, they like pens")


def test_a_prompt_of_few_words_has_nothing_to_copy():
    check = PromptCopy(RationaleSettings(foresight="{history}", system="").spec("foresight"))
    assert check.rejects(parsed([*SENSIBLE, "{oops}"])).to_list() == [False] * len(SENSIBLE) + [True]
