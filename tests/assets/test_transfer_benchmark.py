"""Rows of docs/transfer.json: renewed one by one, named by what was read, refused where nothing fits."""

import json
import sys

import pytest

from benchmarks import in_domain, transfer


@pytest.fixture
def run(inside, monkeypatch, tmp_path):
    def rows(*arguments):
        out = tmp_path / "transfer.json"
        monkeypatch.setattr(sys, "argv", ["transfer", *arguments, "--out", str(out)])
        transfer.main()
        return json.loads(out.read_text())

    monkeypatch.chdir(tmp_path)
    return rows


def test_a_row_is_renewed_by_what_it_is_about(run):
    first = run("zero-shot", "--sources", "Demo_Films", "--target", "Demo_Games", "--users", "40")
    assert {row["users"] for row in first} == {40}
    assert {row["model"] for row in first} == {"text-kNN centred", "PULSE, words", "PULSE"}
    assert run("zero-shot", "--sources", "Demo_Films", "--target", "Demo_Games", "--users", "40") == first
    both = run("zero-shot", "--sources", "Demo_Books", "--target", "Demo_Games", "--users", "40")
    assert len(both) == 2 * len(first)


def test_what_was_written_about_arrivals_is_read_and_named(run):
    rows = run("arrivals", "--sources", "Demo_Films", "--target", "Demo_Games", "--drawn")
    assert {row["experiment"] for row in rows} == {"arrivals, drawn item, bridging rationales"}
    assert {"PULSE", "PULSE, no rationales", "PULSE, shuffled rationales"} <= {row["model"] for row in rows}
    by_model = {row["model"]: row for row in rows}
    assert by_model["PULSE"]["ours_minus_it"] is None
    assert by_model["PULSE, no rationales"]["ours_minus_it"]
    assert by_model[transfer.ALIKE]["ours_minus_it"]
    assert set(by_model["PULSE"]["weights"]) == {"sharpness", "everybody", "history", "rationale"}
    assert by_model[transfer.ALIKE]["weights"] is None


def test_at_home_rows_stand_beside_those_of_transfer(run, monkeypatch, tmp_path):
    before = run("zero-shot", "--sources", "Demo_Films", "--target", "Demo_Games", "--users", "40")
    (tmp_path / "pulse.yaml").write_text("thought_space: {epochs: 1}\n")
    out = tmp_path / "transfer.json"
    arguments = ["in_domain", "Demo_Films", "--baselines", "popularity", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", arguments)
    in_domain.main()
    in_domain.main()
    own = json.loads(out.read_text())[len(before) :]
    assert [row["model"] for row in own] == [in_domain.COUNTS, in_domain.WITHOUT, "popularity"]
    assert {(row["experiment"], row["sources"], row["train_mix"]) for row in own} == {
        ("in-domain", "Demo_Films", "Demo_Films")
    }
    assert [row["ours_minus_it"] is None for row in own] == [True, False, False]
    assert set(own[0]["weights"]) == {"following", "trend"}


def test_vectors_of_another_encoder_than_the_settings_name_are_not_read(run, tmp_path):
    (tmp_path / "pulse.yaml").write_text("encoder: {revision: another}\n")
    with pytest.raises(SystemExit, match=r"item_embeddings of Demo_Films were made with .* name the same"):
        run("arrivals", "--sources", "Demo_Films", "--target", "Demo_Games")


def test_a_domain_that_is_not_there_is_one_line(run):
    with pytest.raises(SystemExit, match=r"^error: interactions of Demo_Plays is not there yet"):
        run("few-shot", "--sources", "Demo_Films", "--target", "Demo_Plays")


def test_who_comes_is_not_chosen(run, capsys):
    with pytest.raises(SystemExit):
        run("arrivals", "--sources", "Demo_Films", "--target", "Demo_Games", "--users", "9")
    assert "arrivals takes no --users" in capsys.readouterr().err
