"""The asset `bridging_rationales`: what people who arrive from other domains will want here, and why."""

import dagster as dg
import polars as pl

from assets.materialisation import ON_DEMAND, RETRY, materialising
from assets.project import Project
from assets.rationales import GROUP, ON_CHANGED_SETTINGS_WHERE_MADE, open_desk, result
from assets.thought_space import Tables
from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.rationales.assignments import Domain
from pulse_pipeline.rationales.tables import bridging_rationales_table
from pulse_pipeline.schemas import BridgingRationales
from resources.language_model import LanguageModel
from resources.storage import OPTIONAL_PARTITIONS
from resources.tracking import Tracking


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`bridging_rationales`, partitioned by the domain that people come to."""
    return [_bridging_rationales(project)]


def _bridging_rationales(project: Project) -> dg.AssetsDefinition:
    settings = project.settings.rationales
    version = fingerprint([settings.fingerprint(("bridging",)), settings.bridged_users])
    everywhere = dg.AssetIn(partition_mapping=dg.AllPartitionMapping(), metadata=OPTIONAL_PARTITIONS)

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        retry_policy=RETRY,
        pool="gpu",
        ins={"interactions": everywhere, "items": everywhere},
        automation_condition=ON_CHANGED_SETTINGS_WHERE_MADE,
        kinds={"vllm"},
        tags=ON_DEMAND,
        description="What people known in other domains will want in this one and why; names no item of it.",
    )
    def bridging_rationales(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        language_model: LanguageModel,
        interactions: Tables,
        items: Tables,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        config = project.registry.domain(context.partition_key)
        params = {"bridged_users": settings.bridged_users, "model": settings.model.model}
        with materialising(context, tracking, version, params) as work:
            desk = open_desk(work, context, settings, ("bridging",), language_model)
            here, *others = (
                Domain(name, interactions[name], items[name], config.rationale_users)
                for name in sorted(interactions, key=lambda name: name != config.name)
            )
            assignments = {source.name: desk.about_arrivals(source, here) for source in others}
            with language_model.session() as session:
                written = {source: one.write(session) for source, one in assignments.items()}
            spec = settings.spec("bridging")
            table = pl.concat(
                [
                    BridgingRationales.create_empty(),
                    *(bridging_rationales_table(one.rows, source, spec) for source, one in written.items()),
                ]
            )
            counts = {f"from_{source}": len(one.rows) for source, one in written.items()}
            prompt = settings.fingerprint(("bridging",))
            return result(work, table, list(written.values()), desk, prompt, counts)

    return bridging_rationales
