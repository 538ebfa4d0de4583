"""Two runs: paired where users are the same, said where they are not."""

import numpy as np
import polars as pl
import pytest

from pulse_pipeline.evaluation.bootstrap import paired_difference
from pulse_pipeline.evaluation.comparison import NO_INTERVAL, NO_RANKS, OTHER_USERS, PAIRED, Run, compare
from pulse_pipeline.evaluation.evaluate import evaluate_ranker
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.evaluation.model_ranks import rank_table
from pulse_pipeline.evaluation.report.comparison_page import render_comparison, write_comparison
from pulse_pipeline.schemas import Metrics, ModelRanks
from tests.thought_space.conftest import planted

HOSTILE = "<script>alert(1)</script>"


class _Noisy:
    """Knows the target, and forgets it more the louder the noise."""

    name = "model"

    def __init__(self, noise, seed=0):
        self._noise, self._rng = noise, np.random.default_rng(seed)

    def score(self, data, users, phase):
        scores = self._noise * self._rng.normal(size=(len(users), data.n_items))
        scores[np.arange(len(users)), [data.target(user, phase) for user in users]] += 1
        return scores.astype(np.float32)


def _run(noise, data=None, name="a", seeds=(0,)):
    data = data or planted(n_users=200)
    evaluated = [evaluate_ranker(_Noisy(noise, seed), data, train_mix="films", seed=seed) for seed in seeds]
    return Run(name, pl.concat(one.metrics for one in evaluated), rank_table(evaluated, data))


def _headline(comparison, metric="NDCG"):
    (found,) = [
        one for one in comparison.deltas if one.metric == metric and one.slice == "all" and one.k == 10
    ]
    return found


def _gains(run):
    ranks = run.ranks.sort("user_id")["rank"].to_numpy()
    return METRICS["NDCG"](ranks, 10)


def test_the_same_users_are_compared_with_themselves():
    now, before = _run(0.3), _run(0.5)
    found = _headline(compare(now, before))
    assert found.pairing == PAIRED
    assert found.difference == pytest.approx(float(_gains(now).mean() - _gains(before).mean()), abs=1e-6)
    paired = paired_difference(_gains(now), _gains(before))
    assert (found.ci_low, found.ci_high) == pytest.approx((paired.low, paired.high), abs=0.01)
    assert found.certain
    assert found.p_value < 0.01


def test_a_run_against_itself_changes_nothing():
    run = _run(0.4)
    for delta in compare(run, run).deltas:
        assert delta.difference == 0
        assert not delta.certain
        if delta.metric in METRICS and delta.slice == "all":
            assert delta.pairing == PAIRED


def test_pairing_is_sharper_than_not():
    now, before = _run(0.4), _run(0.45)
    unkept = Run("b", before.metrics, ModelRanks.create_empty())
    paired, unpaired = _headline(compare(now, before)), _headline(compare(now, unkept))
    assert unpaired.pairing == NO_RANKS
    assert unpaired.p_value is None
    assert unpaired.difference == pytest.approx(paired.difference, abs=1e-6)
    same = compare(now, Run("b", now.metrics, ModelRanks.create_empty()))
    assert _headline(same).ci_low < 0 < _headline(same).ci_high


@pytest.mark.parametrize(
    "other",
    [
        pl.col("user_id") != "u0",  # a user less
        pl.when(pl.col("user_id") == "u0").then(False).otherwise(True),
    ],
)
def test_other_users_are_not_paired_and_it_is_said(other):
    now, before = _run(0.3), _run(0.5)
    found = _headline(compare(now, Run("b", before.metrics, before.ranks.filter(other))))
    assert found.pairing == OTHER_USERS
    assert found.ci_low < found.difference < found.ci_high


def test_other_targets_are_not_paired():
    now, before = _run(0.3), _run(0.5)
    moved = before.ranks.with_columns(item_id=pl.lit("another"))
    assert _headline(compare(now, Run("b", before.metrics, moved))).pairing == OTHER_USERS


def test_an_unpaired_interval_covers_what_it_says():
    """Of runs that differ by chance alone about one in twenty is called certain."""
    certain = 0
    rng = np.random.default_rng(0)
    for _ in range(300):
        means = [rng.normal(0.5, 0.1) for _ in range(2)]
        rows = [
            pl.DataFrame(
                [
                    {"arm": "pulse", "model": "m", "dataset": "d", "protocol": "loo", "candidates": "full",
                     "slice": "all", "metric": "specificity", "value": mean, "ci_low": mean - 0.196,
                     "ci_high": mean + 0.196, "n_users": 9, "seed": 0}
                ],
                schema=Metrics.create_empty().schema,
            )
            for mean in means
        ]  # fmt: skip
        empty = ModelRanks.create_empty()
        (delta,) = compare(Run("a", rows[0], empty), Run("b", rows[1], empty)).deltas
        certain += delta.certain
    assert 2 <= certain <= 32


def test_seeds_are_averaged_a_user_at_a_time():
    now, before = _run(0.3, seeds=(0, 1)), _run(0.5, seeds=(0, 1, 2))
    found = _headline(compare(now, before))
    gains = [run.metrics.filter(slice="all", metric="NDCG", k=10)["value"].mean() for run in (now, before)]
    assert found.pairing == PAIRED
    assert found.difference == pytest.approx(gains[0] - gains[1], abs=1e-6)


def test_figures_without_intervals_have_none():
    now = _run(0.3)
    bare = now.metrics.with_columns(ci_low=pl.lit(None, pl.Float64))
    found = _headline(compare(Run("a", bare, ModelRanks.create_empty()), now))
    assert found.pairing == NO_INTERVAL
    assert found.ci_low is None
    assert not found.certain


def test_models_of_one_run_only_are_named():
    now = _run(0.3)
    other = Run("b", now.metrics.with_columns(model=pl.lit("old")), now.ranks)
    comparison = compare(now, other)
    assert not comparison.deltas
    assert comparison.only_now == ["films, loo: model on films"]
    assert comparison.only_before == ["films, loo: old on films"]


def test_the_page_holds_itself_and_escapes_everything(tmp_path):
    now = _run(0.3, name=HOSTILE)
    named = Run(
        "b", now.metrics.with_columns(model=pl.lit(HOSTILE)), now.ranks.with_columns(model=pl.lit(HOSTILE))
    )
    page = render_comparison(compare(named, named)) + render_comparison(compare(now, named))
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert "http://" not in page and "https://" not in page
    assert "default-src 'none'" in page
    write_comparison(compare(now, now), tmp_path / "comparison.html")
    written = (tmp_path / "comparison.html").read_text()
    assert "paired, 200 users" in written
    assert written.count("<tr>") == 1 + len(compare(now, now).deltas)


def test_values_and_difference_are_of_the_ranks_that_were_kept():
    several, one = _run(0.3, seeds=(0, 1, 2)), _run(0.5)
    only_first = Run("a", several.metrics, several.ranks.filter(seed=0))
    found = _headline(compare(only_first, one))
    assert found.pairing == PAIRED
    assert found.now - found.before == pytest.approx(found.difference)
    assert found.now == pytest.approx(float(_gains(only_first).mean()))
