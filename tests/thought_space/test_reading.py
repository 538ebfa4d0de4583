from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.thought_space import reading
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.training import untrained
from pulse_pipeline.thought_space.validation import Validation

CONFIG = ThoughtSpaceConfig(device="cpu", flattenings=(0.0,))


def fitted(data):
    model = untrained([data], CONFIG)
    reading.fit(model, Validation(model, [data], CONFIG), CONFIG)
    return model


def drifting(data):
    """Each user walks from one item to its nearest neighbour, so only the latest item matters."""
    similar = data.item_vectors @ data.item_vectors.T
    rng = np.random.default_rng(0)
    walks = []
    for _ in data.user_ids:
        walk = [int(rng.integers(data.n_items))]
        while len(walk) < 8:
            appeal = similar[walk[-1]].copy()
            appeal[walk] = -np.inf
            walk.append(int(appeal.argmax()))
        walks.append(np.array(walk))
    return replace(data, sequences=walks)


def test_it_finds_that_only_the_latest_item_matters(plant):
    model = fitted(drifting(plant(n_users=200)))
    assert model.abroad.recency[1].exp().item() <= 0.7


def test_it_stays_with_the_plain_mean_where_order_says_nothing(plant):
    assert fitted(plant(n_users=200)).abroad.recency[1].item() == pytest.approx(0.0)


def test_home_starts_where_abroad_stays(plant):
    model = fitted(drifting(plant()))
    assert model.at_home.recency.tolist() == model.abroad.recency.tolist()
    assert not model.abroad.recency.requires_grad
    assert model.at_home.recency.requires_grad


def test_without_validation_items_nothing_departs(plant, resequence):
    model = fitted(resequence(plant(), [[0], [1, 2]][:1]))
    assert (model.abroad.recency == 0).all()
