"""Assets of the stage `embeddings`: vectors of item texts and of rationales."""

import dagster as dg
import dataframely as dy
import polars as pl

from assets.materialisation import RETRY, materialising
from assets.project import Project
from pulse_pipeline.embeddings.embed import embed, vector_store
from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import text_hash
from pulse_pipeline.schemas import ItemEmbeddings, RationaleEmbeddings, with_vectors
from resources.text_encoder import TextEncoder
from resources.tracking import Tracking

GROUP = "embeddings"


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`item_embeddings`, `rationale_embeddings`, partitioned by domain."""
    return [_item_embeddings(project), _rationale_embeddings(project)]


def _item_embeddings(project: Project) -> dg.AssetsDefinition:
    spec = project.settings.encoder

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=spec.fingerprint(),
        io_manager_key="tables",
        retry_policy=RETRY,
        kinds={"torch"},
        description="A vector for each item's text; zero for an item without text.",
    )
    def item_embeddings(
        context: dg.AssetExecutionContext, tracking: Tracking, text_encoder: TextEncoder, items: pl.DataFrame
    ) -> dg.MaterializeResult[pl.DataFrame]:
        with materialising(context, tracking, spec.fingerprint(), spec.model_dump()) as work:
            store = vector_store(Home.from_environment().cache, spec)
            texts = items.select("item_id", "text", "text_hash")
            label = f"item texts {context.partition_key}"
            table = embed(texts, spec, text_encoder.encoder(spec), store, label)
            return work.table(_checked(table, ItemEmbeddings, spec), _made_with(spec))

    return item_embeddings


def _rationale_embeddings(project: Project) -> dg.AssetsDefinition:
    spec = project.settings.encoder

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=spec.fingerprint(),
        io_manager_key="tables",
        retry_policy=RETRY,
        automation_condition=dg.AutomationCondition.any_deps_updated().since_last_handled()
        & dg.AutomationCondition.all_deps_blocking_checks_passed()
        & ~dg.AutomationCondition.any_deps_in_progress(),
        kinds={"torch"},
        description="A vector for each valid rationale.",
    )
    def rationale_embeddings(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        text_encoder: TextEncoder,
        rationales: pl.DataFrame,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        with materialising(context, tracking, spec.fingerprint(), spec.model_dump()) as work:
            store = vector_store(Home.from_environment().cache, spec)
            texts = rationales.filter("valid").select(
                "user_id",
                "kind",
                "target_position",
                pl.col("rationale").alias("text"),
                pl.col("rationale").map_elements(text_hash, pl.String).alias("text_hash"),
            )
            label = f"rationales {context.partition_key}"
            table = embed(texts, spec, text_encoder.encoder(spec), store, label)
            return work.table(_checked(table, RationaleEmbeddings, spec), _made_with(spec))

    return rationale_embeddings


def _checked(table: pl.DataFrame, contract: type[dy.Schema], spec: EncoderSpec) -> pl.DataFrame:
    return with_vectors(contract, spec.dimensions).validate(table)


def _made_with(spec: EncoderSpec) -> dict[str, dict[str, str]]:
    return {"made_with": {"model": spec.model, "model_revision": spec.revision}}
