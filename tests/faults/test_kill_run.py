"""A run that was killed does not keep the GPU from the next one."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager

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


@contextmanager
def stuck(home, asked, stdout=subprocess.DEVNULL, after=None):
    """A process that hangs once its model is asked; it begins when the file `after` is there."""
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, str(asked), *([str(after)] if after else [])],
        env={**os.environ, "PULSE_HOME": str(home.root)},
        stdout=stdout,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(seen, process):
    while not seen.exists():
        assert process.poll() is None
        time.sleep(0.1)


@pytest.mark.timeout(360)
def test_who_waits_takes_over_what_a_killed_run_held(tmp_path, monkeypatch):
    home, first, second = Home(tmp_path / "home"), tmp_path / "first", tmp_path / "second"
    with stuck(home, first) as process, stuck(home, second, stdout=subprocess.PIPE, after=first) as waiting:
        until(first, process)
        with open_instance(home) as instance:
            assert bury(home, instance) == []  # it lives
            (held,) = holders(instance, "gpu")
        said = next(line for line in waiting.stdout if "waits for" in line)
        assert f"waits for {held}, which" in said
        assert not second.exists()
        process.kill()
        until(second, waiting)
        waiting.kill()
    found, held = statuses(home)
    assert found.count(dg.DagsterRunStatus.FAILURE) == found.count(dg.DagsterRunStatus.STARTED) == 1
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
