"""Settings are searched on validation items, for transfer on a domain that is not trained on."""

from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.thought_space import search as module
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.search import SPACE, search
from pulse_pipeline.thought_space.training import train
from pulse_pipeline.thought_space.validation import Validation
from pulse_pipeline.tuning import Budget

CONFIG = ThoughtSpaceConfig(device="cpu", epochs=1, batch_size=64, attention_width=16)
FEW = {"learning_rate": (1e-3, 1e-2), "recency_window": (2, 10)}


def test_every_searched_value_is_allowed_and_one_of_them_is_the_default():
    for field, values in SPACE.items():
        assert getattr(ThoughtSpaceConfig(), field) in values
        for value in values:
            ThoughtSpaceConfig.model_validate({field: value})


def test_the_log_says_what_each_trial_was_worth(plant):
    data = plant()
    tuned = search("films", [data], CONFIG, Budget(trials=9), space=FEW)
    assert len(tuned.log) == 4
    model = train("films", [data], tuned.config).model
    assert Validation(model, [data], tuned.config).ndcg() == pytest.approx(tuned.log["value"].max())


def test_test_items_choose_nothing(plant):
    data = plant()
    rng = np.random.default_rng(0)
    altered = replace(
        data, sequences=[np.append(items[:-1], rng.integers(data.n_items)) for items in data.sequences]
    )
    one, other = (search("films", [d], CONFIG, Budget(trials=3), space=FEW) for d in (data, altered))
    assert one.log.drop("seconds").equals(other.log.drop("seconds"))


def test_a_trial_begins_no_epoch_when_time_is_over(plant):
    data = plant()
    long = CONFIG.model_copy(update={"epochs": 50, "patience": 50})
    cut = search("films", [data], long, Budget(trials=1, max_seconds=1e-3), space=FEW)
    before_any_gradient = train("films", [data], CONFIG.model_copy(update={"epochs": 0})).model
    assert cut.log["value"].to_list() == [Validation(before_any_gradient, [data], CONFIG).ndcg()]


def test_the_held_out_domain_judges_and_is_not_trained_on(plant, monkeypatch):
    trained, domains = [], [plant(), plant("books", seed=5), plant("games", seed=9)]

    def noted(mix, members, config, *, judges, **budget):
        trained.append(([data.domain for data in members], [data.domain for data in judges]))
        return train(mix, members, config, judges=judges, **budget)

    monkeypatch.setattr(module, "train", noted)
    tuned = search("all", domains, CONFIG, Budget(trials=1), held_out="games", space=FEW)
    assert trained == [(["films", "books"], ["games"])]
    model = train("all", domains[:2], CONFIG, judges=domains[2:]).model
    assert tuned.log["value"][0] == Validation(model, [domains[2]], CONFIG).ndcg()
