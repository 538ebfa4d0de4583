"""Retrieval counts partners honestly, and finds the reasons that a planted world has."""

from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.retrieval import held_out_pairs, recalls
from pulse_pipeline.thought_space.training import train, untrained


@pytest.mark.parametrize(
    ("behaviours", "rationales", "found"),
    [
        (np.eye(4), np.eye(4), (1.0, 1.0)),
        (np.eye(4), np.roll(np.eye(4), 1, axis=0), (0.0, 1.0)),
        (np.ones((20, 2)), np.ones((20, 2)), (0.0, 0.0)),
    ],
    ids=["own", "another's", "all alike"],
)
def test_a_partner_counts_where_nothing_else_is_as_near(behaviours, rationales, found):
    told = recalls(behaviours.astype(np.float32), rationales.astype(np.float32))
    for way in ("behaviour_to_rationale", "rationale_to_behaviour"):
        assert (told[f"{way}@1"], told[f"{way}@10"]) == found


def test_users_find_their_own_reasons_and_not_anothers(plant):
    data = plant(n_users=300)
    model = train("films", [data], ThoughtSpaceConfig(device="cpu", epochs=2)).model
    behaviours, rationales = held_out_pairs(model, data)
    assert len(behaviours) == data.has_rationale.sum()
    chance = 10 / len(behaviours)
    own, another = recalls(behaviours, rationales), recalls(behaviours, np.roll(rationales, 1, axis=0))
    for way in ("behaviour_to_rationale@10", "rationale_to_behaviour@10"):
        assert own[way] > 5 * chance
        assert another[way] < 3 * chance


def test_nobody_who_was_not_told_is_asked(plant):
    data = plant()
    model = untrained([data], ThoughtSpaceConfig(device="cpu"))
    assert len(held_out_pairs(model, replace(data, rationales=None))[0]) == 0
