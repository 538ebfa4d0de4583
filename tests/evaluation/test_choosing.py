"""Choosing among candidates: the draw, the ranks, and that chance has chance's figures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulse_pipeline.evaluation.candidates import drawn_candidates, read_candidates
from pulse_pipeline.evaluation.choosing import (
    SIZES,
    asked_choices,
    candidate_ranks,
    drawn_users,
    evaluate_choices,
    hit_difference,
)
from pulse_pipeline.evaluation.evaluate import Origin
from pulse_pipeline.reasoner.choices import Choice
from pulse_pipeline.reasoner.config import ReasonerConfig
from tests.thought_space.conftest import planted

NOBODY = np.zeros(1000, dtype=np.bool_)
ORIGIN = Origin("chance", None, 0, "faithful", None, None)


@pytest.fixture(scope="module")
def data():
    return planted(n_users=300)


def frozen(data, size=20):
    """The candidates of all test users."""
    return list(read_candidates(drawn_candidates(data, 0), data).items[:, :size])


def asked(data, users, candidates, rationales=None, **settings):
    titles = {item: f"title {item}" for item in data.item_ids}
    told = rationales or {}
    return asked_choices(
        data, users, candidates, titles=titles, rationales=told, config=ReasonerConfig(**settings)
    )


def test_users_are_drawn_so_that_more_hold_fewer(data):
    few, many = drawn_users(data, 10), drawn_users(data, 50)
    assert len(few) == 10
    assert set(few) < set(many)
    assert np.array_equal(drawn_users(data, 10**6), data.evaluated_users("test"))


def test_a_choice_shows_the_latest_titles_newest_first_and_hides_which_is_meant(data):
    users = data.evaluated_users("test")
    choices = asked(data, users, frozen(data), {data.user_ids[users[0]]: "because"})
    for user, choice in zip(users, choices, strict=True):
        history = data.history(user, "test")
        assert choice.history == tuple(f"title {data.item_ids[item]}" for item in history[:-6:-1])
        assert choice.candidates[choice.answer] == f"title {data.item_ids[data.target(user, 'test')]}"
    assert [choice.rationale for choice in choices[:2]] == ["because", None]
    assert len({choice.answer for choice in choices}) == max(SIZES)


@pytest.mark.parametrize(
    ("settings", "shown"),
    [({"history_items": 2}, 2), ({"history_items": 5, "evaluated_history_items": 3}, 3)],
)
def test_evaluation_shows_what_training_shows_unless_it_is_told_otherwise(data, settings, shown):
    users = data.evaluated_users("test")
    long = [len(data.history(user, "test")) >= 5 for user in users]
    choices = asked(data, users, frozen(data), **settings)
    assert {len(choice.history) for choice, enough in zip(choices, long, strict=True) if enough} == {shown}


@given(st.lists(st.floats(-5, 5, width=32), min_size=2, max_size=20), st.data())
@settings(max_examples=50)
def test_ranks_are_pessimistic(scores, draw):
    answer = draw.draw(st.integers(0, len(scores) - 1))
    choice = Choice((), tuple(map(str, scores)), answer, None)
    (rank,) = candidate_ranks([np.array(scores, dtype=np.float32)], [choice])
    better = sum(score > scores[answer] for score in scores)
    tied = sum(score == scores[answer] for score in scores)
    assert rank == better + tied


@pytest.mark.parametrize("size", SIZES)
def test_random_scores_give_chance(data, size):
    users = data.evaluated_users("test")
    choices = asked(data, users, frozen(data, size))
    rng = np.random.default_rng(0)
    scores = [rng.random(size).astype(np.float32) for _ in choices]
    found = evaluate_choices(
        candidate_ranks(scores, choices), size, data, ORIGIN, NOBODY[: len(choices)]
    ).metrics
    values = {(row["metric"], row["k"]): row for row in found.iter_rows(named=True)}
    for metric, value in (
        ("HR", 1 / size),
        ("MRR", np.mean(1 / np.arange(1, size + 1))),
        ("NDCG", np.mean(1 / np.log2(np.arange(2, size + 2)))),
    ):
        row = values[metric, 1 if metric == "HR" else size]
        error = (row["ci_high"] - row["ci_low"]) / 4
        assert abs(row["value"] - value) < 3.5 * error
        assert (row["candidates"], row["arm"], row["n_users"]) == (str(size), "faithful", len(users))
    assert ("HR", size) not in values


def test_the_first_of_the_candidates_shown_is_no_better_than_chance(data):
    """A model that always likes what stands first must not find the target there."""
    users = data.evaluated_users("test")
    choices = asked(data, users, frozen(data))
    scores = [-np.arange(20, dtype=np.float32) for _ in choices]
    assert np.mean(candidate_ranks(scores, choices) == 1) == pytest.approx(0.05, abs=0.04)


def test_a_difference_compares_users_with_themselves(data):
    told = np.array([True, True, False, False])
    first = evaluate_choices(np.array([1, 1, 2, 3]), 5, data, ORIGIN, told)
    second = evaluate_choices(np.array([1, 2, 2, 3]), 5, data, ORIGIN, told)
    row = hit_difference(first, second, told).row(0, named=True)
    assert row["value"] == pytest.approx(0.5)
    assert (row["metric"], row["slice"], row["n_users"]) == ("HR difference", "rationale:yes", 2)
    assert hit_difference(first, second, ~NOBODY[:4])["value"][0] == 0.25
    assert hit_difference(first, first, told)["value"][0] == 0


def test_users_with_and_without_a_rationale_have_rows_of_their_own(data):
    told = np.array([True, False, False])
    found = evaluate_choices(np.array([1, 2, 4]), 5, data, ORIGIN, told).metrics.filter(metric="HR", k=1)
    values = {row["slice"]: (row["value"], row["n_users"]) for row in found.iter_rows(named=True)}
    assert values == {"all": (pytest.approx(1 / 3), 3), "rationale:yes": (1.0, 1), "rationale:no": (0.0, 2)}
    assert set(evaluate_choices(np.array([1]), 5, data, ORIGIN, told[:1]).metrics["slice"]) == {"all"}
