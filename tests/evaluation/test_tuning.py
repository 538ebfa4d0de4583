"""The tuner: equal budgets, the best on validation, nothing from test items."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.evaluation.baselines.config import BaselineConfig
from pulse_pipeline.evaluation.baselines.suite import CHEAP, SUITE
from pulse_pipeline.evaluation.tuning import Budget, tune, tune_baseline
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.tuning import LOG_SCHEMA, proposals
from tests.evaluation.baselines.worlds import chance_world, taste_world


class Shape(BaselineConfig):
    share: float = 0.0
    spare: int = 1


class Oracle:
    """Finds the validation target of a share of the users."""

    name = "oracle"

    def __init__(self, share: float) -> None:
        self.share = share

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        scores = np.zeros((len(users), data.n_items), dtype=np.float32)
        for row, user in enumerate(users):
            scores[row, data.target(user, phase)] = (user % 10) < self.share * 10
        return scores


def oracle(config: Shape, seconds: float) -> Oracle:
    return Oracle(config.share)


SEARCH = {"share": (0.1, 0.5, 0.9), "spare": (1, 2)}


def test_the_best_on_validation_is_kept_and_all_trials_are_logged() -> None:
    data = chance_world(0, n_users=50)
    tuned = tune("oracle", data, Shape(), oracle, search=SEARCH, budget=Budget(trials=7))
    assert tuned.config.share == 0.9
    assert tuned.log.columns == list(LOG_SCHEMA)
    assert tuned.log["trial"].to_list() == list(range(7))
    assert tuned.log["value"].max() == pytest.approx(0.9)
    assert json.loads(tuned.log["params"][0]) == {}
    assert tuned.log["model"].unique().to_list() == ["oracle"]


def test_the_tried_settings_are_seeded_distinct_and_no_more_than_there_are() -> None:
    tried = list(proposals(Shape(share=0.1), SEARCH, Budget(trials=100)))
    assert len(tried) == 1 + 6 - 1  # the defaults, and what is not the defaults
    assert len({json.dumps(change) for change in tried}) == len(tried)
    few = list(proposals(Shape(share=0.1), SEARCH, Budget(trials=3)))
    assert few == tried[:3]
    assert list(proposals(Shape(), {}, Budget(trials=5))) == [{}]
    other = list(proposals(Shape(share=0.1), SEARCH, Budget(trials=100, seed=1)))
    assert other != tried


def test_no_trial_begins_when_time_is_up() -> None:
    data = chance_world(0, n_users=50)
    spent = Budget(trials=5, max_seconds=1e-6)
    assert len(tune("oracle", data, Shape(), oracle, search=SEARCH, budget=spent).log) == 1


def test_a_failed_trial_has_no_value() -> None:
    def fail(config: Shape, seconds: float) -> Oracle:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        tune("broken", chance_world(0, n_users=50), Shape(), fail, search=SEARCH, budget=Budget(trials=2))


@pytest.mark.parametrize("name", [name for name in CHEAP if SUITE[name].config.search])
def test_test_items_choose_no_settings(name: str) -> None:
    data = taste_world(0)
    rng = np.random.default_rng(0)
    sequences = [np.append(sequence[:-1], rng.integers(0, data.n_items)) for sequence in data.sequences]
    budget = Budget(trials=4)
    one = tune_baseline(name, data, budget)
    other = tune_baseline(name, replace(data, sequences=sequences), budget)
    assert one.config == other.config
    assert one.log.drop("seconds").equals(other.log.drop("seconds"))
