"""Metrics of ranks: against an outside implementation, at chance, and in order."""

import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.evaluation.baselines.popularity import training_counts
from pulse_pipeline.evaluation.candidates import drawn_candidates, read_candidates
from pulse_pipeline.evaluation.metrics import (
    CUTOFFS,
    METRICS,
    RECALL,
    coverage,
    gini,
    novelty,
    recall,
)
from pulse_pipeline.evaluation.per_user import per_user
from pulse_pipeline.evaluation.standings import standings
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


def noise(protocol: str, seed: int, n_users: int = 4000, n_items: int = 130, n_known: int = 10) -> DomainData:
    """Users without taste; one or three later items."""
    generator = np.random.default_rng(seed)
    after = 1 if protocol == "loo" else 3
    sequences = [generator.permutation(n_items)[: n_known + after] for _ in range(n_users)]
    return DomainData(
        domain="noise",
        protocol=protocol,  # type: ignore[arg-type]
        user_ids=[str(user) for user in range(n_users)],
        item_ids=[str(item) for item in range(n_items)],
        item_vectors=np.zeros((n_items, 1), dtype=np.float32),
        sequences=sequences,
        n_train=np.full(n_users, n_known - 1),
        n_known=np.full(n_users, n_known),
    )


@pytest.mark.parametrize("protocol", ["loo", "temporal"])
@pytest.mark.parametrize("seed", [0, 1])
def test_random_scores_give_chance_level_everywhere(protocol: str, seed: int) -> None:
    """Every metric, in the full catalogue and among 100, 20 and 5 candidates."""
    data = noise(protocol, seed)
    n_users, unseen = len(data.user_ids), data.n_items - int(data.n_known[0])
    ranked = standings(Random(seed), data, "test", read_candidates(drawn_candidates(data, seed), data))
    measured = per_user(ranked)
    assert {figure.candidates for figure in measured.figures} == {"full", "100", "20", "5"}
    for figure in measured.figures:
        values = measured.column(figure)
        rivals = unseen if figure.candidates == "full" else int(figure.candidates)
        # Each later item alone is as likely at every place, so recall's chance level is that of a hit.
        metric = METRICS["HR" if figure.metric == RECALL else figure.metric]
        chance = metric(np.arange(1, rivals + 1), figure.k).mean()
        assert abs(values.mean() - chance) < 4 * values.std() / np.sqrt(n_users), figure

    drawn = np.bincount(ranked.top.ravel(), minlength=data.n_items)
    mean, sd = drawn.mean(), np.sqrt(drawn.mean())  # nearly Poisson
    assert np.abs(drawn - mean).max() < 5 * sd
    assert coverage(ranked.top, data.n_items) == 1
    # Of n Poisson counts with a large mean the Gini index is sd / (mean sqrt(pi)).
    assert gini(ranked.top, data.n_items) == pytest.approx(sd / mean / np.sqrt(np.pi), rel=0.2)
    counts = training_counts(data)
    bits = np.log2((n_users + 1) / (counts + 1)).mean()
    assert novelty(ranked.top, counts, n_users).mean() == pytest.approx(bits, rel=0.01)


def test_lists_of_chance_cover_what_chance_covers() -> None:
    data = noise("loo", 2, n_users=20, n_items=300)
    covered = [coverage(standings(Random(seed), data).top, data.n_items) for seed in range(30)]
    assert np.mean(covered) == pytest.approx(1 - (1 - 10 / 300) ** 20, abs=0.02)


lists_of_items = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(st.sets(st.integers(0, n - 1), max_size=4), min_size=1, max_size=8).map(
            lambda sets: np.array([[*one, *[-1] * (4 - len(one))] for one in map(sorted, sets)])
        ),
    )
)


@given(lists_of_items)
def test_coverage_and_gini_are_their_definitions(drawn: tuple[int, IntArray]) -> None:
    n_items, lists = drawn
    counts = [int((lists == item).sum()) for item in range(n_items)]
    assert coverage(lists, n_items) == sum(count > 0 for count in counts) / n_items
    gaps = np.abs(np.subtract.outer(counts, counts)).mean()
    expected = gaps / (2 * np.mean(counts)) if sum(counts) else 0.0
    assert gini(lists, n_items) == pytest.approx(expected)
    assert 0 <= gini(lists, n_items) <= 1 - 1 / n_items + 1e-9


@given(lists_of_items, st.integers(0, 2**32 - 1))
def test_novelty_is_the_mean_of_bits_and_no_less_for_rarer_items(
    drawn: tuple[int, IntArray], seed: int
) -> None:
    n_items, lists = drawn
    counts = np.random.default_rng(seed).integers(0, 30, n_items)
    found = novelty(lists, counts, 30)
    for row, told in zip(lists, found, strict=True):
        bits = [-math.log2((counts[item] + 1) / 31) for item in row if item >= 0]
        assert told == pytest.approx(np.mean(bits) if bits else 0.0, abs=1e-5)
    assert (novelty(lists, counts // 2, 30) >= found - 1e-6).all()


@given(
    ranks=st.lists(st.sets(st.integers(1, N_ITEMS), min_size=1, max_size=5), min_size=1, max_size=8),
    k=st.sampled_from(CUTOFFS),
)
def test_recall_agrees_with_ir_measures(ranks: list[set[int]], k: int) -> None:
    qrels = [ir_measures.Qrel(str(user), f"d{rank}", 1) for user, own in enumerate(ranks) for rank in own]
    run = [
        ir_measures.ScoredDoc(str(user), f"d{place}", 1.0 / place)
        for user in range(len(ranks))
        for place in range(1, N_ITEMS + 1)
    ]
    oracle = ir_measures.R @ k
    expected = ir_measures.calc_aggregate([oracle], qrels, run)[oracle]
    found = np.array([sum(rank <= k for rank in own) for own in ranks])
    assert recall(found, np.array([len(own) for own in ranks])).mean() == pytest.approx(expected, abs=1e-6)


@given(ranks=st.lists(st.integers(1, 100), min_size=1, max_size=30))
def test_metrics_grow_with_k_and_fall_with_rank(ranks: list[int]) -> None:
    array = np.array(ranks)
    for metric in METRICS.values():
        by_k = np.stack([metric(array, k) for k in CUTOFFS])
        assert (np.diff(by_k, axis=0) >= 0).all()
        assert (metric(array + 1, 10) <= metric(array, 10)).all()
        assert ((by_k >= 0) & (by_k <= 1)).all()
