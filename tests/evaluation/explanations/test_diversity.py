import numpy as np
import pytest

from pulse_pipeline.evaluation.explanations.diversity import (
    distinct_2,
    duplicates,
    newest_items,
    pairwise_distance,
    specificity,
    told_and_chosen,
)
from tests.evaluation.explanations.worlds import spoken_of, with_rationales
from tests.thought_space.conftest import unit


def test_distance_is_the_mean_over_all_pairs():
    vectors = unit(np.random.default_rng(0).normal(size=(7, 5)))
    cosines = vectors @ vectors.T
    pairs = [1 - cosines[i, j] for i in range(7) for j in range(7) if i != j]
    assert pairwise_distance(vectors).mean() == pytest.approx(np.mean(pairs), abs=1e-6)
    assert pairwise_distance(np.tile(vectors[:1], (4, 1))) == pytest.approx(0, abs=1e-6)


def test_rationales_about_their_user_are_specific():
    told, chosen = told_and_chosen(spoken_of())
    assert specificity(told, chosen).mean() > 0.8


def test_rationales_about_nobody_are_at_chance():
    served = spoken_of(n_users=400)
    noise = np.random.default_rng(0).normal(size=served.data.rationales.serving.shape)
    found = specificity(*told_and_chosen(with_rationales(served, noise)))
    assert found.mean() == pytest.approx(0.5, abs=0.05)


def test_one_text_for_all_is_at_chance_exactly():
    vectors = unit(np.random.default_rng(0).normal(size=(5, 3)))
    same = np.zeros_like(vectors)
    assert specificity(same, vectors) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        (["red hat", "blue hat"], 1.0),
        (["red hat", "Red, hat!"], 0.5),
        (["red hat", "hat"], 1.0),
        (["hat"], 0.0),
        ([], 0.0),
    ],
)
def test_distinct_2_counts_word_pairs(texts, share):
    assert distinct_2(texts) == pytest.approx(share)


def test_duplicates_are_counted_on_all_sides():
    assert duplicates(["a", "b", "a", "c"]).tolist() == [1, 0, 1, 0]


def test_the_newest_item_is_a_training_item():
    served = spoken_of(n_users=3)
    newest = [sequence[-3] for sequence in served.data.sequences]
    assert np.array_equal(newest_items(served), served.data.item_vectors[newest])
