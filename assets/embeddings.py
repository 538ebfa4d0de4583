"""Assets of the stage `embeddings`: vectors of item texts, of thoughts about items and of rationales."""

import dagster as dg
import polars as pl

from assets.materialisation import RETRY, materialising
from assets.project import Project
from pulse_pipeline.embeddings.embed import embed, vector_store
from pulse_pipeline.embeddings.spec import Encoder, EncoderSpec
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import fingerprint, text_hash
from pulse_pipeline.schemas import ItemEmbeddings, RationaleEmbeddings, with_vectors
from pulse_pipeline.shards import ShardStore
from resources.storage import OPTIONAL_PARTITIONS
from resources.text_encoder import TextEncoder
from resources.tracking import Tracking

GROUP = "embeddings"

VERSION = "2"
"""Changes with the columns of `item_embeddings`."""

Tables = dict[str, pl.DataFrame]


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`item_embeddings`, `rationale_embeddings`, partitioned by domain."""
    return [_item_embeddings(project), _rationale_embeddings(project)]


def _item_embeddings(project: Project) -> dg.AssetsDefinition:
    spec = project.settings.encoder
    version = fingerprint([VERSION, spec.fingerprint()])

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        retry_policy=RETRY,
        ins={"item_rationales": dg.AssetIn(metadata=OPTIONAL_PARTITIONS)},
        kinds={"torch"},
        description="A vector for each item's text, zero without one, and for what was written about it.",
    )
    def item_embeddings(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        text_encoder: TextEncoder,
        items: pl.DataFrame,
        item_rationales: Tables,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        with materialising(context, tracking, version, spec.model_dump()) as work:
            store = vector_store(Home.from_environment().cache, spec)
            texts = items.select("item_id", "text", "text_hash")
            encoder, name = text_encoder.encoder(spec), context.partition_key
            table = embed(texts, spec, encoder, store, f"item texts {name}")
            thoughts = _thoughts(item_rationales.get(name), spec, encoder, store, f"item thoughts {name}")
            table = table.join(thoughts, on="item_id", how="left", maintain_order="left")
            contract = with_vectors(ItemEmbeddings, spec.dimensions, nullable=["thought"])
            return work.table(contract.validate(table), _made_with(spec))

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
            texts = _valid_texts(rationales, "user_id", "kind", "target_position")
            label = f"rationales {context.partition_key}"
            table = embed(texts, spec, text_encoder.encoder(spec), store, label)
            contract = with_vectors(RationaleEmbeddings, spec.dimensions)
            return work.table(contract.validate(table), _made_with(spec))

    return rationale_embeddings


def _thoughts(
    item_rationales: pl.DataFrame | None, spec: EncoderSpec, encoder: Encoder, store: ShardStore, label: str
) -> pl.DataFrame:
    """Vectors of what was written about items: columns `item_id`, `text_alone`, `thought`."""
    if item_rationales is None:
        columns = {"item_id": pl.String(), "text_alone": pl.Boolean(), "thought": store.schema["vector"]}
        return pl.Schema(columns).to_frame()
    texts = _valid_texts(item_rationales, "item_id", "text_alone")
    table = embed(texts, spec, encoder, store, label)
    return table.select("item_id", "text_alone", thought="vector")


def _valid_texts(rationales: pl.DataFrame, *keys: str) -> pl.DataFrame:
    return rationales.filter("valid").select(
        *keys,
        pl.col("rationale").alias("text"),
        pl.col("rationale").map_elements(text_hash, pl.String).alias("text_hash"),
    )


def _made_with(spec: EncoderSpec) -> dict[str, dict[str, str]]:
    return {"made_with": {"model": spec.model, "model_revision": spec.revision}}
