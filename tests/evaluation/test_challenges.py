"""Every challenge points at something that is there."""

import re
from pathlib import Path

import polars as pl
import pytest

from benchmarks.challenges import DOCS, text
from pulse_pipeline.evaluation.challenges import CHALLENGES, NOT_ADDRESSED, Query, challenge_rows
from pulse_pipeline.evaluation.evaluate import evaluate_ranker
from pulse_pipeline.evaluation.explanations import judged
from pulse_pipeline.evaluation.in_domain import DIFFERENCE, MODEL, SHUFFLED, WITHOUT
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.evaluation.report.views.metrics import ABLATION
from pulse_pipeline.evaluation.seeds import MEAN_OF_SEEDS
from pulse_pipeline.evaluation.slices import ALL, WITH_RATIONALE
from pulse_pipeline.schemas import Metrics
from tests.thought_space.conftest import planted, with_sequences

ROOT = Path(__file__).parents[2]
ASKED = [one.query for one in CHALLENGES if one.query is not None]


class _First:
    name = "first"

    def score(self, data, users, phase):
        return -data.item_vectors[:, 0][None, :].repeat(len(users), axis=0)


@pytest.fixture(scope="module")
def slices():
    """The slices of a world that has users and items of every kind."""
    data = with_sequences(planted(), [[0, 1, 2, 3], [0, *range(4, 12)], [0, *range(20, 34)], [5, 0, 3, 0]])
    return set(evaluate_ranker(_First(), data, train_mix=None, seed=0).metrics["slice"])


@pytest.mark.parametrize("query", ASKED)
def test_a_query_asks_for_what_is_measured(query, slices):
    assert query.metric in {*METRICS, *judged.METRICS, DIFFERENCE}
    assert query.slice in {*slices, WITH_RATIONALE, ALL}
    assert query.model in {MODEL, judged.RATIONALES, f"{MODEL} - {WITHOUT}", f"{MODEL} - {SHUFFLED}"}


@pytest.mark.parametrize("one", CHALLENGES, ids=lambda one: one.title)
def test_a_challenge_names_files_that_are_there_or_is_not_addressed(one):
    assert one.addressed == bool(one.query or one.sources)
    for name in one.sources:
        assert (ROOT / name).is_file(), name


def test_the_surveys_twelve_and_two_more_are_there():
    assert len({one.title for one in CHALLENGES}) == len(CHALLENGES) == 14
    assert [one.title for one in CHALLENGES if not one.addressed] == [
        "Privacy and governance",
        "Multimodal recommendation",
        "Conversational recommendation",
    ]


def _row(**changes):
    row = {
        "arm": "pulse", "model": MODEL, "dataset": "films", "train_mix": "films", "protocol": "loo",
        "candidates": "full", "slice": ALL, "metric": "NDCG", "k": 10, "value": 0.25, "ci_low": 0.2,
        "ci_high": 0.3, "n_users": 70, "seed": 0,
    }  # fmt: skip
    return row | changes


def _metrics(*rows):
    return pl.DataFrame(rows, schema=Metrics.create_empty().schema)


def _value(metrics, title):
    (found,) = [row.value for row in challenge_rows(metrics) if row.title == title]
    return found


def test_a_runs_figures_are_shown_a_domain_after_the_other():
    metrics = _metrics(
        _row(seconds=3.5),
        _row(dataset="books", train_mix="books", value=0.5, ci_low=None, ci_high=None),
        _row(value=0.9, candidates="20"),
        _row(value=0.9, train_mix="all"),
        _row(value=0.125, train_mix="all-but-films", slice="target:cold"),
        _row(value=0.0625, slice="target:tail"),
    )
    assert (
        _value(metrics, "Evaluation") == "films 0.2500 (0.2000 to 0.3000, 70 users); books 0.5000 (70 users)"
    )
    assert _value(metrics, "Cold start").startswith("films 0.1250 ")
    assert _value(metrics, "Long tail").startswith("films 0.0625 ")
    assert _value(metrics, "Accuracy, latency and scale") == "films 50.00 ms"
    assert _value(metrics, "Hallucination") == ""


def test_a_handful_of_users_gives_no_figure():
    assert _value(_metrics(_row(n_users=3)), "Evaluation") == "films too few users (3)"


def test_seeds_are_averaged():
    metrics = _metrics(_row(value=0.1), _row(value=0.3, seed=1))
    assert _value(metrics, "Evaluation").startswith("films 0.2000 ")


def test_the_mean_of_seeds_is_quoted_with_its_own_interval_and_ablations_are_not_mixed_in():
    metrics = _metrics(
        _row(value=0.1),
        _row(value=0.3, seed=1),
        _row(metric=MEAN_OF_SEEDS, value=0.2, ci_low=0.18, ci_high=0.22),
        _row(arm=ABLATION, value=0.9, seconds=1000.0),
        _row(slice="target:tail", value=0.05),
        _row(slice="target:tail", value=0.07, seed=1),
    )
    assert _value(metrics, "Evaluation") == "films 0.2000 (0.1800 to 0.2200, 70 users)"
    assert _value(metrics, "Long tail").startswith("films 0.0600 ")
    assert _value(metrics, "Accuracy, latency and scale") == ""


def test_without_figures_all_challenges_are_listed():
    rows = challenge_rows(_metrics())
    assert [row.title for row in rows] == [one.title for one in CHALLENGES]
    assert {row.value for row in rows} == {""}


def test_explanations_are_asked_for_without_a_training_mix():
    hallucinated = _row(
        metric=judged.HALLUCINATED, model=judged.RATIONALES, train_mix=None, slice=WITH_RATIONALE, k=None,
        candidates="none", value=0.0,
    )  # fmt: skip
    assert _value(_metrics(hallucinated), "Hallucination").startswith("films 0.0000")
    assert Query("NDCG").rows(_metrics(hallucinated)).is_empty()


def test_the_page_is_the_generated_one_and_says_what_is_not_addressed():
    page = (DOCS / "challenges.md").read_text()
    assert page == text(), "run `python -m benchmarks.challenges`"
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == [one.title for one in CHALLENGES]
    assert page.count(f"**{NOT_ADDRESSED}.**") == 3
