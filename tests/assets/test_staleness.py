"""`pulse run --stale` makes what is missing or out of date, and nothing else."""

import pytest

from assets.project import Project
from pulse_pipeline.commands.materialise import materialise
from pulse_pipeline.home import Home
from pulse_pipeline.settings import Settings
from resources.instance import open_instance
from tests.assets.small_world import FAKES, NAME, write_world
from tests.assets.whole import events

MADE = ("raw_interactions", "interactions", "items", "item_embeddings", "candidates")


@pytest.fixture
def registry(tmp_path):
    return write_world(tmp_path)


def _run(registry, selection, settings=None, *, only_stale=True):
    project = Project(registry, Settings.model_validate(settings or {}))
    materialise(project, selection, [NAME], FAKES, only_stale=only_stale)


def _counts():
    with open_instance(Home.from_environment()) as instance:
        return {asset: len(events(instance, asset, NAME)) for asset in MADE}


def test_what_is_up_to_date_is_left_alone(registry):
    _run(registry, "*items", only_stale=False)
    _run(registry, "*item_embeddings,candidates")
    assert _counts() == dict.fromkeys(MADE, 1)
    _run(registry, "*item_embeddings,candidates")
    assert _counts() == dict.fromkeys(MADE, 1)


def test_other_settings_make_again_what_they_touch(registry):
    _run(registry, "*item_embeddings,candidates")
    _run(registry, "*item_embeddings,candidates", {"evaluation": {"candidate_seed": 7}})
    assert _counts() == dict.fromkeys(MADE, 1) | {"candidates": 2}


def test_what_comes_out_as_it_was_makes_nothing_else_stale(registry):
    _run(registry, "*item_embeddings,candidates")
    _run(registry, "raw_interactions", only_stale=False)
    _run(registry, "*item_embeddings,candidates")
    assert _counts() == dict.fromkeys(MADE, 1) | {"raw_interactions": 2}
