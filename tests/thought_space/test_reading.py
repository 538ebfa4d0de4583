from dataclasses import replace

import numpy as np
import pytest
import torch

from pulse_pipeline.thought_space import reading
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train, untrained
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


def open_gate(data, **settings):
    """A model whose gate lets rationales in whatever they say, with what validation makes of it."""
    config = CONFIG.model_copy(update=settings)
    model = untrained([data], config)
    torch.nn.init.constant_(model.gate.out.bias, 1.0)
    reading.fit_rationales(model, Validation(model, [data], config), config)
    return model


def test_a_rationale_that_tells_is_served(plant):
    model = open_gate(plant(n_users=300))
    assert float(model.at_home.rationale) > 0
    assert float(model.abroad.rationale) > 0


def test_a_rationale_that_tells_nothing_is_not_served(plant):
    served = [
        float(read.rationale)
        for seed in range(5)
        for model in [open_gate(plant(n_users=300, seed=seed, rationale_noise=50.0))]
        for read in (model.at_home, model.abroad)
    ]
    assert served.count(0.0) >= 9


def test_what_is_not_served_ranks_as_without_and_can_be_asked_for_in_full(plant):
    data, users = plant(), np.arange(30)
    model = open_gate(data, rationale_serving_weights=(0.0,))
    own, none, full = (
        ThoughtSpaceRanker(model, rationales=use).score(data, users, "test")
        for use in ("own", "none", "in full")
    )
    assert np.array_equal(own, none)
    assert not np.allclose(full, none, atol=1e-2)
    whole = ThoughtSpaceRanker(open_gate(data, rationale_serving_weights=(1.0,)))
    assert np.array_equal(whole.score(data, users, "test"), full)


def test_rationales_are_trained_on_in_full_and_weighed_afterwards(plant):
    data = plant(n_users=300)
    weighed, whole = (
        train("films", [data], CONFIG.model_copy(update={"epochs": 2, "rationale_serving_weights": weights}))
        for weights in ((0.0,), (1.0,))
    )
    assert float(weighed.model.at_home.rationale) == float(weighed.model.abroad.rationale) == 0
    assert weighed.history.drop("seconds").equals(whole.history.drop("seconds"))


def test_without_rationales_there_is_nothing_to_weigh(plant):
    model = open_gate(replace(plant(), rationales=None))
    assert float(model.at_home.rationale) == float(model.abroad.rationale) == 1
