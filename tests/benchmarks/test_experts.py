"""Experts begin as the plain reading, learn from sources alone, and are chosen by a source held out."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import experts
from benchmarks.experts import Course, Setting, plain_reading, taught
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker

WIDTH, TASTES, N_ITEMS, N_USERS = 16, 4, 60, 50
CONFIG = ThoughtSpaceConfig(
    device="cpu", precision="float32", batch_size=16, decays=(1.0, 0.6), flattenings=(0.0,)
)
SETTING = Setting(experts=2, rank=4, learning_rate=0.03, decay=0.1)


def domain(name, seed):
    """Users of one taste each; it looks the same everywhere, and most of a text is about something else."""
    rng = np.random.default_rng(seed)
    taste = np.arange(N_ITEMS) % TASTES
    vectors = rng.normal(size=(N_ITEMS, WIDTH)).astype(np.float32)
    vectors[:, :TASTES] = np.eye(TASTES)[taste]
    pools = [np.flatnonzero(taste == one) for one in range(TASTES)]
    sequences = [rng.permutation(pools[user % TASTES])[:8] for user in range(N_USERS)]
    lengths = np.full(N_USERS, 8)
    return DomainData(
        domain=name,
        protocol="loo",
        user_ids=[f"u{user:02}" for user in range(N_USERS)],
        item_ids=[f"i{item:02}" for item in range(N_ITEMS)],
        item_vectors=vectors,
        sequences=sequences,
        n_train=lengths - 2,
        n_known=lengths - 1,
    )


@pytest.fixture(scope="module")
def sources():
    return [domain("films", 1), domain("books", 2)]


def scores(model, data):
    return ThoughtSpaceRanker(model).score(data, np.arange(N_USERS), "test")


def after(sources, epochs, setting=SETTING):
    """The model after so many epochs, and what it departs from."""
    plain = plain_reading(sources, CONFIG)
    epoch = taught(plain, sources, setting)
    return [next(epoch) for _ in range(epochs + 1)][-1], plain


@pytest.mark.parametrize("n", [1, 2, 4])
def test_untrained_it_is_the_plain_reading(sources, n):
    model, plain = after(sources, 0, replace(SETTING, experts=n))
    games = domain("games", 3)
    assert np.allclose(scores(model, games), scores(plain, games), atol=1e-5)


def test_what_sources_teach_is_used_in_a_domain_that_had_no_part_in_it(sources):
    (course, _) = experts.courses(sources, [SETTING], 4, CONFIG)
    assert (course.held_out, course.taught_by) == ("films", "books")
    assert course.gains.shape == (5, N_USERS)
    assert course.gains[4].mean() > course.gains[0].mean() + 0.1


def test_only_experts_and_temperature_learn(sources):
    model, plain = after(sources, 1)
    for name, value in plain.abroad.state_dict().items():
        assert torch.equal(value, model.abroad.state_dict()[name]) == (name != "log_temperature")
    assert all(expert.up.weight.any() for expert in model.experts.maps)


def test_an_item_without_text_stays_without(sources):
    games = domain("games", 3)
    games.item_vectors[5] = 0
    model, _ = after(sources, 1)
    assert not scores(model, games)[:, 5].any()


def test_the_choice_is_of_the_best_mean_and_never_of_no_epoch():
    one, other = SETTING, replace(SETTING, experts=4)
    tried = [
        Course("films", "books", one, np.array([[0.9], [0.2], [0.1]])),
        Course("films", "books", other, np.array([[0.9], [0.3], [0.1]])),
        Course("books", "films", one, np.array([[0.9], [0.2], [0.6]])),
        Course("books", "films", other, np.array([[0.9], [0.3], [0.1]])),
    ]
    assert experts.best(tried) == (one, 2)
    assert experts.best(tried[:2]) == (other, 1)


@pytest.fixture
def run(monkeypatch, tmp_path):
    def rows(target):
        shops = {data.domain: data for data in (domain("films", 1), domain("books", 2), target)}
        monkeypatch.setattr(experts, "stored_data", lambda name, **_: shops[name])
        monkeypatch.setattr(experts, "unseen_target", lambda name, _: shops[name])
        monkeypatch.setattr(experts, "load_settings", lambda: SimpleNamespace(thought_space=CONFIG))
        out = tmp_path / "transfer.json"
        about = ["--sources", "films", "books", "--target", "games"]
        grid = ["--experts", "1", "2", "--rates", "0.01", "--decays", "0.1", "--epochs", "2"]
        monkeypatch.setattr(sys, "argv", ["experts", *about, *grid, "--out", str(out)])
        experts.main()
        return json.loads(out.read_text())

    return rows


def test_the_targets_interactions_are_never_read_in_training(run, monkeypatch):
    """Whatever the target's users do, the same is chosen and the same experts are taught."""
    games, scored = domain("games", 3), []
    measured = experts.evaluate_ranker

    def watched(ranker, *about, **more):
        scored.append(ranker.score(games, np.arange(N_USERS), "test"))
        return measured(ranker, *about, **more)

    monkeypatch.setattr(experts, "evaluate_ranker", watched)
    rows = run(games)
    others = run(replace(games, sequences=[(items + 1) % N_ITEMS for items in games.sequences]))
    first, second = np.split(np.array(scored), 2)
    assert np.array_equal(first, second)
    assert not np.allclose(first[1], first[2])
    judged = [[row for row in found if row["experiment"] == experts.JUDGED] for found in (rows, others)]
    assert judged[0] == judged[1]
    assert {(row["target"], row["train_mix"]) for row in judged[0]} == {
        ("films", "books"),
        ("books", "films"),
    }


def test_rows_hold_experts_against_the_reading_without(run):
    rows = [row for row in run(domain("games", 3)) if row["experiment"] == experts.EXPERIMENT]
    floor, without, own = rows
    assert floor["model"] == "text-kNN centred"
    assert without["model"] == "PULSE, no experts"
    assert own["minus_no_experts"].startswith(f"{own['ndcg@10'] - without['ndcg@10']:+.4f}")
    assert own["experts"] in {1, 2}
    assert own["epochs"] in {1, 2}


@pytest.mark.parametrize(("sources", "target"), [(["films"], "games"), (["films", "games"], "games")])
def test_one_source_cannot_be_held_out_and_the_target_is_none(monkeypatch, capsys, sources, target):
    monkeypatch.setattr(sys, "argv", ["experts", "--sources", *sources, "--target", target])
    with pytest.raises(SystemExit):
        experts.main()
    assert "judged by a source that is held out" in capsys.readouterr().err
