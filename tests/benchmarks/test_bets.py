"""What the page of bets says is what was measured: on the same users, of histories cut as it says."""

import json

import numpy as np
import pytest

from benchmarks import bets
from benchmarks.bets_page import write_page
from benchmarks.kept_rows import renew, same
from pulse_pipeline.evaluation.ablations.material import Material
from pulse_pipeline.settings import Settings
from tests.evaluation.ablations.test_ablations import CONFIG, encode, material, read_otherwise, tables
from tests.thought_space.conftest import planted


def test_of_a_brief_history_only_the_latest_items_are_known():
    data = planted()
    brief = bets.Brief(**vars(data), known=3)
    for phase in ("valid", "test"):
        assert brief.history(5, phase).tolist() == data.history(5, phase).tolist()[-3:]
        assert brief.target(5, phase) == data.target(5, phase)
    assert np.array_equal(brief.evaluated_users("test"), data.evaluated_users("test"))


def kept(out, rows):
    renew(out, rows, same(rows, *bets.KEY))


@pytest.fixture
def rows(home):
    settings = Settings().model_copy(update={"thought_space": CONFIG})
    return list(bets.figures(material(), settings, range(2), "a model"))


def test_each_bet_is_a_difference_of_the_same_users(rows):
    assert {row["minus"] for row in rows} == set(bets.BETS)
    assert {row["reader"] for row in rows if row["minus"] == "no rationales"} == {"trained"}
    assert {row["users"] for row in rows if row["minus"] in bets.OF_USERS} == {"all"}
    for row in rows:
        assert row["difference"] == pytest.approx(row["ndcg@10"] - row["without"])
        assert row["low"] <= row["difference"] <= row["high"]


def test_beside_the_interval_over_users_stands_what_seeds_differ_by(rows):
    own, other = np.array([[0.4, 0.6], [0.5, 0.9]]), np.array([[0.3, 0.5], [0.6, 0.4]])
    told = bets.row(planted(), own, other)
    assert (told["seeds"], told["difference"]) == (2, pytest.approx(0.15))
    assert told["spread"] == pytest.approx(np.std([0.1, 0.2], ddof=1))
    assert bets.row(planted(), own[0], other[0])["spread"] is None
    assert {row["seeds"] for row in rows if row["reader"] == "trained"} == {2}
    assert {row["spread"] for row in rows if row["reader"] == "untrained"} == {None}


@pytest.fixture(scope="module")
def zero_shot():
    source = Material("films", "loo", tables(), encode, another=read_otherwise)
    return list(bets.abroad(material(), [source], CONFIG, "a model"))


def test_abroad_each_bet_is_what_readers_fitted_elsewhere_take_along(zero_shot):
    assert {row["minus"] for row in zero_shot} == set(bets.BETS) - set(bets.OF_USERS)
    assert {(row["reader"], row["sources"], row["users"]) for row in zero_shot} == {
        ("zero-shot", "films", "all")
    }
    for row in zero_shot:
        assert row["difference"] == pytest.approx(row["ndcg@10"] - row["without"])
        assert row["low"] <= row["difference"] <= row["high"]
    assert any(row["difference"] for row in zero_shot)


def test_zero_shot_rows_stand_beside_those_at_home(rows, zero_shot, tmp_path):
    out = tmp_path / "bets.json"
    kept(out, rows)
    kept(out, zero_shot)
    assert len(json.loads(out.read_text())) == len(rows) + len(zero_shot)
    write_page(out)
    page = out.with_suffix(".md").read_text()
    row = next(row for row in zero_shot if row["minus"] == "no item thoughts")
    assert "| zero-shot from films |" in page
    assert (
        f" | {row['difference']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f}), p {row['p']:.3f} |\n" in page
    )


def test_a_domains_rows_are_renewed_and_shown(rows, tmp_path):
    out = tmp_path / "bets.json"
    kept(out, [{**rows[0], "domain": "elsewhere"}])
    kept(out, rows)
    kept(out, rows)
    assert len(json.loads(out.read_text())) == len(rows) + 1
    write_page(out)
    page = out.with_suffix(".md").read_text()
    assert page.count("\n## ") == 4
    gained = next(row for row in rows if row["minus"] == "no item thoughts" and row["reader"] == "trained")
    beside = page[page.index("## The language model") :].split("\n## ")[0]
    assert f"{gained['difference']:+.4f} (" in beside
    assert f"| {gained['items_written']} of {gained['n_items']} |" in beside
    assert 0 < gained["items_written"] < gained["n_items"]
    assert page.count("| no item thoughts |") == 2 + sum(row["minus"] == "no item thoughts" for row in rows)
    summary = page[page.index("## Bet by bet") :].split("\n## ")[0]
    assert f"| 1 item thoughts | no item thoughts | shop | a model | {gained['difference']:+.4f} (" in summary


def test_what_was_written_about_arrivals_is_told_beside(rows, tmp_path):
    row = {"sources": "films", "target": "games", "users": 9, "ndcg@10": 0.25}
    told = "+0.0100 (-0.0100 to +0.0300), p 0.310"
    arrivals = [
        row | {"experiment": "arrivals", "model": "left out", "ours_minus_it": None},
        row | {"experiment": "arrivals, bridging rationales", "model": "PULSE", "ours_minus_it": None},
        row | {"experiment": "arrivals, bridging rationales", "model": "none", "ours_minus_it": told},
    ]
    (tmp_path / "transfer.json").write_text(json.dumps(arrivals))
    kept(tmp_path / "bets.json", rows)
    write_page(tmp_path / "bets.json")
    page = (tmp_path / "bets.md").read_text()
    assert f"| films, games | first item | none | 9 | 0.2500 | {told} |" in page
    assert "left out" not in page


def tuned(folder, weights):
    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").write_bytes(weights)
    return bets._read_by(folder, list(bets.BETS), Settings())


def test_a_tuned_encoder_is_run_alone_and_is_another_when_tuned_again(tmp_path):
    first, run = tuned(tmp_path / "tuned", b"one")
    assert run == [bets.ANOTHER]
    again, _ = tuned(tmp_path / "tuned", b"two")
    assert first.fingerprint() != again.fingerprint()
    assert tuned(tmp_path / "tuned", b"two")[0] == again


def test_no_other_encoder_is_loaded_where_none_is_asked_for():
    assert bets._read_by(None, ["no rationales"], Settings()) == (None, ["no rationales"])
