import numpy as np

from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker, shuffled
from pulse_pipeline.thought_space.training import untrained


def test_a_score_is_one_dot_product_an_item(plant):
    data = plant()
    model = untrained([data], ThoughtSpaceConfig(item_temperature=0.1))
    ranker = ThoughtSpaceRanker(model)
    users = np.array([3, 1])
    product = ranker.thoughts(data, users, "test") @ ranker.item_matrix(data).T / 0.1
    assert np.allclose(product, ranker.score(data, users, "test"), atol=1e-4)


def test_shuffling_moves_every_rationale_and_leaves_gaps(plant):
    vectors = plant().rationales.serving.copy()
    vectors[::3] = np.nan
    mixed = shuffled(vectors, seed=0)
    assert np.array_equal(np.isnan(vectors), np.isnan(mixed))
    there = ~np.isnan(vectors).any(axis=1)
    assert not (mixed[there] == vectors[there]).all(axis=1).any()
    assert sorted(mixed[there].tolist()) == sorted(vectors[there].tolist())
    assert np.array_equal(mixed, shuffled(vectors, seed=0), equal_nan=True)


def test_two_data_sets_are_not_confused(plant):
    model = untrained([plant()], ThoughtSpaceConfig())
    ranker = ThoughtSpaceRanker(model)
    first, second = plant(), plant(n_items=50, seed=4)
    assert ranker.score(first, np.arange(2), "valid").shape == (2, 80)
    assert ranker.score(second, np.arange(2), "valid").shape == (2, 50)


def test_a_user_without_history_scores_nothing(plant, resequence):
    data = resequence(plant(), [[4], [1, 2, 3]])
    model = untrained([data], ThoughtSpaceConfig())
    scores = ThoughtSpaceRanker(model).score(data, np.arange(2), "test")
    assert (scores[0] == 0).all()
    assert (scores[1] != 0).any()


def test_of_nobody_nothing_is_scored(plant):
    data = plant()
    ranker = ThoughtSpaceRanker(untrained([data], ThoughtSpaceConfig()))
    assert ranker.score(data, np.empty(0, np.int64), "test").shape == (0, data.n_items)


def test_one_user_alone_is_scored_as_among_others(plant):
    data = plant()
    ranker = ThoughtSpaceRanker(untrained([data], ThoughtSpaceConfig()))
    together = ranker.score(data, np.array([5, 2, 9]), "test")
    alone = ranker.score(data, np.array([2]), "test")
    assert np.allclose(alone, together[1:2], atol=1e-5)
