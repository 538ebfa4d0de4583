"""What is taken lately: counted by the calendar, of training alone, weighed on validation, only at home."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.evaluation.baselines.recent_popularity import RecentPopularity, RecentPopularityConfig
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.identity import content
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train
from pulse_pipeline.thought_space.trend import SHARE, latest_counts, trend

COUNTED = ThoughtSpaceConfig(device="cpu", epochs=0, following_weights=(0.0,))
N_ITEMS, LENGTH = 60, 6


def _domain(sequences, times, seed=0):
    """Texts that say nothing."""
    rng = np.random.default_rng(seed)
    lengths = np.array([len(sequence) for sequence in sequences])
    return DomainData(
        domain="fads",
        protocol="loo",
        user_ids=[f"u{n}" for n in range(len(sequences))],
        item_ids=[f"i{n}" for n in range(N_ITEMS)],
        item_vectors=rng.normal(size=(N_ITEMS, 16)).astype(np.float32),
        sequences=sequences,
        n_train=lengths - 2,
        n_known=lengths - 1,
        times=times,
    )


def _world(*, fads, seed=0, users=200):
    """Everybody chooses at the same moments; with fads of a few items, which change slowly."""
    rng = np.random.default_rng(seed)

    def choice(moment):
        pool = moment + np.arange(8) if fads else np.arange(N_ITEMS)
        return rng.choice(pool)

    sequences = [np.array([choice(moment) for moment in range(LENGTH)]) for _ in range(users)]
    return _domain(sequences, [np.arange(LENGTH) for _ in range(users)], seed)


def test_the_latest_interactions_of_all_count_and_not_each_users():
    early, late = np.array([0, 1, 2, 3, 9, 9]), np.array([4, 5, 6, 7, 9, 9])
    data = _domain([early, late], [np.arange(6), np.arange(10, 16)])
    counts = latest_counts(data, share=0.5)
    assert np.flatnonzero(counts).tolist() == [4, 5, 6, 7]
    assert np.flatnonzero(latest_counts(data, share=1.0)).tolist() == list(range(8))


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1.0))
def test_what_is_no_training_counts_nothing(seed, share):
    data, rng = _world(fads=False, seed=seed % 97, users=12), np.random.default_rng(seed)
    later = [np.append(items[:-2], rng.integers(N_ITEMS, size=2)) for items in data.sequences]
    moments = [np.append(own[:-2], own[-2:] + rng.integers(50)) for own in data.times]
    counts = latest_counts(data, share)
    assert counts.sum() >= share * data.n_train.sum() - 1
    assert (latest_counts(replace(data, sequences=later, times=moments), share) == counts).all()


def test_without_times_nothing_is_taken_lately():
    data = replace(_world(fads=True), times=None)
    assert latest_counts(data) is None
    assert not trend(data).any()
    assert float(train("fads", [data], COUNTED).model.home("fads").trend) == 0


def test_a_fad_is_found_and_ranks():
    data = _world(fads=True)
    model = train("fads", [data], COUNTED).model
    blind = train("fads", [data], COUNTED.model_copy(update={"trend_weights": (0.0,)})).model
    users = data.evaluated_users("test")
    targets = [data.target(user, "test") for user in users]
    ranks = []
    for one in (model, blind):
        scores = ThoughtSpaceRanker(one).score(data, users, "test")
        ranks.append((scores >= scores[np.arange(len(users)), targets][:, None]).sum(axis=1).mean())
    assert float(model.home("fads").trend) > 0
    assert ranks[0] < 0.75 * ranks[1]


def test_noise_weighs_nothing():
    weights = [
        float(train("fads", [_world(fads=False, seed=seed)], COUNTED).model.home("fads").trend)
        for seed in range(5)
    ]
    assert weights.count(0.0) >= 4


def test_abroad_nothing_is_counted():
    data = _world(fads=True)
    model = train("fads", [data], COUNTED).model
    foreign = replace(data, domain="elsewhere")
    abroad = ThoughtSpaceRanker(model, abroad=True).score(data, np.arange(5), "test")
    assert ThoughtSpaceRanker(model).score(foreign, np.arange(5), "test") == pytest.approx(abroad)


def test_recent_popularity_goes_by_the_calendar_where_there_is_one():
    data = _world(fads=True)
    assert (
        RecentPopularity().fit(data).score(data, np.arange(2), "test") == latest_counts(data, SHARE)
    ).all()
    each = RecentPopularity(RecentPopularityConfig(last=1)).fit(replace(data, times=None))
    last = np.bincount([own[LENGTH - 3] for own in data.sequences], minlength=N_ITEMS)
    assert (each.score(data, np.arange(2), "test") == last).all()


def test_other_times_are_other_data():
    data = _world(fads=True)
    moved = replace(data, times=[own + (own > 1) for own in data.times])
    assert content(data) != content(moved)


def test_the_parts_of_a_score_are_its_sum():
    data = _world(fads=True)
    model = train("fads", [data], ThoughtSpaceConfig(device="cpu", epochs=0)).model
    bias = torch.arange(N_ITEMS) / N_ITEMS
    with torch.no_grad():
        model.home("fads").following.fill_(2.0)
        model.home("fads").bias.copy_(bias)
    ranker = ThoughtSpaceRanker(model)
    parts = ranker.parts(data, 3, "test")
    whole = ranker.score(data, np.array([3]), "test")[0]
    added = parts.thought + parts.item + parts.following + parts.trend
    assert added == pytest.approx(whole, abs=1e-4)
    assert parts.item == pytest.approx(bias.numpy())
    assert parts.trend == pytest.approx(float(model.home("fads").trend) * trend(data))
    assert parts.trend.any()
    assert parts.following.any()
    abroad = ThoughtSpaceRanker(model, abroad=True).parts(data, 3, "test")
    assert not abroad.following.any()
    assert not abroad.trend.any()


def test_without_validation_items_nothing_counted_weighs():
    data = _world(fads=True)
    home = train("fads", [replace(data, n_known=data.n_train)], COUNTED).model.home("fads")
    assert float(home.trend) == float(home.following) == 0
