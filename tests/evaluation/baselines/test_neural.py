"""The neural baselines learn what they are for; the trainer stops, keeps the best and is seeded."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.baselines.neural.config import TrainingConfig
from pulse_pipeline.evaluation.baselines.neural.graph import GraphNetwork
from pulse_pipeline.evaluation.baselines.neural.gsasrec import positive_power
from pulse_pipeline.evaluation.baselines.neural.lightgcn import LightGCN, LightGCNConfig
from pulse_pipeline.evaluation.baselines.neural.losses import next_item
from pulse_pipeline.evaluation.baselines.neural.sasrec import SASRec, SASRecConfig
from pulse_pipeline.evaluation.baselines.neural.unisrec import whitened
from pulse_pipeline.evaluation.baselines.popularity import Popularity
from pulse_pipeline.evaluation.baselines.settings import BaselineSettings
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.evaluation.ranking import Ranker, user_ranks
from pulse_pipeline.thought_space.data import DomainData, FloatArray
from tests.evaluation.baselines.worlds import order_world, taste_world

SMALL = {"width": 32, "batch_size": 32, "learning_rate": 1e-2, "history_length": 10, "blocks": 1}
FAST = {"width": 32, "batch_size": 128, "learning_rate": 1e-2}


def ndcg(ranker: Ranker, data: DomainData) -> float:
    return float(METRICS["NDCG"](user_ranks(ranker, data, "test").ranks, 10).mean())


def fitted(name: str, data: DomainData, **parameters: object) -> Ranker:
    settings = BaselineSettings(run=(name,), parameters={name: {"epochs": 12, **parameters}})
    return settings.build(name).fit(data)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("sasrec", {}),
        ("gsasrec", {"batch_size": 8, "negatives": 8}),
        ("unisrec", {}),
    ],
)
def test_an_order_is_learned(name: str, parameters: dict[str, object]) -> None:
    data = order_world(0)
    assert ndcg(Popularity().fit(data), data) < 0.35
    assert ndcg(fitted(name, data, **{"dropout": 0.1, **SMALL, **parameters}), data) > 0.8


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("lightgcn", FAST), ("alpharec", FAST), ("slim_fused", SMALL), ("slim_id_free", FAST)],
)
def test_tastes_are_learned(name: str, parameters: dict[str, object]) -> None:
    data = taste_world(0)
    scores = fitted(name, data, **parameters).score(data, np.arange(120), "test")
    own = np.arange(120)[:, None] % 2 == np.arange(40) // 20
    assert (mean(scores, own) > mean(scores, ~own)).mean() > 0.95


def mean(scores: FloatArray, among: NDArray[np.bool_]) -> FloatArray:
    return (scores * among).sum(axis=1) / among.sum(axis=1)


@pytest.mark.parametrize("name", ["slim_fused", "slim_id_free"])
def test_rationales_are_what_slim_reads(name: str) -> None:
    data = taste_world(1)
    model = fitted(name, data, **(SMALL if name == "slim_fused" else FAST))
    assert data.rationales is not None
    model._network.serving_present[0] = False
    before = model.score(data, np.arange(2), "test")
    model._network.serving_texts.neg_()
    after = model.score(data, np.arange(2), "test")
    assert np.array_equal(before[0], after[0])
    assert not np.allclose(before[1], after[1])


@pytest.mark.parametrize("name", ["slim_fused", "slim_id_free"])
def test_without_rationales_slim_says_what_is_missing(name: str) -> None:
    with pytest.raises(PulseError, match="reads rationales, and there are none; materialise"):
        fitted(name, order_world(0))


def test_training_stops_early_and_keeps_the_best_epoch() -> None:
    data = order_world(1)
    model = SASRec(SASRecConfig(epochs=60, patience=2, dropout=0.1, **SMALL)).fit(data)
    values = [epoch.ndcg for epoch in model.epochs]
    best = int(np.argmax(values))
    assert len(values) == best + 1 + 2 < 60
    valid = user_ranks(model, data, "valid").ranks
    assert METRICS["NDCG"](valid, 10).mean() == pytest.approx(values[best])


def test_no_epoch_begins_after_the_time_is_up() -> None:
    model = SASRec(SASRecConfig(epochs=60, max_seconds=1e-6, **SMALL)).fit(order_world(1))
    assert len(model.epochs) == 1


def test_training_leaves_the_callers_chance_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    SASRec(SASRecConfig(epochs=1, **SMALL)).fit(order_world(2, n_users=20))
    assert torch.equal(torch.rand(1), expected)


def test_a_drawn_softmax_estimates_the_full_one() -> None:
    torch.manual_seed(0)
    queries, items = torch.randn(64, 8), torch.randn(2000, 8)
    targets = torch.randint(2000, (64,))
    full = next_item(queries, items, targets, TrainingConfig())
    drawn = next_item(queries, items, targets, TrainingConfig(full_softmax_items=1, sampled_negatives=20_000))
    assert full.item() == pytest.approx(functional.cross_entropy(queries @ items.T, targets).item())
    assert drawn.item() == pytest.approx(full.item(), rel=0.02)


def test_the_power_of_gbce() -> None:
    # With t = 0 it is plain cross-entropy, with t = 1 the sampling rate (Petrov & Macdonald, section 5).
    assert positive_power(100, 1001, 0.0) == pytest.approx(1.0)
    assert positive_power(100, 1001, 1.0) == pytest.approx(0.1)
    assert math.isclose(positive_power(5000, 1001, 0.75), 1.0)


def test_the_users_of_a_graph_are_what_lightgcn_gives_them() -> None:
    data = taste_world(3, n_users=20)
    network = LightGCN(LightGCNConfig(epochs=1, layers=2)).fit(data)._network
    assert isinstance(network, GraphNetwork)
    links, users, items = (
        network.to_users.to_dense(),
        network.user_table.weight.detach(),
        network.item_table.weight.detach(),
    )
    # Layers by the paper's formula: neighbours' vectors over the roots of both degrees.
    user_1, item_1 = links @ items, links.T @ users
    user_2, item_2 = links @ item_1, links.T @ user_1
    mean_users, mean_items = (users + user_1 + user_2) / 3, (items + item_1 + item_2) / 3
    expected = functional.normalize(mean_users, dim=1) @ functional.normalize(mean_items, dim=1).T
    with torch.inference_mode():
        scores = network.scores(data, np.arange(20), "valid")
    assert torch.allclose(scores, expected, atol=1e-5)


def test_whitened_texts_have_no_preferred_direction() -> None:
    rng = np.random.default_rng(0)
    data = order_world(0, n_items=400)
    stretched = (rng.normal(size=(400, 6)) * [10, 5, 2, 1, 0.5, 0.2] + 3).astype(np.float32)
    object.__setattr__(data, "item_vectors", stretched)
    white = whitened(data)
    spectrum = np.linalg.eigvalsh(np.cov(white.T))
    raw = np.linalg.eigvalsh(np.cov(stretched.T))
    assert spectrum[-1] / spectrum[0] < 0.05 * raw[-1] / raw[0]
    assert white.std() == pytest.approx(1, abs=0.1)
