"""A project of the demo world that fast stand-ins for the models make whole."""

import io

import dagster as dg
from rich.console import Console

from assets.project import Project
from pulse_pipeline.domains import demo_registry
from pulse_pipeline.settings import Settings
from tests.resources.fakes import FakeCausalModel, FakeLanguageModel, FakeTextEncoder

FAKES = {
    "language_model": FakeLanguageModel(),
    "text_encoder": FakeTextEncoder(),
    "causal_model": FakeCausalModel(),
}
SETTINGS = {
    "thought_space": {"epochs": 1},
    "published_neighbours": {"sasrec": {"epochs": 2}},
    "published_space": {"epochs": 1},
    "reasoner": {"epochs": 1, "evaluation_users": 12, "users": 12},
    "ablations": {"run": ["no rationales", "BM25"]},
    "evaluation": {"seeds": 2},
}
PROJECT = Project(demo_registry(), Settings.model_validate(SETTINGS))


def rendered(table):
    console = Console(width=200, file=io.StringIO())
    console.print(table)
    return console.file.getvalue()


def events(instance, asset, partition):
    wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[partition])
    return [
        record.asset_materialization for record in instance.fetch_materializations(wanted, limit=10).records
    ]
