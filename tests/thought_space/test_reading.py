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


def served(domains, bias=1.0, **settings):
    """A model whose gate lets rationales in whatever they say, with what validation makes of it."""
    config = CONFIG.model_copy(update=settings)
    model = untrained(domains, config)
    torch.nn.init.constant_(model.gate.out.bias, bias)
    reading.serve_at_home(model, Validation(model, domains, config, told=True), config)
    foreign = [replace(data, domain=f"abroad {data.domain}") for data in domains]
    reading.serve_abroad(model, Validation(model, foreign, config, told=True), config)
    return model


def weights(model):
    at_home = {domain: float(model.serving_weight(domain, home=True)) for domain in model.catalogues}
    return at_home | {"abroad": float(model.rationale_serving_weight)}


def test_a_rationale_that_tells_is_served(plant):
    assert all(weights(served([plant(n_users=300)])).values())


def test_a_rationale_that_tells_nothing_is_not_served(plant):
    found = [weights(served([plant(n_users=300, seed=seed, rationale_noise=50.0)])) for seed in range(5)]
    assert sum(one["films"] for one in found) == 0
    assert sum(one["abroad"] for one in found) == 0


def test_a_gain_within_two_standard_errors_is_not_served():
    def gains(errors):
        apart = np.random.default_rng(0).normal(size=400).astype(np.float32)
        apart = (apart - apart.mean()) / apart.std()  # a mean of 1/20 is one standard error
        return [[np.zeros(400, np.float32)], [apart + np.float32(errors / 20)]]

    for errors, place in ((-1.0, 0), (0.5, 0), (1.9, 0), (2.1, 1)):
        assert reading._mildest(gains(errors), paired=True, errors=2) == place


def test_each_home_has_its_own_weight(plant):
    telling = plant("films", n_users=300)
    empty = plant("books", n_users=300, seed=1, rationale_noise=50.0)
    silent = replace(plant("games", seed=2), rationales=None)
    found = weights(served([telling, empty, silent]))
    assert found["films"] > 0
    assert found["books"] == found["games"] == 0


def test_only_those_who_have_a_rationale_are_asked(plant):
    data = plant(n_users=400)
    few = data.rationales.serving.copy()
    few[40:] = np.nan
    data = replace(data, rationales=replace(data.rationales, serving=few))
    asked = Validation(untrained([data], CONFIG), [data], CONFIG.model_copy(update={"validation_users": 30}))
    assert len(asked.gains(abroad=False, rationales="own")[0]) == 30
    assert weights(served([data], validation_users=40))["films"] > 0


def test_too_few_say_nothing(plant):
    data = plant(n_users=400)
    few = data.rationales.serving.copy()
    few[reading.FEWEST - 1 :] = np.nan
    data = replace(data, rationales=replace(data.rationales, serving=few))
    assert not any(weights(served([data])).values())
    assert not any(weights(served([replace(data, n_known=data.n_train)])).values())


def test_abroad_knows_no_rationales_of_the_target(plant):
    data = plant(n_users=300)
    other = plant("books", n_users=300, seed=3)
    model = untrained([data, other], CONFIG)
    at_home, abroad = (model.space(one) for one in (data, replace(data, domain="abroad films")))
    assert not torch.allclose(at_home.rationale_centre, abroad.rationale_centre, atol=1e-2)


def test_what_is_not_served_ranks_as_without_and_can_be_asked_for_in_full(plant):
    data, users = plant(), np.arange(30)
    model = served([data], rationale_serving_weights=(0.0,))

    def scores(model, **how):
        return ThoughtSpaceRanker(model, **how).score(data, users, "test")

    own, none = scores(model), scores(model, rationales="none")
    in_full, shuffled = (scores(model, rationales=use, in_full=True) for use in ("own", "shuffled"))
    assert np.array_equal(own, none)
    assert not np.allclose(in_full, none, atol=1e-2)
    assert not np.allclose(in_full, shuffled, atol=1e-2)
    assert np.array_equal(scores(served([data], rationale_serving_weights=(1.0,))), in_full)
    half = scores(served([data], rationale_serving_weights=(0.5,)))
    assert not np.allclose(half, in_full, atol=1e-2)
    assert not np.allclose(half, none, atol=1e-2)


def test_epochs_are_judged_as_they_are_served(plant):
    data = plant(n_users=300, rationale_noise=50.0)

    def history(weights):
        settings = {"epochs": 3, "rationale_serving_weights": weights}
        return train("films", [data], CONFIG.model_copy(update=settings)).history

    refused, chosen, whole = (history(weights) for weights in ((0.0,), (0.0, 0.5, 1.0), (1.0,)))
    assert refused["next_item"].to_list() == whole["next_item"].to_list()  # learned from all the same
    assert chosen["val_ndcg@10"].to_list() == refused["val_ndcg@10"].to_list()
    assert whole["val_ndcg@10"].to_list() != refused["val_ndcg@10"].to_list()
