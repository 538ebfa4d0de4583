"""Few-shot transfer: nested draws, the same test users, nothing learned from who was not drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.evaluation.few_shot import drawn_share, evaluate_few_shot, only_a_share
from pulse_pipeline.evaluation.in_domain import MODEL
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.learner import Learner
from tests.thought_space.conftest import planted

CONFIG = ThoughtSpaceConfig(epochs=2, attention_width=8, adapter_rank=4)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    # Trainings are compared to the last bit.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def target():
    return planted("games", seed=1)


@given(low=st.floats(0.01, 1.0), high=st.floats(0.01, 1.0))
def test_a_smaller_share_lies_within_a_larger_one(target, low, high):
    low, high = sorted((low, high))
    small, large = drawn_share(target, low), drawn_share(target, high)
    assert set(small) <= set(large)
    assert len(small) == np.ceil(low * len(target.user_ids))


def test_who_is_drawn_depends_on_ids_alone(target):
    turned = replace(target, user_ids=target.user_ids[::-1])
    drawn = {target.user_ids[user] for user in drawn_share(target, 0.1)}
    assert {turned.user_ids[user] for user in drawn_share(turned, 0.1)} == drawn


def test_test_users_and_what_they_are_served_by_stay(target):
    known = only_a_share(target, 0.1)
    users = target.evaluated_users("test")
    assert np.array_equal(known.evaluated_users("test"), users)
    for user in users:
        assert np.array_equal(known.history(user, "test"), target.history(user, "test"))
        assert known.target(user, "test") == target.target(user, "test")


def test_who_was_not_drawn_is_neither_learned_from_nor_validated_on(target):
    known = only_a_share(target, 0.1)
    drawn = drawn_share(target, 0.1)
    others = np.setdiff1d(np.arange(len(target.user_ids)), drawn)
    assert np.array_equal(known.evaluated_users("valid"), drawn)
    assert not known.n_train[others].any()
    assert known.rationales is not None
    for vectors in (known.rationales.serving, known.rationales.training, known.rationales.hindsight):
        assert np.isnan(vectors[others]).all()
        assert not np.isnan(vectors[drawn]).any()


def test_figures_do_not_depend_on_what_was_training_of_others(target):
    sources = [planted("films", seed=2, rationale_noise=None)]
    target = replace(target, rationales=None)
    drawn = drawn_share(target, 0.1)
    # The others' early items are other ones, so that whoever learned from them would learn otherwise.
    rng = np.random.default_rng(0)
    changed = [
        items if user in drawn else np.concatenate([rng.integers(0, target.n_items, 5), items[5:]])
        for user, items in enumerate(target.sequences)
    ]
    worlds = (target, replace(target, sequences=changed))
    found = [evaluate_few_shot(sources, one, CONFIG, source_mix="films", shares=(0.1,)) for one in worlds]
    for one, other in zip(*found, strict=True):
        assert np.array_equal(one.ranks.ranks[drawn], other.ranks.ranks[drawn])


def test_rows_name_the_share_they_learned_from(target):
    sources = [planted("films", seed=2)]
    found = evaluate_few_shot(sources, target, CONFIG, source_mix="all-but-games", shares=(0.01, 0.1))
    named = [(one.metrics["model"][0], one.metrics["train_mix"][0]) for one in found]
    assert named == [
        ("text-kNN centred", None),
        ("popularity", "1% of games"),
        ("Markov+KNN", "1% of games"),
        (MODEL, "all-but-games+1%"),
        ("popularity", "10% of games"),
        ("Markov+KNN", "10% of games"),
        (MODEL, "all-but-games+10%"),
    ]
    own = found[-1].metrics.filter(slice="all", metric="NDCG", k=10)
    assert own["p_value_vs_best_baseline"].is_not_null().all()


def test_a_training_that_was_finished_is_not_trained_again(target, tmp_path, monkeypatch):
    sources = [planted("films", seed=2)]

    def evaluated():
        return evaluate_few_shot(
            sources, target, CONFIG, source_mix="films", shares=(0.1,), states=tmp_path / "states"
        )

    first = evaluated()
    assert [path.name for path in (tmp_path / "states").iterdir()] == ["loo.0.1.safetensors"]
    monkeypatch.setattr(Learner, "epoch", None)
    for one, again in zip(first, evaluated(), strict=True):
        assert np.array_equal(one.ranks.ranks, again.ranks.ranks)
