"""A program that hangs in the middle of a run, which it begins once some files are there."""

# The demo pipeline with a language model that never answers.
STUCK = """
import logging, sys, time
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

logging.basicConfig(level=logging.INFO)
while not all(Path(name).exists() for name in sys.argv[2:]):
    time.sleep(0.1)
fakes = {"language_model": StuckModel(), "text_encoder": FakeTextEncoder()}
try:
    materialise(Project(demo_registry(), Settings()), "raw_interactions,interactions,items,rationales",
                ["Demo_Films"], fakes)
except RunFailed as error:
    print(error)
    sys.exit(1)
"""
