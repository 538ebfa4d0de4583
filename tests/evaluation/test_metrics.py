"""Metrics of ranks: against an outside implementation, at chance, and in order."""

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.evaluation.metrics import CUTOFFS, METRICS
from pulse_pipeline.evaluation.ranking import user_ranks
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase

ORACLES = {"HR": ir_measures.Success, "NDCG": ir_measures.nDCG, "MRR": ir_measures.RR}
N_ITEMS = 40


class Random:
    """Scores that know nothing."""

    name = "random"

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        return np.random.default_rng([self.seed, *users[:1]]).random((len(users), data.n_items), np.float32)


@pytest.mark.parametrize("metric", METRICS)
@given(ranks=st.lists(st.integers(1, N_ITEMS), min_size=1, max_size=10), k=st.sampled_from(CUTOFFS))
def test_agrees_with_ir_measures(metric: str, ranks: list[int], k: int) -> None:
    qrels = [ir_measures.Qrel(str(user), f"d{rank}", 1) for user, rank in enumerate(ranks)]
    run = [
        ir_measures.ScoredDoc(str(user), f"d{place}", 1.0 / place)
        for user in range(len(ranks))
        for place in range(1, N_ITEMS + 1)
    ]
    oracle = ORACLES[metric] @ k
    expected = ir_measures.calc_aggregate([oracle], qrels, run)[oracle]
    assert METRICS[metric](np.array(ranks), k).mean() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("protocol", ["loo", "temporal"])
@pytest.mark.parametrize("seed", [0, 1])
def test_random_scores_give_chance_level(protocol: str, seed: int) -> None:
    n_users, n_items, n_known = 6000, 60, 10
    generator = np.random.default_rng(seed)
    after = 1 if protocol == "loo" else 3
    sequences = [generator.permutation(n_items)[: n_known + after] for _ in range(n_users)]
    data = DomainData(
        domain="noise",
        protocol=protocol,  # type: ignore[arg-type]
        user_ids=[str(user) for user in range(n_users)],
        item_ids=[str(item) for item in range(n_items)],
        item_vectors=np.zeros((n_items, 1), dtype=np.float32),
        sequences=sequences,
        n_train=np.full(n_users, n_known - 1),
        n_known=np.full(n_users, n_known),
    )
    ranked = user_ranks(Random(seed), data, "test")
    candidates = n_items - n_known
    for name, metric in METRICS.items():
        for k in CUTOFFS:
            values = metric(ranked.ranks, k)
            chance = metric(np.arange(1, candidates + 1), k).mean()
            standard_error = values.std() / np.sqrt(n_users)
            assert abs(values.mean() - chance) < 4 * standard_error, (name, k)


@given(ranks=st.lists(st.integers(1, 100), min_size=1, max_size=30))
def test_metrics_grow_with_k_and_fall_with_rank(ranks: list[int]) -> None:
    array = np.array(ranks)
    for metric in METRICS.values():
        by_k = np.stack([metric(array, k) for k in CUTOFFS])
        assert (np.diff(by_k, axis=0) >= 0).all()
        assert (metric(array + 1, 10) <= metric(array, 10)).all()
        assert ((by_k >= 0) & (by_k <= 1)).all()
