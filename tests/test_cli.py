"""The command line as a user meets it: exit codes, one-line errors, JSON and nothing else."""

import gzip
import json
import os
import subprocess
import sys

import polars as pl
import pytest


def pulse(*words, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-m", "pulse_pipeline.cli", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("domains:\n  ../x: {source: demo}\n", "../x"),
        ("domains:\n  A: {source: nowhere}\n", "nowhere"),
        ("domains:\n  A: {source: amazon-2018, interactions: absent.json.gz}\n", "absent.json.gz"),
    ],
)
def test_a_bad_registry_is_one_line_and_exit_2(tmp_path, content, named):
    (tmp_path / "domains.yaml").write_text(content)
    done = pulse("run", "--select", "raw_interactions", cwd=tmp_path)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert done.returncode == 2, done.stderr
    assert len(errors) == 1
    assert named in errors[0]
    assert "Traceback" not in done.stderr


def test_a_cut_gzip_leaves_no_table_behind(tmp_path, home):

    whole = gzip.compress(
        b'{"overall": 5.0, "reviewerID": "u", "asin": "i", "unixReviewTime": 1500000000}\n' * 999
    )
    (tmp_path / "cut.json.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "domains.yaml").write_text(
        "domains:\n  A: {source: amazon-2018, interactions: cut.json.gz}\n"
    )
    done = pulse("run", "--select", "raw_interactions", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "cut.json.gz" in done.stderr.splitlines()[-1]
    assert list((home / "storage").rglob("*.parquet")) == []


def test_a_file_without_one_usable_record_is_kept_in_the_quarantine(tmp_path, home):
    (tmp_path / "bad.json").write_text('{"overall": 5.0}\n' * 3)
    (tmp_path / "domains.yaml").write_text("domains:\n  A: {source: amazon-2018, interactions: bad.json}\n")
    done = pulse("run", "--select", "raw_interactions", cwd=tmp_path)
    assert done.returncode == 2
    kept = home / "storage" / "quarantine" / "A" / "interactions.parquet"
    assert str(kept) in done.stderr.splitlines()[-1]
    assert pl.read_parquet(kept).height == 3


def test_doctor_prints_one_json_document(tmp_path):
    done = pulse("doctor", "--json", cwd=tmp_path)
    findings = {finding["subject"]: finding["verdict"] for finding in json.loads(done.stdout)}
    assert findings["engine"] == "ok"
    assert findings["domains"] == "ok"


def test_doctor_looks_at_the_engine_that_was_chosen(tmp_path):
    done = pulse("doctor", cwd=tmp_path, PULSE_ENGINE="server", PULSE_LLM_URL="http://127.0.0.1:9/v1")
    assert done.returncode == 2
    assert "PULSE_LLM_URL" in done.stdout


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("run", "--nonsense"), "run --help"),
        (("run", "--domains", ""), "Demo_Films"),
        (("recommend", "--domain", "Demo_Films"), "--user"),
        (("run", "--select", "nothing_of_ours"), "thought_space_model"),
        (("run", "--select", "status:FAILED"), "group, key, kind"),
        (("evaluate", "--arm", "other"), "evaluate --help"),
    ],
)
def test_wrong_usage_is_one_line_with_its_mend(tmp_path, words, named):
    done = pulse(*words, cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert named in line


def test_a_home_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    done = pulse("run", "--select", "raw_interactions", cwd=tmp_path, PULSE_HOME=str(tmp_path / "file"))
    assert done.returncode == 2
    assert "PULSE_HOME" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_what_is_not_there_yet_says_how_to_make_it(tmp_path):
    done = pulse("recommend", "--domain", "Demo_Films", "--user", "demo-user-000", cwd=tmp_path)
    assert done.returncode == 2
    assert "pulse run --domains Demo_Films" in done.stderr


def test_there_is_no_report_of_nothing(tmp_path):
    done = pulse("report", cwd=tmp_path)
    assert done.returncode == 2
    assert "nothing to report yet" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "home" / "report").exists()
