"""Who stops a run gets it stopped, at once and without a retry; what was finished is kept."""

import os
import signal
import subprocess
import sys
import time

import pytest

# The demo pipeline with a language model that never answers.
STUCK = """
import sys, time
from contextlib import contextmanager
from pathlib import Path

from assets.project import Project
from pulse_pipeline.commands.materialise import materialise
from pulse_pipeline.domains import demo_registry
from pulse_pipeline.errors import RunFailed
from pulse_pipeline.settings import Settings
from tests.resources.fakes import FakeLanguageModel, FakeTextEncoder

class Stuck:
    load_seconds = 0.0

    def generate(self, prompts, spec):
        Path(sys.argv[1]).touch()
        time.sleep(600)
        yield

class StuckModel(FakeLanguageModel):
    @contextmanager
    def session(self):
        yield Stuck()

fakes = {"language_model": StuckModel(), "text_encoder": FakeTextEncoder()}
try:
    materialise(Project(demo_registry(), Settings()), "raw_interactions,interactions,items,rationales",
                ["Demo_Films"], fakes)
except RunFailed as error:
    print(error)
    sys.exit(1)
"""


@pytest.mark.timeout(240)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_and_nothing_is_tried_again(tmp_path, number):
    home, asked = tmp_path / "home", tmp_path / "asked"
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, str(asked)],
        env={**os.environ, "PULSE_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        while not asked.exists():
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(number)
        said, _ = process.communicate(timeout=25)  # a retry would wait for 30 s
    finally:
        process.kill()
    assert process.returncode == 1
    assert "rationales[Demo_Films]: stopped by a signal" in said
    assert (home / "storage" / "items" / "Demo_Films.parquet").exists()
    assert not (home / "storage" / "rationales").exists()
