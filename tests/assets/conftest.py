"""The whole pipeline in one process, made once for all who look at it."""

import pytest

from pulse_pipeline.commands.materialise import materialise
from pulse_pipeline.home import Home
from tests.assets.whole import FAKES, PROJECT


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory):
    """A home in which everything was materialised once."""
    root = tmp_path_factory.mktemp("pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULSE_HOME", str(root))
        materialise(PROJECT, None, PROJECT.registry.names, FAKES)
        materialise(
            PROJECT, "item_rationales,refined_rationales,bridging_rationales", PROJECT.registry.names, FAKES
        )
        faithful = (
            "published_neighbours,published_seeds,published_thought_space,published_rationales,"
            "reasoner_model,reasoner_evaluation"
        )
        materialise(PROJECT, f"{faithful},arrival_evaluation", PROJECT.registry.names, FAKES)
        of_one = "ablation_evaluation,seed_evaluation,zero_shot_evaluation,few_shot_evaluation"
        materialise(PROJECT, of_one, ["Demo_Films"], FAKES)
    return Home(root)


@pytest.fixture
def inside(pipeline, monkeypatch):
    monkeypatch.setenv("PULSE_HOME", str(pipeline.root))
    monkeypatch.setenv("DAGSTER_HOME", str(pipeline.dagster))
    return pipeline
