from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.evaluation.bootstrap import paired_difference
from pulse_pipeline.evaluation.explanations.fidelity import FEWEST_USERS, fidelity
from tests.evaluation.explanations.worlds import LinearRanker, spoken_of, with_rationales


@pytest.fixture(scope="module")
def world():
    return spoken_of()


def _noise(served, seed=1):
    return np.random.default_rng(seed).normal(size=served.data.rationales.serving.shape)


def test_scores_that_are_linear_in_the_rationale_are_predicted(world):
    found = fidelity(LinearRanker(world.data.rationales.serving), world)
    assert 1 - found.own.mean() > 0.9
    assert 1 - found.shuffled.mean() < 0.1
    assert paired_difference(found.shuffled, found.own).low > 0.5


@pytest.mark.parametrize("seed", range(3))
def test_a_ranker_that_ignores_rationales_is_not_explained_by_them(world, seed):
    found = fidelity(LinearRanker(_noise(world, seed)), world)
    assert 1 - found.own.mean() < 0.05
    assert paired_difference(found.shuffled, found.own).value == pytest.approx(0, abs=0.01)


def test_rationales_of_noise_explain_nothing(world):
    found = fidelity(LinearRanker(world.data.rationales.serving), with_rationales(world, _noise(world)))
    assert 1 - found.own.mean() < 0.05


class Favourite:
    """Scores items alike for everybody."""

    name = "favourite"

    def score(self, data, users, phase):
        return np.tile(data.item_vectors @ data.item_vectors[0], (len(users), 1))


def test_a_score_of_the_item_alone_is_predicted_by_either(world):
    found = fidelity(Favourite(), world)
    assert 1 - found.own.mean() > 0.95
    assert 1 - found.shuffled.mean() > 0.95


def test_one_text_for_everybody_teaches_nothing_about_others(world):
    same = replace(world, texts=["They like things."] * len(world.users))
    assert fidelity(LinearRanker(_noise(world)), same) is None


def test_too_few_users_are_no_sample(world):
    assert fidelity(LinearRanker(_noise(world)), world.sample(FEWEST_USERS - 1)) is None


def test_the_same_seed_gives_the_same_errors(world):
    ranker = LinearRanker(world.data.rationales.serving)
    first, second = fidelity(ranker, world, seed=3), fidelity(ranker, world, seed=3)
    assert np.array_equal(first.own, second.own)
    assert np.array_equal(first.shuffled, second.shuffled)
