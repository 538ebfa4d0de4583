"""What the page of writers says is what was measured, on the users who have a rationale."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import writers
from benchmarks.writers_page import write_page
from tests.evaluation.ablations.test_ablations import CONFIG
from tests.thought_space.conftest import planted


def some_without(data):
    rationales = data.rationales
    serving = rationales.serving.copy()
    serving[::3] = np.nan
    return replace(data, rationales=replace(rationales, serving=serving))


@pytest.fixture(scope="module")
def gains(tmp_path_factory):
    kept = tmp_path_factory.mktemp("kept")
    domains = [some_without(planted()), some_without(planted("games", seed=1))]
    return {data.domain: writers.by_serving(data, CONFIG, range(2), kept) for data in domains}


def test_a_row_says_what_the_users_with_a_rationale_gain(gains):
    films, games, together = writers.rows(gains, "a model", 2)
    assert (films["users"], together["users"]) == (80, 160)
    assert together["domains"] == ["films", "games"]
    for own, other in writers.COMPARED:
        said = films[f"{own} minus {other}"]
        gained = (gains["films"][own] - gains["films"][other]).mean()
        assert said["value"] == pytest.approx(gained)
        assert said["low"] <= gained <= said["high"]
        halves = (films[f"{own} minus {other}"]["value"] + games[f"{own} minus {other}"]["value"]) / 2
        assert together[f"{own} minus {other}"]["value"] == pytest.approx(halves)
    assert films["in full minus without"]["value"] > 0


def test_what_was_trained_is_not_trained_again(tmp_path, monkeypatch):
    data = planted()
    first = writers.by_serving(data, CONFIG, range(1), tmp_path)
    monkeypatch.setattr(writers, "train", None)
    again = writers.by_serving(data, CONFIG, range(1), tmp_path)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_writers_rows_are_renewed_and_shown(gains, tmp_path):
    out = tmp_path / "writers.json"
    found = list(writers.rows(gains, "a model", 2))
    writers._keep(out, [{**found[0], "writer": "another"}])
    writers._keep(out, found)
    writers._keep(out, found)
    assert len(json.loads(out.read_text())) == len(found) + 1
    write_page(out)
    gained = found[-1]["in full minus without"]["value"]
    (line,) = [line for line in out.with_suffix(".md").read_text().splitlines() if "films + games" in line]
    assert f"| {gained:+.4f} (" in line


def test_of_domains_together_nothing_stays_that_one_of_them_has_outlived(gains, tmp_path):
    out = tmp_path / "writers.json"
    writers._keep(out, list(writers.rows(gains, "a model", 2)))
    writers._keep(out, list(writers.rows({"films": gains["films"]}, "a model", 1)))
    assert [row["domains"] for row in json.loads(out.read_text())] == [["games"], ["films"]]
