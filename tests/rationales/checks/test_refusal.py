import pytest

from pulse_pipeline.rationales.checks.refusal import Refusal
from tests.rationales.checks.parsed import SENSIBLE, parsed, rejected


def test_praise_with_cannot_and_sorry_is_no_refusal():
    praise = [
        "I can't wait to read more.",
        "I cannot provide better praise than five stars",
        "Sorry to see it go.",
    ]
    assert not Refusal().rejects(parsed(SENSIBLE + praise[:1] + praise[2:])).any()


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I cannot tell why this person chose it.",
        "I’m sorry, but I can’t assist with that request.",
        "I am sorry but as an AI language model I have no preferences.",
        "As an AI language model, I do not have access to their reviews.",
        "As an artificial intelligence assistant I can only guess at what they like.",
        "I cannot provide a summary of this person's choices.",
        "Unfortunately, I am unable to determine what this person is looking for.",
        "I apologize, but there is not enough information in the list.",
        "I'm just a language model and hold no opinions on gift cards.",
    ],
)
def test_a_refusal_is_seen(text):
    assert rejected(Refusal(), text)
