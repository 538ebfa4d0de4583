"""What the page of writers says is what was measured, on the users who have a rationale."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import writers
from benchmarks.writers_page import write_page
from pulse_pipeline.thought_space.travelling import train_to_travel
from tests.evaluation.ablations.test_ablations import CONFIG
from tests.thought_space.conftest import planted


def some_without(data):
    rationales = data.rationales
    serving = rationales.serving.copy()
    serving[::3] = np.nan
    return replace(data, rationales=replace(rationales, serving=serving))


def two_domains():
    return [some_without(planted()), some_without(planted("games", seed=1))]


def at_home(data, seeds, kept):
    return writers.by_serving(data, [[data], [replace(data, rationales=None)]], CONFIG, seeds, kept)


@pytest.fixture(scope="module")
def gains(tmp_path_factory):
    kept = tmp_path_factory.mktemp("kept")
    return {data.domain: at_home(data, range(2), kept) for data in two_domains()}


def test_a_row_says_what_the_users_with_a_rationale_gain(gains):
    films, games, together = writers.rows(gains, "a model", writers.AT_HOME, 2)
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
    assert "cold" not in films  # all have seven items


def test_users_of_few_items_are_a_column_where_there_are_enough(gains):
    films = gains["films"]
    few = films | {writers.KNOWN: np.where(np.arange(80) < 12, 3.0, 7.0)}
    (row,) = writers.rows({"films": few}, "a model", writers.AT_HOME, 2)
    assert row["cold"]["users"] == 12
    assert row["cold"]["value"] == pytest.approx((films["in full"] - films["without"])[:12].mean())
    (row,) = writers.rows({"films": few | {writers.KNOWN: np.full(80, 4.0)}}, "a model", writers.AT_HOME, 2)
    assert "cold" not in row


def test_what_was_trained_is_not_trained_again(tmp_path, monkeypatch):
    data = planted()
    first = at_home(data, range(1), tmp_path)
    monkeypatch.setattr(writers, "train", None)
    again = at_home(data, range(1), tmp_path)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_writers_rows_are_renewed_and_shown(gains, tmp_path):
    out = tmp_path / "writers.json"
    found = list(writers.rows(gains, "a model", writers.AT_HOME, 2))
    writers.renew_writer(out, [{**found[0], "writer": "another"}])
    writers.renew_writer(out, found)
    writers.renew_writer(out, found)
    assert len(json.loads(out.read_text())) == len(found) + 1
    write_page(out)
    gained = found[-1]["in full minus without"]["value"]
    (line,) = [line for line in out.with_suffix(".md").read_text().splitlines() if "films + games" in line]
    assert f"| {gained:+.4f} (" in line


def test_of_domains_together_nothing_stays_that_one_of_them_has_outlived(gains, tmp_path):
    out = tmp_path / "writers.json"
    writers.renew_writer(out, list(writers.rows(gains, "a model", writers.AT_HOME, 2)))
    writers.renew_writer(out, list(writers.rows({"films": gains["films"]}, "a model", writers.AT_HOME, 1)))
    assert [row["domains"] for row in json.loads(out.read_text())] == [["games"], ["films"]]


def test_a_domain_is_ranked_by_the_model_of_the_others(gains, tmp_path, monkeypatch):
    films, games = two_domains()
    mixes = []

    def noted(mix, *arguments, **options):
        mixes.append(mix)
        return train_to_travel(mix, *arguments, **options)

    monkeypatch.setattr(writers, "train_to_travel", noted)
    books = replace(games, domain="books")
    abroad = {"films": writers.by_serving(films, [[games, books]], CONFIG, range(1), tmp_path)}
    assert mixes == ["games+books"]
    assert [path.suffix for path in (tmp_path / "films").iterdir()] == [".parquet"]
    (row,) = writers.rows(abroad, "a model", writers.ABROAD, 1)
    assert "as served minus trained without" not in row
    assert row["without"] < gains["films"]["without"].mean()
    out = tmp_path / "writers.json"
    home = list(writers.rows(gains, "a model", writers.AT_HOME, 2))
    writers.renew_writer(out, [{**row, "domains": ["gone"]}])
    writers.renew_writer(out, home)
    writers.renew_writer(out, [row])
    assert json.loads(out.read_text()) == [*home, row]
    write_page(out)
    assert "| the others |" in out.with_suffix(".md").read_text()
