"""A domain of sixty users that trains in seconds: after each item comes the next."""

import polars as pl
import pytest

from assets.project import Project
from pulse_pipeline.commands.materialise import materialise
from pulse_pipeline.domains import DomainConfig, Registry
from pulse_pipeline.home import Home
from pulse_pipeline.settings import Settings
from tests.resources.fakes import FakeCausalModel, FakeLanguageModel, FakeTextEncoder

NAME = "Mine"
N_USERS, N_ITEMS, LENGTH = 60, 30, 9
MOODS = ("calm", "merry", "tense", "odd", "warm", "dry")
FAKES = {
    "language_model": FakeLanguageModel(),
    "text_encoder": FakeTextEncoder(),
    "causal_model": FakeCausalModel(),
}
SETTINGS = {
    "thought_space": {"epochs": 2},
    "rationales": {"language": None},
    "baselines": {"run": ["popularity", "text_knn_centred"]},
}


def mood_of(item):
    """What texts tell: items that follow each other are of one mood."""
    return MOODS[item * len(MOODS) // N_ITEMS]


def write_world(root):
    """Write the domain's two files; returns its registry."""
    rows = []
    for user in range(N_USERS):
        for position in range(LENGTH):
            item = (user * 7 + position) % N_ITEMS
            mood = mood_of(item)
            review = f"I wanted a {mood} evening by the lamp. My number {user} likes it {mood} and long"
            rows.append(
                {
                    "user_id": f"u{user}",
                    "item_id": f"i{item}",
                    "timestamp": 1_400_000_000 + position * 1_000_000 + user,
                    "rating": 4.0,
                    "review_text": review,
                }
            )
    pl.DataFrame(rows).write_parquet(root / "log.parquet")
    titles = [f"The {mood_of(n).title()} Lantern {n}" for n in range(N_ITEMS)]
    pl.DataFrame({"item_id": [f"i{n}" for n in range(N_ITEMS)], "title": titles}).write_parquet(
        root / "items.parquet"
    )
    config = DomainConfig(
        name=NAME,
        source="tabular",
        interactions=root / "log.parquet",
        items=root / "items.parquet",
        min_interactions=0,
    )
    return Registry({NAME: config})


def run(root, selection, registry):
    """Materialise a selection in the home under `root`, with stand-ins for the models."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULSE_HOME", str(root / "home"))
        project = Project(registry, Settings.model_validate(SETTINGS))
        materialise(project, selection, [NAME], FAKES)
    return Home(root / "home")
