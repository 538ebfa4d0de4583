"""One pass over the scores says what several plain loops say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulse_pipeline.evaluation.candidates import drawn_candidates, read_candidates
from pulse_pipeline.evaluation.metrics import CUTOFFS, LISTED
from pulse_pipeline.evaluation.ranking import top_k, user_ranks
from pulse_pipeline.evaluation.standings import later_items, standings
from pulse_pipeline.evaluation.standings_table import read_standings, standings_table
from pulse_pipeline.thought_space.data import DomainData
from tests.evaluation.test_ranking import Given, domain, plain_rank


@st.composite
def worlds(draw: st.DrawFn) -> tuple[DomainData, Given]:
    """Sequences that may hold an item twice, scores with ties, one to five later items."""
    n_items = draw(st.sampled_from([6, 30]))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    lengths = generator.integers(2, 12, size=draw(st.integers(1, 8)))
    data = domain([generator.integers(0, n_items, length).tolist() for length in lengths], n_items)
    data.n_known[:] = np.maximum(lengths - generator.integers(1, 6, len(lengths)), 1)
    levels = draw(st.sampled_from([2, 5, 10**6]))
    return data, Given(generator.integers(0, levels, size=(len(lengths), n_items)).astype(float))


@settings(max_examples=80)
@given(worlds())
def test_all_of_it_is_what_plain_loops_say(world: tuple[DomainData, Given]) -> None:
    data, ranker = world
    candidates = read_candidates(drawn_candidates(data, 0), data)
    ranked = standings(ranker, data, "test", candidates)
    assert np.array_equal(ranked.users, data.evaluated_users("test"))
    assert np.array_equal(ranked.ranks, user_ranks(ranker, data, "test").ranks)
    assert np.array_equal(ranked.top, top_k(ranker, data, ranked.users, "test", LISTED).items)
    assert set(ranked.among) == set(candidates.sizes)
    for row, user in enumerate(ranked.users):
        scores = ranker.table[user].tolist()
        history = set(data.history(user, "test").tolist())
        later = set(data.sequences[user][data.n_known[user] :].tolist())
        ranks = [plain_rank(scores, history, item) for item in later]
        assert ranked.wanted[row] == len(later)
        assert ranked.found[row].tolist() == [sum(rank <= k for rank in ranks) for k in CUTOFFS]
        for size in candidates.sizes:
            shown = candidates.items[row, :size]
            assert ranked.among[size][row] == sum(scores[item] >= scores[shown[0]] for item in shown)


@settings(max_examples=30)
@given(worlds())
def test_a_table_holds_all_of_it(world: tuple[DomainData, Given]) -> None:
    data, ranker = world
    ranked = standings(ranker, data, "test", read_candidates(drawn_candidates(data, 0), data))
    again = read_standings(standings_table(ranked, data).sample(fraction=1, shuffle=True, seed=1), data)
    for name in ("users", "ranks", "found", "wanted", "top"):
        assert np.array_equal(getattr(again, name), getattr(ranked, name)), name
    assert again.among.keys() == ranked.among.keys()
    assert all(np.array_equal(again.among[size], ranked.among[size]) for size in ranked.among)


def test_later_items_of_validation_end_where_the_test_begins() -> None:
    data = domain([[0, 1, 2, 3]], n_items=5)
    users = np.array([0])
    assert [items.tolist() for items in later_items(data, users, "valid")] == [[2]]
    assert [items.tolist() for items in later_items(data, users, "test")] == [[3]]


def test_candidates_of_other_users_are_refused() -> None:
    data, more = domain([[0, 1, 2]], n_items=9), domain([[0, 1, 2]] * 2, n_items=9)
    other = read_candidates(drawn_candidates(more, 0), more)
    fewer = replace(other, users=other.users[1:], items=other.items[1:])
    with pytest.raises(ValueError, match="no candidates for some"):
        standings(Given(np.zeros((1, 9))), data, "test", fewer)


@settings(max_examples=20)
@given(worlds())
def test_some_users_stand_where_they_stand_among_all(world: tuple[DomainData, Given]) -> None:
    data, ranker = world
    candidates = read_candidates(drawn_candidates(data, 0), data)
    every = standings(ranker, data, "test", candidates)
    some = standings(ranker, data, "test", candidates, users=every.users[::2])
    for name in ("users", "ranks", "found", "wanted", "top"):
        assert np.array_equal(getattr(some, name), getattr(every, name)[::2]), name
    assert all(np.array_equal(some.among[size], every.among[size][::2]) for size in candidates.sizes)


def test_ranks_that_are_missing_are_an_error() -> None:
    data = domain([[0, 1, 2]] * 3, n_items=9)
    table = standings_table(standings(Given(np.zeros((3, 9))), data), data)
    with pytest.raises(ValueError, match="missing"):
        read_standings(table.head(2), data)


def test_masked_items_are_no_rivals_to_a_score_of_minus_infinity():
    data = domain([[0, 1, 2, 3, 4, 5]], 8)
    table = np.full((1, 8), -np.inf, dtype=np.float32)
    table[0, 6] = 1.0
    ranked = standings(Given(table), data)
    assert ranked.ranks.tolist() == [3]  # unseen are 5, 6 and 7; ties count against the target
    assert ranked.found[0].tolist() == [0, 1, 1, 1]
