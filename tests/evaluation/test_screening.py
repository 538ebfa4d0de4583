"""By rough scores first, the best are those that they are by real ones."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pulse_pipeline.evaluation import ranking
from pulse_pipeline.evaluation.screening import settled
from pulse_pipeline.evaluation.selection import Best
from pulse_pipeline.thought_space import factors, rounding, scoring
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.factors import RoughScores
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import untrained

NOTHING = (np.empty(0, dtype=np.int64),) * 2
N_ITEMS = 300


def best_of(scores: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(scores, order, axis=1)
    return np.where(np.isneginf(found), -1, order), found


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 40),
    k=st.integers(1, 4),
    levels=st.sampled_from([2, 5, 10**6]),  # few levels: many ties
    error=st.sampled_from([0.0, 0.5, 3.0]),
    masked=st.floats(0, 1),
)
def test_what_is_called_sure_is_right(
    *, seed: int, n: int, k: int, levels: int, error: float, masked: float
) -> None:
    k = min(k, n)
    rng = np.random.default_rng(seed)
    real = rng.integers(-levels, levels, size=(5, n)).astype(np.float32)
    # Whole numbers and halves: as far off as may be, and no rounding beside.
    noise = error * rng.integers(-1, 2, size=real.shape).astype(np.float32)
    seen = np.nonzero(rng.random(real.shape) < masked)
    kept = Best(5, min(2 * k, n))
    kept.take(0, real + noise, seen)
    rough = RoughScores(
        iter([]), np.full(5, error, np.float32), lambda items: np.take_along_axis(real, items, axis=1)
    )
    columns, scores, sure = settled(kept, rough, k)
    unseen = real.copy()
    unseen[seen] = -np.inf
    expected, values = best_of(unseen, k)
    assert columns[sure].tolist() == expected[sure].tolist()
    assert scores[sure].tolist() == values[sure].tolist()
    left = np.isfinite(unseen).sum(axis=1)
    assert sure[left < kept.columns.shape[1]].all()
    if levels > 5 and 2 * k < n:
        assert sure.all()  # nothing is so close


def test_who_is_in_doubt_is_told() -> None:
    """One of three is wanted, two are kept: might the third be as good, and come before it?"""
    real = np.array([[0, 1, 1], [0, 1, 1.5], [0, 0.9, 1]], dtype=np.float32)
    rough_scores = np.array([[0, 0, 2], [0, 0, 2], [0, 0, 1.9]], dtype=np.float32)
    kept = Best(3, 2)
    kept.take(0, rough_scores, NOTHING)
    error = np.array([1, 1, 0.9], dtype=np.float32)
    rough = RoughScores(iter([]), error, lambda items: np.take_along_axis(real, items, axis=1))
    columns, scores, sure = settled(kept, rough, 1)
    assert columns.tolist() == [[2], [2], [2]]
    assert scores.tolist() == [[1], [1.5], [1]]
    assert sure.tolist() == [False, True, True]


def world(seed: int = 0, users: int = 50) -> DomainData:
    rng = np.random.default_rng(seed)
    return DomainData(
        domain="world",
        protocol="loo",
        user_ids=[f"u{user}" for user in range(users)],
        item_ids=[f"i{item}" for item in range(N_ITEMS)],
        item_vectors=rng.standard_normal((N_ITEMS, 16), dtype=np.float32),
        sequences=list(rng.integers(0, N_ITEMS, size=(users, 6))),
        n_train=np.full(users, 4),
        n_known=np.full(users, 5),
    )


@pytest.fixture
def ranker() -> ThoughtSpaceRanker:
    model = untrained([world()], ThoughtSpaceConfig(device="cpu"))
    home = model.home("world")
    with torch.no_grad():
        home.following.fill_(1.0)
        home.bias.normal_(generator=torch.Generator().manual_seed(0))
    return ThoughtSpaceRanker(model)


@pytest.fixture
def _rough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rough scores on any machine, for any catalogue."""
    monkeypatch.setattr(scoring, "LEAST_ROUGH", 0)
    monkeypatch.setattr(rounding, "pays", lambda device: True)
    monkeypatch.setattr(ranking, "MAX_BLOCK", 1000)


def scored_again(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many users of each block are scored in full."""
    found: list[int] = []
    pieces = ThoughtSpaceRanker.pieces

    def counted(
        self: ThoughtSpaceRanker, data: DomainData, users: IntArray, phase: Phase, width: int
    ) -> Iterator[FloatArray]:
        found.append(len(users))
        return pieces(self, data, users, phase, width)

    monkeypatch.setattr(ThoughtSpaceRanker, "pieces", counted)
    return found


@pytest.mark.usefixtures("_rough")
@pytest.mark.parametrize(("kept", "everybody"), [(1, True), (20, False)])
def test_the_best_are_the_same_whoever_is_in_doubt(
    ranker: ThoughtSpaceRanker, monkeypatch: pytest.MonkeyPatch, *, kept: int, everybody: bool
) -> None:
    data, users = world(), np.arange(50)
    scores = ranker.score(data, users, "test")
    for user in users:
        scores[user, data.history(user, "test")] = -np.inf
    expected, values = best_of(scores, 5)
    monkeypatch.setattr(ranking, "KEPT", kept)
    again = scored_again(monkeypatch)
    top = ranking.top_k(ranker, data, users, "test", 5, chunk=20)
    assert np.allclose(top.scores, values, atol=1e-5)
    assert np.allclose(np.take_along_axis(scores, top.items, axis=1), top.scores, atol=1e-5)
    assert (top.items == expected).mean() > 0.99  # the two sums may order what is within a millionth
    assert again == ([20, 20, 10] if everybody else [])


@pytest.mark.usefixtures("_rough")
def test_items_are_rounded_again_for_another_catalogue(ranker: ThoughtSpaceRanker) -> None:
    for seed in (0, 1, 0):
        data = world(seed)
        real = ranker.score(data, np.arange(4), "test")
        rough = ranker.rough(data, np.arange(4), "test", N_ITEMS)
        assert rough is not None
        (found,) = rough.pieces
        assert (np.abs(found - real).max(axis=1) <= rough.error).all()


@pytest.mark.usefixtures("_rough")
def test_of_many_a_few_scores_are_laid_out_in_parts(
    ranker: ThoughtSpaceRanker, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, users = world(), np.arange(9)
    items = np.random.default_rng(0).integers(0, N_ITEMS, size=(9, 6))
    real = np.take_along_axis(ranker.score(data, users, "test"), items, axis=1)
    for gathered in (1, 200, 10**6):
        monkeypatch.setattr(factors, "GATHERED", gathered)
        rough = ranker.rough(data, users, "test", 80)
        assert rough is not None
        assert np.allclose(rough.real(items), real, atol=1e-5)


@pytest.mark.usefixtures("_rough")
def test_rough_scores_are_near_the_real_ones_of_all_and_of_a_few(ranker: ThoughtSpaceRanker) -> None:
    data, users = world(), np.arange(7)
    real = ranker.score(data, users, "test")
    rough = ranker.rough(data, users, "test", 80)
    assert rough is not None
    found = np.hstack([piece.copy() for piece in rough.pieces])
    apart = np.abs(found - real).max(axis=1)
    assert (apart <= rough.error).all()
    assert (apart > 0).all()
    few = np.array([[0, 299, 5]] * 7)
    assert np.allclose(rough.real(few), np.take_along_axis(real, few, axis=1), atol=1e-5)
    parts = ranker.parts(data, 0, "test")
    assert parts.following.any()
    assert parts.item.any()


def test_small_catalogues_are_scored_in_full(
    ranker: ThoughtSpaceRanker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounding, "pays", lambda device: True)
    assert ranker.rough(world(), np.arange(50), "test", 80) is None
    monkeypatch.setattr(scoring, "LEAST_ROUGH", 50 * N_ITEMS)
    assert ranker.rough(world(), np.arange(50), "test", 80) is not None
    assert ranker.rough(world(), np.arange(49), "test", 80) is None
    monkeypatch.setattr(rounding, "pays", lambda device: False)
    assert ranker.rough(world(), np.arange(50), "test", 80) is None
