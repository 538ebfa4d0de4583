"""Assets of the stage `evaluation` about people and domains that little is known of; on demand."""

import dagster as dg
import polars as pl

from assets.evaluation import GROUP, VERSION
from assets.materialisation import ON_DEMAND, materialising
from assets.project import Project
from assets.thought_space import Tables, domain_data
from pulse_pipeline.domains import ALL_BUT
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.few_shot import SHARES, evaluate_few_shot
from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.schemas import Metrics
from pulse_pipeline.thought_space.assemble import PROTOCOLS
from resources.tracking import Tracking


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`few_shot_evaluation`, partitioned by target domain."""
    return [_few_shot_evaluation(project)]


def _few_shot_evaluation(project: Project) -> dg.AssetsDefinition:
    settings = project.settings
    config = settings.thought_space
    version = fingerprint([VERSION, config.model_dump(), SHARES])
    everywhere = dg.AssetIn(partition_mapping=dg.AllPartitionMapping())

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        ins={
            "interactions": everywhere,
            "item_embeddings": everywhere,
            "rationale_embeddings": everywhere,
        },
        pool="gpu",
        kinds={"torch"},
        tags=ON_DEMAND,
        description="A domain of which 1 % and 10 % of the training users are known, with all of the others.",
    )
    def few_shot_evaluation(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: Tables,
        item_embeddings: Tables,
        rationale_embeddings: Tables,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        name = context.partition_key
        params = {"target": name, "shares": SHARES, **config.model_dump()}
        with materialising(context, tracking, version, params) as work:
            if len(interactions) < 2:
                raise PulseError("few-shot transfer needs a source: name a second domain in domains.yaml")
            figures = []
            for protocol in PROTOCOLS:
                domains = domain_data(protocol, interactions, item_embeddings, rationale_embeddings)
                sources = [data for data in domains if data.domain != name]
                target = next((data for data in domains if data.domain == name), None)
                if target is None or not sources:
                    continue
                figures += evaluate_few_shot(
                    sources,
                    target,
                    config,
                    source_mix=ALL_BUT + name,
                    spec_fingerprint=settings.rationales.fingerprint(),
                )
            return work.table(pl.concat([Metrics.create_empty(), *(one.metrics for one in figures)]))

    return few_shot_evaluation
