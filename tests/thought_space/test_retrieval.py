"""Retrieval counts partners honestly, and finds the reasons that a planted world has."""

from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.thought_space import retrieval
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.retrieval import later_pairs, recalls
from pulse_pipeline.thought_space.training import train, untrained
from tests.thought_space.conftest import planted


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


@pytest.fixture(scope="module")
def told():
    data = planted(n_users=300)
    return train("films", [data], ThoughtSpaceConfig(device="cpu", epochs=2)).model, data


def test_users_find_their_own_reasons_and_not_anothers(told):
    behaviours, rationales = later_pairs(*told)
    assert len(behaviours) == told[1].has_rationale.sum()
    chance = 10 / len(behaviours)
    own, another = recalls(behaviours, rationales), recalls(behaviours, np.roll(rationales, 1, axis=0))
    for way in ("behaviour_to_rationale@10", "rationale_to_behaviour@10"):
        assert own[way] > 5 * chance
        assert another[way] < 3 * chance


def test_what_was_trained_on_and_what_comes_later_play_no_part(told):
    model, data = told
    nothing = np.full_like(data.rationales.training, np.nan)
    changed = replace(
        data,
        rationales=replace(data.rationales, training=nothing, hindsight=nothing),
        sequences=[
            np.concatenate([items[:n], items[n:][::-1]])
            for items, n in zip(data.sequences, data.n_train, strict=True)
        ],
    )
    for one, other in zip(later_pairs(model, data), later_pairs(model, changed), strict=True):
        assert np.array_equal(one, other)
    fewer = replace(data, n_train=data.n_train - 1)
    assert not np.array_equal(later_pairs(model, data)[0], later_pairs(model, fewer)[0])


def test_of_many_users_some_are_drawn(told, monkeypatch):
    monkeypatch.setattr(retrieval, "MOST_PAIRS", 20)
    assert [len(side) for side in later_pairs(*told)] == [20, 20]


def test_nobody_who_was_not_told_is_asked(plant):
    data = plant()
    model = untrained([data], ThoughtSpaceConfig(device="cpu"))
    assert len(later_pairs(model, replace(data, rationales=None))[0]) == 0
