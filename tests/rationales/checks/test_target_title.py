import pytest

from pulse_pipeline.rationales.checks.target_title import TargetTitle
from tests.rationales.checks.parsed import SENSIBLE, parsed, rejected

SECRETS = ["the last game: part two", "zelda"]


def test_reasons_with_a_mask_pass():
    masked = [
        "They chose it because it is calm, and it has the slow battles that they praise.",
        "The it it features durable construction made to withstand abuse.",
    ]
    assert not TargetTitle().rejects(parsed(SENSIBLE + masked, secrets=SECRETS)).any()


@pytest.mark.parametrize(
    "text", ["it it it it", "it: it and it, it", "They love The Last Game, Part Two, for its end"]
)
def test_nothing_but_masks_and_a_title_in_other_punctuation_are_seen(text):
    assert rejected(TargetTitle(), text, secrets=SECRETS)


def test_without_a_target_nothing_is_named():
    assert not TargetTitle().rejects(parsed(["it it it it", *SENSIBLE])).any()
