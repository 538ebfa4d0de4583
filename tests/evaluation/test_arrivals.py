"""People who arrive: nothing of the tested ones is learned, and what their past tells is found."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from pulse_pipeline.evaluation.arrival_evaluation import AMONG, evaluate_arrivals
from pulse_pipeline.evaluation.arrivals import TEST_SHARE, Arrivals
from pulse_pipeline.evaluation.crossing import Crossing, Weights
from pulse_pipeline.evaluation.evaluate import difference
from pulse_pipeline.evaluation.in_domain import MODEL, SHUFFLED, WITHOUT
from pulse_pipeline.thought_space.data import DomainData
from tests.thought_space.conftest import WIDTH, unit

N_USERS, N_ITEMS, LENGTH = 240, 60, 6


def domain(name, tastes, items, rng, turned=None):
    """Choices by taste; where `turned` is given, the texts of the items do not speak of it."""
    logits = 3 * unit(tastes) @ unit(items).T * np.sqrt(WIDTH)
    chosen = np.argsort(-(logits + rng.gumbel(size=logits.shape)), axis=1)[:, :LENGTH]
    return DomainData(
        domain=name,
        protocol="loo",
        user_ids=[f"u{user}" for user in range(len(tastes))],
        item_ids=[f"{name}{item}" for item in range(len(items))],
        item_vectors=unit(items if turned is None else items @ turned),
        sequences=list(chosen),
        n_train=np.full(len(tastes), LENGTH - 2),
        n_known=np.full(len(tastes), LENGTH - 1),
    )


def told(source: DomainData) -> pl.DataFrame:
    return pl.DataFrame({"user_id": source.user_ids, "target_position": source.n_train})


@pytest.fixture(scope="module")
def world():
    """Two domains of the same people with the same tastes; the second's texts speak another language."""
    rng = np.random.default_rng(3)
    tastes = rng.normal(size=(N_USERS, WIDTH))
    turned = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0]
    source = domain("films", tastes, rng.normal(size=(N_ITEMS, WIDTH)), rng)
    target = domain("games", tastes, rng.normal(size=(N_ITEMS, WIDTH)), rng, turned)
    return source, target, unit(tastes @ turned)


@pytest.fixture(scope="module")
def arrivals(world):
    source, target, _ = world
    return Arrivals.between(source, target, told(source))


def test_people_are_parted_by_their_ids(arrivals):
    assert 0.25 < arrivals.tested.mean() < 0.55
    assert np.array_equal(arrivals.tested, arrivals.place < TEST_SHARE)
    assert set(arrivals.folds[arrivals.tested]) == {-1}
    assert set(arrivals.folds[~arrivals.tested]) == set(range(5))


def test_at_the_door_nobody_has_a_history(arrivals):
    door = arrivals.door(arrivals.tested)
    for person, item in zip(arrivals.people[arrivals.tested], arrivals.chosen[arrivals.tested], strict=True):
        assert len(door.history(person, "test")) == 0
        assert door.target(person, "test") == item == arrivals.target.sequences[person][0]
    others = np.setdiff1d(np.arange(N_USERS), arrivals.people[arrivals.tested])
    assert np.array_equal(door.n_train[others], arrivals.target.n_train[others])


def test_only_what_is_told_of_the_source_is_read(world):
    source, target, _ = world
    short = told(source).with_columns(target_position=2).filter(pl.col("user_id") != "u0")
    found = Arrivals.between(source, target, short)
    assert [list(items) for items in found.told] == [list(items[:2]) for items in source.sequences[1:]]
    assert "u0" not in {target.user_ids[person] for person in found.people}


def test_a_drawn_item_is_any_of_the_sequence_and_the_same_every_time(world):
    source, target, _ = world
    drawn = Arrivals.between(source, target, told(source), drawn=True)
    places = [
        list(target.sequences[person]).index(item)
        for person, item in zip(drawn.people, drawn.chosen, strict=True)
    ]
    assert set(places) == set(range(LENGTH))
    assert np.array_equal(Arrivals.between(source, target, told(source), drawn=True).chosen, drawn.chosen)


def test_what_the_tested_do_later_changes_no_score(world):
    source, target, _ = world
    first = Arrivals.between(source, target, told(source))
    changed = list(target.sequences)
    for person in first.people[first.tested]:
        changed[person] = np.concatenate([changed[person][:1], np.full(LENGTH - 1, 7)])
    second = Arrivals.between(source, replace(target, sequences=changed), told(source))
    users = first.people[first.tested]
    one, other = (
        Crossing("ours", each).score(each.door(each.tested), users, "test") for each in (first, second)
    )
    assert np.array_equal(one, other)


def test_alike_people_tell_what_texts_cannot(arrivals):
    found = evaluate_arrivals(arrivals)
    popular, text, among, ours = found
    assert [one.metrics["model"][0] for one in found][-2:] == [AMONG, MODEL]
    assert all(difference(ours, other).low > 0 for other in (popular, text, among))
    assert Crossing("ours", arrivals).weights.sharpness > 0
    row = ours.metrics.filter(slice="arrivals:films", metric="NDCG", k=10)
    assert row["n_users"].item() == arrivals.tested.sum()
    assert row["train_mix"].item() == "films+games"
    assert row["p_value_vs_best_baseline"].is_not_null().all()


def test_a_rationale_in_the_targets_words_adds_and_anothers_does_not(world):
    source, target, tastes = world
    rng = np.random.default_rng(0)
    written = pl.DataFrame({"user_id": target.user_ids}).with_columns(
        vector=pl.Series((tastes + 0.1 * rng.normal(size=tastes.shape) + 0.3).astype(np.float32))
    )
    found = evaluate_arrivals(Arrivals.between(source, target, told(source), written))
    own, without, shuffled = found[-3:]
    assert [one.metrics["model"][0] for one in found[-3:]] == [MODEL, WITHOUT, SHUFFLED]
    assert difference(own, without).low > 0
    assert difference(own, shuffled).low > 0
    assert difference(shuffled, without).value < difference(own, without).value / 2


def test_nothing_is_told_where_nobody_is_left_to_learn_from(arrivals):
    alone = replace(arrivals, place=np.zeros_like(arrivals.place))
    assert evaluate_arrivals(alone) == []


def test_given_weights_are_not_fitted(arrivals):
    assert Crossing("plain", arrivals, weights=Weights(sharpness=2.0)).weights == Weights(sharpness=2.0)
