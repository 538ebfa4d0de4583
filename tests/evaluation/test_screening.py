"""By rough scores first, the best are those that they are by real ones."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulse_pipeline.evaluation import ranking
from pulse_pipeline.evaluation.screening import settled
from pulse_pipeline.evaluation.selection import Best
from pulse_pipeline.thought_space import rounding, scoring
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
    noise = error * rng.uniform(-1, 1, size=real.shape).astype(np.float32)
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
    if not error and levels > 5 and 2 * k <= n and masked < 0.1:
        assert sure.any()


def test_who_is_in_doubt_is_told() -> None:
    kept = Best(2, 2)
    kept.take(0, np.array([[3, 2.5, 2.4], [3, 1.0, 0.9]], dtype=np.float32), NOTHING)
    rough = RoughScores(
        iter([]), np.array([0.7, 0.7], np.float32), lambda items: np.array([[3, 2.5], [3, 1.0]], np.float32)
    )
    assert settled(kept, rough, 1)[2].tolist() == [False, True]


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
    model.home("world").following.fill_(1.0)
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
    assert (real - ranker.parts(data, 0, "test").thought)[0].any()  # counts are among them


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
