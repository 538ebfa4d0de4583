"""Items as text and thought side by side, and histories in which a low rating counts."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pulse_pipeline.thought_space import checkpoint, geometry, reading
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker, shuffled
from pulse_pipeline.thought_space.training import train, untrained
from pulse_pipeline.thought_space.validation import Validation
from tests.thought_space.conftest import planted, unit

CONFIG = ThoughtSpaceConfig(device="cpu", decays=(1.0,), flattenings=(0.0,))
USERS = np.arange(40)


def two_sided(**options):
    """Texts tell one half of what draws users, thoughts the other."""
    data = planted(n_users=200, n_items=150, rationale_noise=None, **options)
    appeal = data.item_vectors * np.linalg.norm(np.ones(24)) - 1
    first = np.arange(24) < 12
    texts, thoughts = (unit(appeal * half + 0.3) for half in (first, ~first))
    return replace(data, item_vectors=texts, item_thoughts=thoughts)


def fitted(data, config=CONFIG):
    model = untrained([data], config)
    reading.fit(model, Validation(model, [data], config), config)
    return model.eval()


def weighing(data, weight):
    model = untrained([data], CONFIG).eval()
    with torch.no_grad():
        model.abroad.item_thought.fill_(weight)
        model.at_home.item_thought.fill_(weight)
    return ThoughtSpaceRanker(model)


def knn(views, data):
    items = unit(np.concatenate(views, axis=1))
    means = np.stack([items[data.history(user, "test")[-10:]].mean(axis=0) for user in USERS])
    return unit(means) @ items.T / CONFIG.item_temperature


def centred(vectors):
    return geometry.centred(vectors, geometry.measure(vectors).centre)


def test_untrained_it_ranks_by_both_views_side_by_side():
    data = two_sided()
    texts, thoughts = centred(data.item_vectors), centred(data.item_thoughts)
    assert np.allclose(weighing(data, 0.0).score(data, USERS, "test"), knn([texts], data), atol=1e-3)
    expected = knn([texts, 0.5 * thoughts], data)
    assert np.allclose(weighing(data, 0.5).score(data, USERS, "test"), expected, atol=1e-3)
    elsewhere = replace(data, domain="elsewhere")
    assert np.allclose(weighing(data, 0.5).score(elsewhere, USERS, "test"), expected, atol=1e-3)


def test_an_item_without_a_thought_is_seen_by_its_text_in_both_views():
    data = two_sided()
    data.item_thoughts[::3] = np.nan
    thoughts = centred(data.item_thoughts)
    thoughts[::3] = centred(data.item_vectors)[::3]
    expected = knn([centred(data.item_vectors), 0.5 * thoughts], data)
    assert np.allclose(weighing(data, 0.5).score(data, USERS, "test"), expected, atol=1e-3)


def test_a_domain_without_thoughts_ranks_by_texts_alone():
    data = two_sided()
    for bare in (replace(data, item_thoughts=None), replace(data, item_thoughts=data.item_thoughts * np.nan)):
        scores = weighing(data, 0.5).score(bare, USERS, "test")
        assert np.allclose(scores, knn([centred(data.item_vectors)], data), atol=1e-3)


def test_left_out_thoughts_change_nothing():
    data, config = two_sided(), CONFIG.model_copy(update={"epochs": 2, "item_thought_weights": (0.0,)})
    one, other = (train("films", [d], config).model for d in (data, replace(data, item_thoughts=None)))
    assert one.views == 1
    scores = [ThoughtSpaceRanker(model).score(data, USERS, "test") for model in (one, other)]
    assert np.array_equal(*scores)


def test_thoughts_that_say_no_more_than_texts_leave_no_trace_in_training():
    data, config = two_sided(), CONFIG.model_copy(update={"epochs": 2})
    echoing, bare = (replace(data, item_thoughts=given) for given in (data.item_vectors, None))
    one, other = (train("films", [given], config).model for given in (echoing, bare))
    assert untrained([echoing], config).views == 2 and one.views == 1
    scores = [ThoughtSpaceRanker(model).score(echoing, USERS, "test") for model in (one, other)]
    assert np.array_equal(*scores)


def test_thoughts_that_tell_more_are_weighed_and_other_items_thoughts_are_not():
    data = two_sided()
    mixed = replace(data, item_thoughts=shuffled(data.item_thoughts, seed=0))
    own, none = fitted(data), fitted(replace(data, item_thoughts=None))
    assert own.abroad.item_thought >= 0.5
    assert fitted(mixed).abroad.item_thought < own.abroad.item_thought
    target = replace(two_sided(seed=9), domain="games")
    judged = [Validation(model, [target], CONFIG) for model in (own, none)]
    gains = [one.gains(abroad=True, rationales="none")[0].mean() for one in judged]
    assert gains[0] > 1.05 * gains[1]


def test_rationales_meet_both_views():
    data = replace(planted(), item_thoughts=planted().item_vectors[::-1].copy())
    model = fitted(data)
    with torch.no_grad():
        model.at_home.item_thought.fill_(1.0)
    vectors = torch.from_numpy(data.rationales.serving[:5])
    why = model.rationales(model.space(data), vectors, home=True)
    assert why.shape == (5, 48)
    assert torch.allclose(why[:, :24], why[:, 24:], atol=1e-5)


def test_a_model_of_two_views_is_kept_and_travels_to_a_model_of_one(tmp_path):
    data = two_sided()
    trained = train("films", [data], CONFIG.model_copy(update={"epochs": 2})).model
    checkpoint.save(tmp_path / "model", trained)
    loaded = checkpoint.load(tmp_path / "model")
    scores = [ThoughtSpaceRanker(model).score(data, USERS, "test") for model in (trained, loaded)]
    assert np.array_equal(*scores)
    one_view = ThoughtSpace(24, {"elsewhere": []}, CONFIG).eval()
    expected = knn([centred(data.item_vectors)], data)
    assert np.allclose(ThoughtSpaceRanker(one_view).score(data, USERS, "test"), expected, atol=1e-3)


def spiteful(data):
    """Every second item of a history was only tried, at random, and rated low."""
    rng = np.random.default_rng(0)
    sequences, disliked = [], []
    for sequence in data.sequences:
        others = rng.choice(np.setdiff1d(np.arange(data.n_items), sequence), len(sequence) - 2, replace=False)
        mixed = np.stack([others, sequence[:-2]], axis=1).ravel()
        sequences.append(np.concatenate([mixed, sequence[-2:]]))
        disliked.append(others)
    lengths = np.array([len(sequence) for sequence in sequences])
    return replace(
        data,
        sequences=sequences,
        disliked=disliked,
        n_train=lengths - 2,
        n_known=lengths - 1,
        rationales=None,
    )


def test_what_was_rated_low_is_not_taken_for_taste():
    data = spiteful(planted(n_users=200, n_items=150))
    model = fitted(data)
    assert model.abroad.dislike >= 0.5
    deaf = fitted(data, CONFIG.model_copy(update={"dislike_weights": (0.0,)}))
    gains = [Validation(one, [data], CONFIG).ndcg() for one in (model, deaf)]
    assert gains[0] > 1.1 * gains[1]


def test_a_disliked_item_counts_less_then_not_then_against():
    data = spiteful(planted())
    model = untrained([data], CONFIG).eval()
    history = torch.nn.functional.normalize(torch.randn(1, 2, 24), dim=-1)
    low = torch.tensor([[True, False]])
    found = []
    for value in (0.0, 1.0, 2.0):
        with torch.no_grad():
            model.abroad.dislike.fill_(value)
        found.append(model.behaviour(history, low, home=False)[0, 1])
    bad, good = history[0]
    expected = [torch.nn.functional.normalize(v, dim=0) for v in (good + bad, good, good - bad)]
    assert torch.allclose(torch.stack(found), torch.stack(expected), atol=1e-5)


def test_ratings_that_say_nothing_on_validation_are_not_trained_on_either():
    data = planted(n_users=200)
    noisy = replace(data, disliked=[sequence[:2] for sequence in data.sequences])
    config = CONFIG.model_copy(update={"epochs": 2, "dislike_weights": (0.0,)})
    one, other = (train("films", [d], config).model for d in (data, noisy))
    scores = [ThoughtSpaceRanker(model).score(noisy, USERS, "test") for model in (one, other)]
    assert np.array_equal(*scores)


@pytest.mark.parametrize("phase", ["valid", "test"])
def test_ratings_of_what_comes_later_are_not_read(phase):
    data = spiteful(planted())
    ahead = [np.append(low, data.target(user, phase)) for user, low in enumerate(data.disliked)]
    ranker = ThoughtSpaceRanker(fitted(data))
    scores = [ranker.score(d, USERS, phase) for d in (data, replace(data, disliked=ahead))]
    assert np.array_equal(*scores)
