import pytest

from pulse_pipeline.rationales.checks.repetition import Repetition
from tests.rationales.checks.parsed import SENSIBLE, parsed, rejected


def test_sensible_rationales_do_not_loop():
    lists = [
        "Chili's Gift Card: great for small gifts. It was a good gift with a fun card to send it in.",
        "They want a pen that writes well, a pen that lasts and a pen that looks good.",
    ]
    assert not Repetition().rejects(parsed(SENSIBLE + lists)).any()


@pytest.mark.parametrize(
    "text",
    [
        "Five Stars: What's not to love, 5 Stars: What's not to love, 5 Stars: What's not to love",
        "The person chose the newest model of the newest model of the newest model of all",
        "It's a gift card for the stylish girl, it's a gift card for the stylish girl, it's a gift card for",
        "love it, love it, love it, love it, love it",
    ],
)
def test_a_loop_is_seen(text):
    assert rejected(Repetition(), text)
