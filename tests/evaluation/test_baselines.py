"""Baselines on toy domains whose answer can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.evaluation.baselines.markov_knn import MarkovKNN
from pulse_pipeline.evaluation.baselines.popularity import Popularity
from pulse_pipeline.evaluation.baselines.text_knn import NO_TEXT, TextKNN
from pulse_pipeline.evaluation.ranking import Ranker, user_ranks
from pulse_pipeline.thought_space.data import DomainData, FloatArray

FITTED = [Popularity, MarkovKNN, TextKNN]


def domain(sequences: list[list[int]], vectors: FloatArray) -> DomainData:
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    return DomainData(
        domain="toy",
        protocol="loo",
        user_ids=[str(user) for user in range(len(sequences))],
        item_ids=[str(item) for item in range(len(vectors))],
        item_vectors=vectors,
        sequences=[np.array(sequence, dtype=np.int64) for sequence in sequences],
        n_train=lengths - 2,
        n_known=lengths - 1,
    )


def test_popularity_counts_training_interactions() -> None:
    data = domain([[0, 1, 2, 3], [0, 2, 2, 3], [0, 1, 3, 3]], np.eye(4, dtype=np.float32))
    scores = Popularity().fit(data).score(data, np.array([0, 2]), "test")
    assert scores.tolist() == [[3, 2, 1, 0]] * 2


def test_markov_knn_by_hand() -> None:
    # Training prefixes 0 1 2 and 1 2; the last two items of each user are validation and test.
    data = domain([[0, 1, 2, 0, 3], [1, 2, 3, 3]], np.eye(4, dtype=np.float32))
    model = MarkovKNN().fit(data)
    row_0 = np.array([0, 1, 0.5, 0]) / 1.5
    row_1 = np.array([0, 0, 1, 0])
    cosine = np.array([[0, 1, 1, 0], [1, 0, 2, 0], [1, 2, 0, 0], [0, 0, 0, 0]]) / np.sqrt(
        np.outer([1, 2, 2, 1], [1, 2, 2, 1])
    )
    links = np.stack([row_0, row_1, np.zeros(4), np.zeros(4)]) + 0.2 * cosine
    expected = links[0] + 0.5 * links[2] + 0.25 * links[1]  # history 0 1 2 0: newest 0, then 2, then 1
    assert model.score(data, np.array([0]), "test")[0] == pytest.approx(expected, abs=1e-6)


def test_text_knn_prefers_what_reads_like_the_history() -> None:
    vectors = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9], [0.5, 0.5]], dtype=np.float32)
    data = domain([[0, 1, 3], [2, 3, 1]], vectors)
    for centred in (False, True):
        scores = TextKNN(centred=centred).fit(data).score(data, np.array([0, 1]), "valid")
        assert scores[0].argmax() == 0
        assert scores[1].argmax() == 2
        assert np.abs(scores).max() <= 1 + 1e-6


def test_text_knn_reads_the_last_items_only() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.7, 0.7]], dtype=np.float32)
    data = domain([[0, 1, 1, 2, 2]], vectors)
    scores = TextKNN(centred=False, last=2).fit(data).score(data, np.array([0]), "valid")
    assert scores[0, 0] == pytest.approx(0)


def test_centring_takes_off_what_all_texts_share() -> None:
    shared = np.array([10.0, 0, 0])
    vectors = (shared + np.array([[0, 1, 0], [0, 1, 0.2], [0, -1, 0], [0, -1, 0.2]])).astype(np.float32)
    data = domain([[0, 1, 2]], vectors)
    plain = TextKNN(centred=False).fit(data).score(data, np.array([0]), "valid")[0]
    centred = TextKNN(centred=True).fit(data).score(data, np.array([0]), "valid")[0]
    assert plain[2] > 0.9
    assert centred[2] < 0


@pytest.mark.parametrize("centred", [False, True])
def test_items_without_text_never_win(centred: bool) -> None:
    vectors = np.array([[1, 0], [0, 0], [-1, 0.1], [-0.5, -0.9]], dtype=np.float32)
    data = domain([[0, 1, 2], [1, 1, 1, 1]], vectors)
    scores = TextKNN(centred=centred).fit(data).score(data, np.array([0, 1]), "test")
    assert (scores[:, 1] == NO_TEXT).all()
    assert (scores[:, [0, 2, 3]] > NO_TEXT).all()
    assert scores[1, [0, 2, 3]].tolist() == [0, 0, 0]  # a history without text says nothing


def test_a_catalogue_without_any_text_gives_the_worst_rank() -> None:
    data = domain([[0, 1, 2]], np.zeros((5, 3), dtype=np.float32))
    assert user_ranks(TextKNN(centred=True).fit(data), data, "test").ranks.tolist() == [3]


@pytest.mark.parametrize("baseline", FITTED)
def test_nothing_is_learned_from_validation_or_test(baseline: type[Popularity | MarkovKNN | TextKNN]) -> None:
    generator = np.random.default_rng(0)
    sequences = [generator.permutation(20)[:8].tolist() for _ in range(30)]
    data = domain(sequences, generator.normal(size=(20, 4)).astype(np.float32))
    changed = replace(
        data,
        sequences=[
            np.concatenate([sequence[:n], generator.integers(0, 20, len(sequence) - n)])
            for sequence, n in zip(data.sequences, data.n_train, strict=True)
        ],
    )
    users = np.arange(30)
    one: Ranker = baseline().fit(data)
    other: Ranker = baseline().fit(changed)
    assert np.array_equal(one.score(data, users, "valid"), other.score(data, users, "valid"))


@pytest.mark.parametrize("baseline", FITTED)
def test_scores_do_not_depend_on_the_future(baseline: type[Popularity | MarkovKNN | TextKNN]) -> None:
    generator = np.random.default_rng(1)
    sequences = [generator.permutation(20)[:8].tolist() for _ in range(10)]
    data = domain(sequences, generator.normal(size=(20, 4)).astype(np.float32))
    model: Ranker = baseline().fit(data)
    cut = replace(data, sequences=[sequence[:-1] for sequence in data.sequences])
    users = np.arange(10)
    assert np.array_equal(model.score(data, users, "test"), model.score(cut, users, "test"))
