"""The composition root: the only place where assets, resources and automation meet."""

import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets import (
    ablations,
    bridging,
    champion,
    checks,
    embeddings,
    evaluation,
    explanations,
    interactions,
    published,
    rationales,
    reasoner,
    refinement,
    report,
    seeds,
    thought_space,
    transfer,
)
from assets.project import Project
from pulse_pipeline.automation import automation
from pulse_pipeline.domains import Registry, load_registry
from pulse_pipeline.settings import Settings, load_settings
from resources.causal_model import CausalModel
from resources.language_model import LanguageModel
from resources.storage import Checkpoints, ParquetTables, PublishedSpaces, Reasoners
from resources.text_encoder import TextEncoder
from resources.tracking import Tracking

STAGES = (
    interactions,
    rationales,
    bridging,
    embeddings,
    thought_space,
    refinement,
    published,
    reasoner,
    evaluation,
    seeds,
    explanations,
    champion,
    ablations,
    transfer,
    report,
)


def build_defs(
    *,
    registry: Registry | None = None,
    settings: Settings | None = None,
    resource_overrides: Mapping[str, Any] | None = None,
) -> dg.Definitions:
    """Compose the pipeline.

    Args:
        registry: The domains; else what the environment names.
        settings: The settings; else what the environment names.
        resource_overrides: Resources by key that take the place of ours, for tests.
    """
    project = Project(registry or load_registry(), settings or load_settings())
    with warnings.catch_warnings():
        # Partitions of two dimensions and of checks still carry these labels; architecture decided for them.
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return _compose(project, resource_overrides or {})


def _compose(project: Project, resource_overrides: Mapping[str, Any]) -> dg.Definitions:
    pipeline = dg.Definitions(
        assets=[asset for stage in STAGES for asset in stage.assets(project)],
        asset_checks=checks.asset_checks(project),
        resources={
            "tables": ParquetTables(),
            "checkpoints": Checkpoints(),
            "published_spaces": PublishedSpaces(),
            "reasoners": Reasoners(),
            "tracking": Tracking(),
            "language_model": LanguageModel.from_environment(),
            "text_encoder": TextEncoder(),
            "causal_model": CausalModel(),
            **resource_overrides,
        },
    )
    return dg.Definitions.merge(pipeline, automation(project))


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` and `dg` load."""
    return build_defs()
