import numpy as np
import polars as pl
import pytest

from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.scorers.frozen_encoder import FrozenEncoderScorer
from pulse_pipeline.thought_space.scorers.thought_space import ThoughtSpaceScorer
from pulse_pipeline.thought_space.training import untrained

USERS = 30


class TasteEncoder:
    """Turns the text "item N" into the vector of item N."""

    def __init__(self, data):
        self._data = data

    def encode(self, texts):
        return self._data.item_vectors[[int(text.split()[1]) for text in texts]]


def _chains(data, item_of):
    cut = int(data.n_train[0])
    return pl.DataFrame(
        {
            "user_id": data.user_ids[:USERS],
            "target_position": [cut - 1] * USERS,
            "text": [f"item {item_of(user, cut)}" for user in range(USERS)],
        },
        schema_overrides={"target_position": pl.Int32},
    )


@pytest.fixture
def data(plant):
    return plant()


@pytest.fixture
def makers(data):
    model, encoder = untrained([data], ThoughtSpaceConfig()), TasteEncoder(data)
    return {
        "thought space": lambda: ThoughtSpaceScorer(model, data, encoder),
        "frozen encoder": lambda: FrozenEncoderScorer(data, encoder),
    }


@pytest.mark.parametrize("name", ["thought space", "frozen encoder"])
def test_thoughts_about_the_own_history_beat_those_about_anothers(data, makers, name):
    scorer = makers[name]()
    own = scorer(_chains(data, lambda user, cut: data.sequences[user][cut - 2])).to_numpy()
    others = scorer(_chains(data, lambda user, cut: data.sequences[(user + 1) % USERS][cut - 2])).to_numpy()
    assert (own > others).mean() > 0.7
    assert own.mean() > others.mean() + 0.1
    assert np.isfinite(own).all()
    assert (np.abs(own) <= 1.001).all()


@pytest.mark.parametrize("name", ["thought space", "frozen encoder"])
def test_the_item_at_the_cut_is_not_looked_at(data, makers, name):
    chains = _chains(data, lambda user, cut: data.sequences[user][cut - 2])
    before = makers[name]()(chains).to_numpy()
    for user in range(USERS):
        data.sequences[user][int(data.n_train[0]) - 1] = 0
    assert np.allclose(before, makers[name]()(chains).to_numpy(), atol=1e-6)
