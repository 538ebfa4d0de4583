"""Ranks and recommendations: masking, ties, chunks."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pulse_pipeline.evaluation.ranking import recommendation_table, serving_view, top_k, user_ranks
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase


def domain(sequences: list[list[int]], n_items: int) -> DomainData:
    """A leave-one-out domain: last item test, the one before validation."""
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    return DomainData(
        domain="toy",
        protocol="loo",
        user_ids=[f"u{user}" for user in range(len(sequences))],
        item_ids=[f"i{item}" for item in range(n_items)],
        item_vectors=np.eye(n_items, dtype=np.float32),
        sequences=[np.array(sequence, dtype=np.int64) for sequence in sequences],
        n_train=np.maximum(lengths - 2, 0),
        n_known=np.maximum(lengths - 1, 0),
    )


class Given:
    """Scores written down in the test, one row a user."""

    name = "given"

    def __init__(self, table: NDArray[np.float64] | list[list[float]]) -> None:
        self.table = np.asarray(table, dtype=np.float32)

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        return self.table[users]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[DomainData, Given]:
    n_items = draw(st.integers(4, 12))
    one = st.lists(st.integers(0, n_items - 1), min_size=1, max_size=n_items)
    sequences = draw(st.lists(one, min_size=1, max_size=8))
    seed = draw(st.integers(0, 2**32 - 1))
    levels = draw(st.sampled_from([2, 5, 10**6]))  # few levels: many ties
    table = np.random.default_rng(seed).integers(0, levels, size=(len(sequences), n_items))
    return domain(sequences, n_items), Given(table.astype(float))


def plain_rank(scores: list[float], history: set[int], target: int) -> int:
    rivals = [item for item in range(len(scores)) if item != target and item not in history]
    return 1 + sum(scores[item] >= scores[target] for item in rivals)


@given(worlds(), st.integers(1, 4), st.sampled_from(["valid", "test"]))
def test_ranks_are_those_of_a_plain_loop_at_any_chunk(
    world: tuple[DomainData, Given], chunk: int, phase: Phase
) -> None:
    data, ranker = world
    ranked = user_ranks(ranker, data, phase, chunk=chunk)
    expected = [
        plain_rank(
            ranker.table[user].tolist(), set(data.history(user, phase).tolist()), data.target(user, phase)
        )
        for user in data.evaluated_users(phase)
    ]
    assert ranked.users.tolist() == data.evaluated_users(phase).tolist()
    assert ranked.ranks.tolist() == expected


def test_ties_are_pessimistic() -> None:
    data = domain([[0, 1, 2]], n_items=10)
    assert user_ranks(Given(np.ones((1, 10))), data, "test").ranks.tolist() == [8]


def test_history_is_masked_and_a_repeated_target_is_not() -> None:
    data = domain([[0, 1, 2], [2, 1, 2]], n_items=4)
    ranker = Given([[9.0, 8.0, 1.0, 0.0], [0.0, 9.0, 1.0, 2.0]])
    assert user_ranks(ranker, data, "test").ranks.tolist() == [1, 2]


def test_validation_item_is_a_rival_in_validation_and_history_in_test() -> None:
    data = domain([[0, 1, 2]], n_items=3)
    ranker = Given([[0.0, 1.0, 2.0]])
    assert user_ranks(ranker, data, "valid").ranks.tolist() == [2]
    assert user_ranks(ranker, data, "test").ranks.tolist() == [1]


def test_users_without_history_or_target_are_left_out() -> None:
    data = domain([[0], [0, 1], [0, 1, 2]], n_items=3)
    assert user_ranks(Given(np.zeros((3, 3))), data, "test").users.tolist() == [1, 2]
    assert user_ranks(Given(np.zeros((3, 3))), data, "valid").users.tolist() == [2]


@given(worlds())
def test_a_higher_target_score_never_gives_a_worse_rank(world: tuple[DomainData, Given]) -> None:
    data, ranker = world
    before = user_ranks(ranker, data, "test")
    raised = ranker.table.copy()
    for user in before.users:
        raised[user, data.target(user, "test")] += 1
    after = user_ranks(Given(raised), data, "test")
    assert (after.ranks <= before.ranks).all()


def test_nan_scores_are_refused() -> None:
    data = domain([[0, 1, 2]], n_items=3)
    with pytest.raises(ValueError, match="NaN scores in toy"):
        user_ranks(Given([[np.nan, 0.0, 0.0]]), data, "test")


def test_scores_of_the_wrong_shape_are_refused() -> None:
    data = domain([[0, 1, 2]], n_items=4)
    with pytest.raises(ValueError, match="shape"):
        user_ranks(Given([[0.0, 0.0]]), data, "test")


@settings(max_examples=60)
@given(worlds(), st.integers(1, 6), st.integers(1, 3))
def test_top_k_is_a_stable_sort_of_unseen_items(world: tuple[DomainData, Given], k: int, chunk: int) -> None:
    data, ranker = world
    users = np.arange(len(data.sequences))
    top = top_k(ranker, data, users, "test", k, chunk=chunk)
    for user in users:
        seen = set(data.history(user, "test").tolist())
        unseen = [item for item in range(data.n_items) if item not in seen]
        best = sorted(unseen, key=lambda item: (-ranker.table[user, item], item))[:k]
        assert top.items[user].tolist() == best + [-1] * (k - len(best))
        assert top.scores[user, : len(best)].tolist() == ranker.table[user, best].tolist()


def test_rank_and_top_k_agree_where_nothing_ties() -> None:
    generator = np.random.default_rng(0)
    data = domain([generator.permutation(50)[:6].tolist() for _ in range(20)], n_items=50)
    ranker = Given(generator.normal(size=(20, 50)))
    ranked = user_ranks(ranker, data, "test")
    top = top_k(ranker, data, ranked.users, "test", 44)
    for user, rank in zip(ranked.users, ranked.ranks, strict=True):
        assert top.items[user, rank - 1] == data.target(user, "test")


def test_serving_masks_everything_the_user_has() -> None:
    data = domain([[0, 1, 2]], n_items=4)
    ranker = Given([[4.0, 3.0, 2.0, 1.0]])
    assert top_k(ranker, data, np.array([0]), "serving", 2).items.tolist() == [[3, -1]]
    assert serving_view(data).history(0, "test").tolist() == [0, 1, 2]


def test_recommendations_become_a_table() -> None:
    data = domain([[0, 1, 2], [3, 1, 0]], n_items=4)
    top = top_k(Given([[0.0, 1.0, 2.0, 3.0]] * 2), data, np.array([0, 1]), "serving", 2)
    table = recommendation_table(top, data)
    assert table.select("user_id", "rank", "item_id").rows() == [("u0", 1, "i3"), ("u1", 1, "i2")]
    nobody = top_k(Given(np.zeros((2, 4))), data, np.array([], dtype=np.int64), "serving", 2)
    assert recommendation_table(nobody, data).is_empty()


def test_catalogues_too_large_for_a_chunk_are_scored_in_smaller_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Counting(Given):
        def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
            asked.append(len(users))
            return super().score(data, users, phase)

    monkeypatch.setattr("pulse_pipeline.evaluation.ranking.MAX_BLOCK", 20)
    data = replace(domain([[0, 1, 2]] * 5, n_items=10), domain="large")
    user_ranks(Counting(np.zeros((5, 10))), data, "test")
    assert asked == [2, 2, 1]
