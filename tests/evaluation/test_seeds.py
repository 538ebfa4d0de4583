"""Several trainings of one model: own rows, their mean and their spread."""

import numpy as np
import polars as pl
import pytest

from pulse_pipeline.commands.results import at_ten
from pulse_pipeline.evaluation.baselines.settings import BaselineSettings
from pulse_pipeline.evaluation.candidates import drawn_candidates, read_candidates
from pulse_pipeline.evaluation.figures import distinct_figures
from pulse_pipeline.evaluation.in_domain import MODEL, baseline_ranks, evaluated_baselines
from pulse_pipeline.evaluation.per_user import per_user
from pulse_pipeline.evaluation.seeds import (
    HEADLINE,
    MEAN_OF_SEEDS,
    SPREAD_OF_SEEDS,
    repeated_baselines,
    repeated_model,
    seed_rows,
)
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.training import train
from tests.thought_space.conftest import one_thread, planted

__all__ = ["one_thread"]

BASELINES = BaselineSettings(
    run=("popularity", "sasrec"), parameters={"sasrec": {"epochs": 1, "width": 8, "blocks": 1, "seed": 4}}
)
CONFIG = ThoughtSpaceConfig(epochs=1, seed=7)


@pytest.fixture(scope="module")
def repeated(one_thread, tmp_path_factory):
    data = planted(n_users=40)
    candidates = read_candidates(drawn_candidates(data, 0), data)
    known = evaluated_baselines(data, baseline_ranks(data, BASELINES, candidates))
    first = train(data.domain, [data], CONFIG).model
    model = repeated_model(
        data,
        first,
        config=CONFIG,
        seeds=3,
        candidates=candidates,
        states=tmp_path_factory.mktemp("states"),
        spec_fingerprint="f00",
    )
    return model, repeated_baselines(data, BASELINES, 3, candidates, known)


def test_only_what_learns_by_gradients_is_repeated(repeated):
    model, baselines = repeated
    assert [one.metrics["seed"][0] for one in model] == [7, 8, 9]
    counts = {repeats[0].metrics["model"][0]: len(repeats) for repeats in baselines}
    assert counts == {"popularity": 1, "SASRec": 3}
    for repeats in (model, baselines[1]):
        top = np.stack([one.ranks.ranks for one in repeats])
        assert (top != top[0]).any(axis=1).tolist() == [False, True, True]


def test_several_seeds_are_shown_with_the_interval_of_their_mean(repeated):
    model, baselines = repeated
    firsts = [model[0].metrics, *(repeats[0].metrics for repeats in baselines)]
    figures = distinct_figures([*firsts, seed_rows(model, baselines)])
    (shown,) = at_ten(figures).filter(model=MODEL).to_dicts()
    (mean,) = figures.filter(model=MODEL, metric=MEAN_OF_SEEDS).to_dicts()
    assert shown["seeds"] == 3
    assert shown["NDCG"] == pytest.approx(mean["value"])
    assert (shown["NDCG_low"], shown["NDCG_high"]) == (mean["ci_low"], mean["ci_high"])
    assert shown["p_value"] == mean["p_value_holm"] is not None


def test_rows_of_the_further_seeds_and_of_all_together(repeated):
    model, baselines = repeated
    rows = seed_rows(model, baselines)
    headline = rows.filter(slice="all", candidates="full", metric="NDCG", k=10)
    assert headline.select("model", "seed").rows() == [(MODEL, 8), (MODEL, 9), ("SASRec", 1), ("SASRec", 2)]
    assert headline.filter(model=MODEL)["p_value_vs_best_baseline"].null_count() == 0
    values = [one.value("NDCG", 10) for one in model]
    mean = rows.filter(metric=MEAN_OF_SEEDS, model=MODEL).row(0, named=True)
    assert mean["value"] == pytest.approx(np.mean(values))
    assert mean["ci_low"] < mean["value"] < mean["ci_high"]
    assert 0 < mean["p_value_vs_best_baseline"] <= 1
    spread = rows.filter(metric=SPREAD_OF_SEEDS, model=MODEL)["value"][0]
    assert spread == pytest.approx(np.std(values, ddof=1))
    told = rows.filter(pl.col("metric").is_in([MEAN_OF_SEEDS, SPREAD_OF_SEEDS]))
    assert set(told["model"]) == {MODEL, "SASRec"}


def test_the_mean_is_compared_with_baselines_averaged_likewise(repeated):
    """A model that equals the best baseline in every seed does not differ from it."""
    _, baselines = repeated
    best = max(
        baselines, key=lambda repeats: np.mean([per_user(one.ranks).column(HEADLINE) for one in repeats])
    )
    rows = seed_rows([*best, *best][: max(2, len(best))], baselines)
    assert rows.filter(metric=MEAN_OF_SEEDS)["p_value_vs_best_baseline"].drop_nulls().to_list() == [1.0]


def test_a_model_of_several_seeds_is_one_of_its_family(repeated):
    model, baselines = repeated
    other = model[0].metrics.with_columns(train_mix=pl.lit("all"), p_value_vs_best_baseline=pl.lit(0.01))
    figures = distinct_figures([model[0].metrics, other, seed_rows(model, baselines)])
    tested = figures.filter(pl.col("p_value_holm").is_not_null())
    assert set(tested["metric"]) == {"NDCG", MEAN_OF_SEEDS}
    together = tested.filter(metric=MEAN_OF_SEEDS)["p_value_vs_best_baseline"][0]
    first, last = sorted([together, 0.01])
    expected = {first: min(2 * first, 1.0), last: min(max(2 * first, last), 1.0)}
    own, all_mix = (
        tested.filter(train_mix=mix)["p_value_holm"].unique().to_list()
        for mix in (model[0].metrics["train_mix"][0], "all")
    )
    assert own == pytest.approx([expected[together]])
    assert all_mix == pytest.approx([expected[0.01]])
