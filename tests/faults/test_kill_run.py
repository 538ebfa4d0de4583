"""A run that was killed does not keep the GPU from the next one."""

import os
import subprocess
import sys
import time

import dagster as dg
import pytest

from assets.project import Project
from pulse_pipeline.commands.materialise import materialise
from pulse_pipeline.domains import demo_registry
from pulse_pipeline.home import Home
from pulse_pipeline.settings import Settings
from resources.instance import open_instance
from resources.processes import bury, holders
from tests.faults.stuck import STUCK
from tests.resources.fakes import FakeLanguageModel, FakeTextEncoder


def statuses(home):
    with open_instance(home) as instance:
        runs = instance.get_runs(dg.RunsFilter(tags={}))
        slots = instance.event_log_storage.get_concurrency_info("gpu").claimed_slots
        return [run.status for run in runs], [slot.run_id for slot in slots]


def stuck(home, asked, stdout=subprocess.DEVNULL):
    return subprocess.Popen(
        [sys.executable, "-c", STUCK, str(asked)],
        env={**os.environ, "PULSE_HOME": str(home.root)},
        stdout=stdout,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.timeout(240)
def test_the_next_run_takes_over_what_a_killed_one_held(tmp_path, monkeypatch):
    home, asked = Home(tmp_path / "home"), tmp_path / "asked"
    process = stuck(home, asked)
    try:
        while not asked.exists():
            assert process.poll() is None
            time.sleep(0.1)
        with open_instance(home) as instance:
            assert bury(home, instance) == []  # it lives
            (held,) = holders(instance, "gpu")
        with stuck(home, tmp_path / "never", stdout=subprocess.PIPE) as other:
            # Whoever wants the GPU too says what it waits for.
            said = next(line for line in other.stdout if "waits for" in line)
            other.kill()
        assert f"rationales waits for {held}" in said
    finally:
        process.kill()
        process.wait()
    found, held = statuses(home)
    assert found.count(dg.DagsterRunStatus.STARTED) == 2
    assert len(held) == 1
    monkeypatch.setenv("PULSE_HOME", str(home.root))
    fakes = {"language_model": FakeLanguageModel(), "text_encoder": FakeTextEncoder()}
    materialise(Project(demo_registry(), Settings()), "rationales", ["Demo_Films"], fakes)
    found, held = statuses(home)
    assert found.count(dg.DagsterRunStatus.FAILURE) == 2
    assert dg.DagsterRunStatus.STARTED not in found
    assert held == []
    assert (home.storage / "rationales" / "Demo_Films.parquet").exists()
    assert list((home.dagster / "processes").iterdir()) == []
