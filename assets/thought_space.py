"""Assets of the stage `thought_space`: one trained model for each training mix."""

import dagster as dg
import polars as pl

from assets.materialisation import materialising
from assets.project import Project
from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.thought_space.assemble import PROTOCOLS, assemble, has_protocol
from pulse_pipeline.thought_space.data import DomainData, Protocol
from pulse_pipeline.thought_space.training import train
from resources.storage import Models
from resources.tracking import Tracking

GROUP = "thought_space"

Tables = dict[str, pl.DataFrame]


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`thought_space_model`, partitioned by training mix."""
    return [_thought_space_model(project)]


def _thought_space_model(project: Project) -> dg.AssetsDefinition:
    config = project.settings.thought_space
    version = fingerprint(config.model_dump())
    members = dg.AssetIn(partition_mapping=project.partitions.members_of_mix)

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.mixes,
        code_version=version,
        io_manager_key="checkpoints",
        ins={
            "interactions": members,
            "item_embeddings": members,
            "rationale_embeddings": members,
        },
        pool="gpu",
        kinds={"torch"},
        description="A Thought Space trained on the mix's domains, once for each protocol they allow.",
    )
    def thought_space_model(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: Tables,
        item_embeddings: Tables,
        rationale_embeddings: Tables,
    ) -> dg.MaterializeResult[Models]:
        with materialising(context, tracking, version, config.model_dump()) as work:
            trained = {
                protocol: train(
                    context.partition_key,
                    _domains(protocol, interactions, item_embeddings, rationale_embeddings),
                    config,
                )
                for protocol in PROTOCOLS
                if all(has_protocol(table, protocol) for table in interactions.values())
            }
            return _result(work, trained)

    return thought_space_model


def _domains(
    protocol: Protocol, interactions: Tables, item_embeddings: Tables, rationale_embeddings: Tables
) -> list[DomainData]:
    return [
        assemble(name, protocol, interactions[name], item_embeddings[name], rationale_embeddings[name])
        for name in sorted(interactions)
    ]
