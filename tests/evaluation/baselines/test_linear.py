"""ItemKNN, EASE and iALS against what can be worked out without them; what counts as recent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulse_pipeline.evaluation.baselines.ease import EASE, EASEConfig, item_weights
from pulse_pipeline.evaluation.baselines.ials import IALS, IALSConfig
from pulse_pipeline.evaluation.baselines.item_knn import ItemKNN, ItemKNNConfig
from pulse_pipeline.evaluation.baselines.recency_text_knn import RecencyTextKNN, RecencyTextKNNConfig
from pulse_pipeline.evaluation.baselines.recent_popularity import RecentPopularity, RecentPopularityConfig
from pulse_pipeline.evaluation.baselines.text_knn import TextKNN
from pulse_pipeline.thought_space.matrices import history_matrix, training_matrix
from tests.evaluation.baselines.worlds import chance_world, domain, taste_world

# Training prefixes 0 1 2 · 0 1 · 1 2 1; the last two of each user are validation and test.
BY_HAND = domain([[0, 1, 2, 3, 3], [0, 1, 3, 3], [1, 2, 1, 3, 3]], 4)


def test_item_knn_by_hand() -> None:
    model = ItemKNN(ItemKNNConfig(neighbours=3, shrinkage=1)).fit(BY_HAND)
    # Users of each: 2, 3, 2, 0. Shared: 0-1 by two, 0-2 by one, 1-2 by two.
    root = np.sqrt(6)
    expected = [2 / (root + 1) + 1 / 3, 2 * 2 / (root + 1), 1 / 3 + 2 / (root + 1), 0]
    assert model.score(BY_HAND, np.array([0]), "valid")[0] == pytest.approx(expected, abs=1e-6)


def test_item_knn_counts_the_nearest_only() -> None:
    model = ItemKNN(ItemKNNConfig(neighbours=1, shrinkage=0)).fit(BY_HAND)
    # Of item 0 and of item 2 the nearest is 1, of item 1 it is 0, the earlier of two that are equally near.
    near = 2 / np.sqrt(6)
    assert model.score(BY_HAND, np.array([1]), "valid")[0] == pytest.approx([near, near, near, 0], abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 30.0, 500.0]))
def test_ease_is_the_closed_form(seed: int, l2: float) -> None:
    took = np.random.default_rng(seed).random((30, 9)) < 0.3
    gram = took.T.astype(np.float64) @ took
    inverse = np.linalg.inv(gram + l2 * np.eye(9))
    expected = np.eye(9) - inverse / np.diag(inverse)
    weights = item_weights(gram.astype(np.float32), l2)
    assert weights == pytest.approx(expected, abs=2e-5)
    assert not weights.diagonal().any()


def test_ease_minimises_its_objective() -> None:
    took = training_matrix(taste_world(0)).toarray().astype(np.float64)
    weights = item_weights((took.T @ took).astype(np.float32), 20.0).astype(np.float64)
    gradient = took.T @ (took @ weights - took) + 20.0 * weights
    assert gradient - np.diag(np.diag(gradient)) == pytest.approx(0, abs=1e-2)


def test_ease_leaves_out_rare_items_beyond_its_memory() -> None:
    data = domain([[0, 1, 2, 3, 3], [0, 1, 3, 3], [1, 0, 3, 3]], 4)
    scores = EASE(EASEConfig(max_items=2)).fit(data).score(data, np.array([0]), "valid")[0]
    assert scores[2] == scores[3] == 0
    assert (scores[:2] > 0).all()


def test_ials_solves_the_users_vector() -> None:
    data = taste_world(1)
    config = IALSConfig(factors=8, alpha=3.0, regularisation=2.0)
    model = IALS(config).fit(data)
    users = np.arange(5)
    items = model._model.item_factors.astype(np.float64)
    expected = []
    for history in history_matrix(data, users, "test").toarray():
        confidence = np.where(history > 0, 3.0, 1.0)
        normal = (items * confidence[:, None]).T @ items + 2.0 * np.eye(8)
        expected.append(items @ np.linalg.solve(normal, items.T @ (confidence * history)))
    assert model.score(data, users, "test") == pytest.approx(np.array(expected), abs=1e-3)


@pytest.mark.parametrize("model", [ItemKNN(), EASE(), IALS(IALSConfig(factors=8))])
def test_tastes_are_found(model: ItemKNN | EASE | IALS) -> None:
    data = taste_world(2)
    scores = model.fit(data).score(data, np.arange(120), "test")
    own = np.arange(120)[:, None] % 2 == np.arange(40) // 20
    assert scores[own].mean() > scores[~own].mean() + 1e-3


def test_recent_popularity_by_hand() -> None:
    model = RecentPopularity(RecentPopularityConfig(last=2)).fit(BY_HAND)
    assert model.score(BY_HAND, np.array([1]), "test").tolist() == [[1, 3, 2, 0]]


def test_decaying_text_knn_by_hand() -> None:
    vectors = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    data = domain([[0, 1, 2, 2, 2]], 3, vectors)
    scores = TextKNN(centred=False, decay=0.5).fit(data).score(data, np.array([0]), "valid")[0]
    assert scores == pytest.approx(np.array([1, 2, 4]) / np.sqrt(21))


def test_the_decay_is_chosen_on_validation() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 12)).astype(np.float32)
    near = np.argsort(-(vectors @ vectors.T), axis=1)
    # Whoever has whatever goes on with what reads like the last thing of all.
    sequences = []
    for _ in range(150):
        history = rng.permutation(200)[:5].tolist()
        history += [int(near[history[-1]][1])] * 2
        sequences.append(history)
    data = domain(sequences, 200, vectors)
    assert RecencyTextKNN().fit(data).decay < 0.7


def test_equal_decays_leave_the_mildest() -> None:
    data = chance_world(0, n_users=40)
    one_item = RecencyTextKNN(RecencyTextKNNConfig(last=1)).fit(data)
    assert one_item.decay == 1.0
    users = np.arange(40)
    plain = TextKNN(last=1).fit(data).score(data, users, "test")
    assert np.array_equal(one_item.score(data, users, "test"), plain)
