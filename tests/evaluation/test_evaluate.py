"""The metrics table, paired differences, p-values and transfer cells."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from pulse_pipeline import schemas
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.baselines.popularity import training_counts
from pulse_pipeline.evaluation.baselines.settings import BaselineSettings
from pulse_pipeline.evaluation.candidates import drawn_candidates, read_candidates
from pulse_pipeline.evaluation.evaluate import Evaluated, difference, evaluate_ranker, with_p_values
from pulse_pipeline.evaluation.in_domain import (
    IN_FULL,
    MODEL,
    SHUFFLED,
    SHUFFLED_IN_FULL,
    WITHOUT,
    baseline_ranks,
    evaluate_in_domain,
    evaluated_baselines,
    rationale_differences,
    unmeasured_baselines,
)
from pulse_pipeline.evaluation.metrics import COVERAGE, CUTOFFS, GINI, LISTED, METRICS, NOVELTY, RECALL
from pulse_pipeline.evaluation.slices import _by_popularity
from pulse_pipeline.evaluation.transfer import evaluate_transfer, zero_shot
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase, RationaleVectors
from pulse_pipeline.thought_space.training import untrained
from tests.thought_space.conftest import planted


def domain(n_users: int = 60, n_items: int = 40, seed: int = 0) -> DomainData:
    generator = np.random.default_rng(seed)
    lengths = generator.integers(3, 16, n_users)
    return DomainData(
        domain="toy",
        protocol="loo",
        user_ids=[str(user) for user in range(n_users)],
        item_ids=[str(item) for item in range(n_items)],
        item_vectors=generator.normal(size=(n_items, 8)).astype(np.float32),
        sequences=[generator.permutation(n_items)[:length] for length in lengths],
        n_train=lengths - 2,
        n_known=lengths - 1,
    )


class Oracle:
    """Knows the target of a share of the users."""

    name = "oracle"

    def __init__(self, share: float) -> None:
        self.share = share

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        scores = np.random.default_rng(0).random((len(users), data.n_items), np.float32)
        for row, user in enumerate(users):
            if user < self.share * len(data.sequences):
                scores[row, data.target(user, phase)] = 2
        return scores


def test_table_keeps_its_contract_and_holds_every_figure() -> None:
    result = evaluate_ranker(Oracle(1), domain(), train_mix="toy", seed=3, spec_fingerprint="f00")
    schemas.Metrics.validate(result.metrics)
    overall = result.metrics.filter(pl.col("slice") == "all")
    ranked = {(metric, k) for metric in (*METRICS, RECALL) for k in CUTOFFS}
    of_lists = {(metric, LISTED) for metric in (COVERAGE, NOVELTY, GINI)}
    assert set(overall.select("metric", "k").rows()) == ranked | of_lists
    by_rank = ~pl.col("metric").is_in([COVERAGE, NOVELTY, GINI])
    assert overall.filter(by_rank)["value"].to_list() == [1.0] * len(ranked)
    assert overall.select(
        "arm", "model", "dataset", "train_mix", "protocol", "candidates", "seed"
    ).unique().rows() == [("pulse", "oracle", "toy", "toy", "loo", "full", 3)]
    assert (result.metrics["ci_low"] <= result.metrics["value"]).all()
    assert (result.metrics["ci_high"] >= result.metrics["value"]).all()


def test_slices_cover_the_users_once() -> None:
    data = domain()
    metrics = evaluate_ranker(Oracle(0.5), data, train_mix=None, seed=0).metrics
    sizes = dict(metrics.select("slice", "n_users").unique().rows())
    assert sizes["all"] == 60
    assert sum(n for name, n in sizes.items() if name.startswith("history:")) == 60
    assert sizes["target:head"] + sizes["target:tail"] == 60
    assert sum(sizes.get(f"target:fifth-{n}", 0) for n in range(1, 6)) == 60
    counts = training_counts(data)[[data.target(user, "test") for user in range(60)]]
    assert sizes.get("target:cold", 0) == (counts == 0).sum()
    assert sizes["target:rare"] == ((counts > 0) & (counts < 5)).sum()
    known = data.n_known
    assert sizes["history:1-3"] == ((known >= 1) & (known <= 3)).sum()
    assert sizes["history:10+"] == (known >= 10).sum()
    overall = metrics.filter((pl.col("metric") == "HR") & (pl.col("k") == 10))
    weighted = overall.filter(pl.col("slice").str.starts_with("history"))
    mean = (weighted["value"] * weighted["n_users"]).sum() / 60
    assert mean == pytest.approx(overall.filter(pl.col("slice") == "all")["value"][0])


def test_fifths_part_the_catalogue_by_popularity() -> None:
    data = domain(n_users=200, n_items=50)
    groups = dict(_by_popularity(training_counts(data)))
    fifths = np.stack([groups[f"target:fifth-{n}"] for n in range(1, 6)])
    assert (fifths.sum(axis=0) == 1).all()
    assert (fifths.sum(axis=1) == 10).all()
    means = [training_counts(data)[fifth].mean() for fifth in fifths]
    assert means == sorted(means, reverse=True)
    assert np.array_equal(groups["target:head"], fifths[0])


def test_sampled_figures_stand_beside_the_full_ranking_under_their_own_label() -> None:
    data = domain()
    candidates = read_candidates(drawn_candidates(data, 0), data)
    metrics = evaluate_ranker(Oracle(1), data, train_mix=None, seed=0, candidates=candidates).metrics
    sampled = metrics.filter(pl.col("candidates") != "full")
    assert set(sampled["slice"]) == {"all"}
    # 40 items, up to 15 of them seen: a hundred candidates there are not, so nothing bears that label.
    assert set(sampled["candidates"]) == {"20", "5"}
    assert sampled["value"].to_list() == [1.0] * len(sampled)
    assert sampled.filter(metric="HR", k=5, candidates="5").is_empty()
    assert len(sampled.filter(metric="HR", k=1)) == 2
    plain = evaluate_ranker(Oracle(1), data, train_mix=None, seed=0).metrics
    assert metrics.filter(candidates="full").drop("seconds").equals(plain.drop("seconds"))


def test_baselines_from_their_table_are_as_if_just_scored() -> None:
    data = domain()
    candidates = read_candidates(drawn_candidates(data, 0), data)
    settings = BaselineSettings(run=("popularity", "item_knn"))
    stored = evaluated_baselines(data, baseline_ranks(data, settings, candidates))
    for one, name in zip(stored, settings.run, strict=True):
        ranker = settings.build(name).fit(data)
        fresh = evaluate_ranker(
            ranker, data, train_mix=data.domain, seed=0, arm="baseline", candidates=candidates
        )
        assert one.metrics.drop("seconds").equals(fresh.metrics.drop("seconds"))
    model = evaluate_ranker(Oracle(0.5), data, train_mix="toy", seed=0, candidates=candidates)
    cheap = unmeasured_baselines(data, baseline_ranks(data, settings, candidates))
    assert with_p_values(model, cheap).equals(with_p_values(model, stored))


def test_better_model_differs_and_gets_a_small_p_value() -> None:
    data = domain()
    good, poor = (evaluate_ranker(Oracle(share), data, train_mix=None, seed=0) for share in (0.9, 0.1))
    gap = difference(good, poor)
    assert gap.value == pytest.approx(good.value("NDCG", 10) - poor.value("NDCG", 10), abs=1e-6)
    assert gap.low > 0
    table = with_p_values(good, [poor])
    tested = table.filter(pl.col("slice") == "all", pl.col("metric").is_in([*METRICS, RECALL]))
    assert tested["p_value_vs_best_baseline"].null_count() == 0
    assert tested["p_value_vs_best_baseline"].max() < 0.05
    of_lists = table.filter(pl.col("metric").is_in([COVERAGE, NOVELTY, GINI]))
    assert of_lists["p_value_vs_best_baseline"].is_null().all()
    assert table.filter(pl.col("slice") != "all")["p_value_vs_best_baseline"].is_null().all()
    assert table.drop("p_value_vs_best_baseline").equals(good.metrics.drop("p_value_vs_best_baseline"))


def test_the_best_of_the_baselines_is_the_one_compared_with() -> None:
    data = domain()
    model, strong, weak = (evaluate_ranker(Oracle(s), data, train_mix=None, seed=0) for s in (0.8, 0.8, 0.0))
    table = with_p_values(model, [weak, strong]).filter(pl.col("slice") == "all")
    assert table["p_value_vs_best_baseline"].drop_nulls().to_list() == [1.0] * 16
    assert with_p_values(model, []).equals(model.metrics)


def test_different_users_cannot_be_paired() -> None:
    one = evaluate_ranker(Oracle(1), domain(60), train_mix=None, seed=0)
    other = evaluate_ranker(Oracle(1), domain(50), train_mix=None, seed=0)
    with pytest.raises(ValueError, match="different users"):
        difference(one, other)


def with_rationales(data: DomainData, every: int) -> DomainData:
    """Every `every`-th user has a rationale."""
    vectors = np.full((len(data.user_ids), 8), np.nan, dtype=np.float32)
    vectors[::every] = 1
    nobody = np.full(len(data.user_ids), -1)
    return replace(data, rationales=RationaleVectors(vectors, vectors, vectors, nobody))


def test_users_with_and_without_a_rationale_are_told_apart() -> None:
    metrics = evaluate_ranker(Oracle(1), with_rationales(domain(), 3), train_mix=None, seed=0).metrics
    sizes = dict(metrics.select("slice", "n_users").unique().rows())
    assert (sizes["rationale:yes"], sizes["rationale:no"]) == (20, 40)
    everyone = evaluate_ranker(Oracle(1), with_rationales(domain(), 1), train_mix=None, seed=0).metrics
    assert not everyone["slice"].str.starts_with("rationale:").any()


def test_what_rationales_add_is_measured_on_the_users_who_have_one() -> None:
    """The gain of the first users, all of them with a rationale, is not thinned by the others."""
    data = with_rationales(domain(), 3)

    def named(name: str, share: float) -> Evaluated:
        one = evaluate_ranker(Oracle(share), data, train_mix="toy", seed=0)
        return replace(one, metrics=one.metrics.with_columns(model=pl.lit(name)))

    evaluated = [named(MODEL, 1), named(WITHOUT, 0), named(SHUFFLED, 0)]
    rows = rationale_differences(evaluated, data)
    assert rows["n_users"].to_list() == [20, 20]
    expected = difference(evaluated[0], evaluated[1], among=np.arange(60) % 3 == 0).value
    assert rows["value"].to_list() == pytest.approx([expected, expected])
    assert rationale_differences(evaluated, domain()).is_empty()


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_what_is_held_back_is_also_told_in_full(weight: float) -> None:
    data = planted()
    model = untrained([data], ThoughtSpaceConfig(device="cpu", rationale_serving_weights=(weight,)))
    torch.nn.init.constant_(model.gate.out.bias, 1.0)
    baselines = evaluated_baselines(data, baseline_ranks(data, BaselineSettings(run=("popularity",))))
    found = evaluate_in_domain(data, [("films", model)], baselines, seed=0, spec_fingerprint="")
    rows = rationale_differences(found, data)
    told = dict(zip(rows["model"], rows["value"], strict=True))
    p_values = {
        one.metrics["model"][0]: one.metrics["p_value_vs_best_baseline"].null_count() == len(one.metrics)
        for one in found
    }
    held_back = {IN_FULL, SHUFFLED_IN_FULL}
    if weight == 1:
        assert not held_back & set(p_values)
        assert set(told) == {f"{MODEL} - {WITHOUT}", f"{MODEL} - {SHUFFLED}"}
        return
    assert all(p_values[name] for name in held_back)
    assert not p_values[MODEL]
    # These rationales know the taste: holding them back costs, and more than holding back another user's.
    assert told[f"{MODEL} - {IN_FULL}"] < min(0, told[f"{MODEL} - {SHUFFLED_IN_FULL}"])
    assert (told[f"{MODEL} - {WITHOUT}"] == 0) == (weight == 0)


def test_a_domain_without_targets_is_a_plain_error() -> None:
    data = domain(2)
    bare = DomainData(
        domain="bare",
        protocol="temporal",
        user_ids=data.user_ids,
        item_ids=data.item_ids,
        item_vectors=data.item_vectors,
        sequences=data.sequences,
        n_train=data.n_known + 1,
        n_known=data.n_known + 1,
    )
    with pytest.raises(
        PulseError, match="bare: no user has a history and a test item under protocol temporal"
    ):
        evaluate_ranker(Oracle(1), bare, train_mix=None, seed=0)


def test_zero_shot_is_absence_from_the_mix() -> None:
    assert zero_shot(["films", "books"], "games")
    assert not zero_shot(["films", "games"], "games")


def test_a_transfer_cell_names_its_source_and_is_held_against_the_baselines() -> None:
    target = domain()
    chosen = BaselineSettings(run=("popularity", "text_knn_centred"))
    against = evaluated_baselines(target, baseline_ranks(target, chosen))
    mixes = {one.metrics["model"][0]: one.metrics["train_mix"][0] for one in against}
    assert mixes == {"popularity": "toy", "text-kNN centred": None}
    cell = evaluate_transfer(Oracle(0.9), target, source_mix="all-but-toy", seed=1, against=against).metrics
    assert cell["train_mix"].unique().to_list() == ["all-but-toy"]
    assert cell.filter(pl.col("slice") == "all")["p_value_vs_best_baseline"].max() < 0.05
