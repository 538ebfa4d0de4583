"""The asset of ablations: what each part of the Thought Space is worth in a domain."""

import dagster as dg
import polars as pl

from assets.materialisation import ON_DEMAND, materialising
from assets.project import Project
from pulse_pipeline.embeddings.embed import embed, vector_store
from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.ablations.material import Encode, Material, Tables
from pulse_pipeline.evaluation.ablations.run import ablate
from pulse_pipeline.evaluation.in_domain import DIFFERENCE
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import fingerprint, text_hash
from pulse_pipeline.thought_space.assemble import has_protocol
from pulse_pipeline.thought_space.data import FloatArray
from resources.storage import OPTIONAL_PARTITIONS
from resources.text_encoder import TextEncoder
from resources.tracking import Tracking

GROUP = "evaluation"


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`ablation_evaluation`, partitioned by domain."""
    return [_ablation_evaluation(project)]


def _ablation_evaluation(project: Project) -> dg.AssetsDefinition:
    settings = project.settings
    decisive = {
        "ablations": settings.ablations.model_dump(mode="json"),
        "thought_space": settings.thought_space.fingerprint(),
        "baselines": settings.baselines.model_dump(mode="json"),
    }
    version = fingerprint(decisive)
    if_made = dg.AssetIn(metadata=OPTIONAL_PARTITIONS)

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        ins=dict.fromkeys(("item_rationales", "refined_rationales", "published_rationales"), if_made),
        pool="gpu",
        kinds={"torch"},
        tags=ON_DEMAND,
        description="The Thought Space against itself with one thing taken away or made false.",
    )
    def ablation_evaluation(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        text_encoder: TextEncoder,
        interactions: pl.DataFrame,
        items: pl.DataFrame,
        item_embeddings: pl.DataFrame,
        rationales: pl.DataFrame,
        rationale_embeddings: pl.DataFrame,
        item_rationales: dict[str, pl.DataFrame],
        refined_rationales: dict[str, pl.DataFrame],
        published_rationales: dict[str, pl.DataFrame],
    ) -> dg.MaterializeResult[pl.DataFrame]:
        with materialising(context, tracking, version, decisive) as work:
            name, home = context.partition_key, Home.from_environment()
            protocol = settings.ablations.protocol
            if not has_protocol(interactions, protocol):
                raise PulseError(f"{name} has no {protocol} split: choose another ablations.protocol")
            tables = Tables(
                interactions,
                items,
                item_embeddings,
                rationales,
                rationale_embeddings,
                item_rationales.get(name),
                refined_rationales.get(name),
                published_rationales.get(name),
            )
            another = settings.ablations.encoder
            material = Material(
                name,
                protocol,
                tables,
                encoding(home, settings.encoder, text_encoder),
                another=None if another is None else encoding(home, another, text_encoder),
                baselines=settings.baselines,
            )
            table = ablate(
                material,
                settings.thought_space,
                settings.ablations,
                home.ablations / name,
                spec_fingerprint=settings.rationales.fingerprint(),
            )
            found = table.filter(metric=DIFFERENCE, slice="all").select("model", "value")
            return work.table(table, {"differences": dict(found.iter_rows())})

    return ablation_evaluation


def encoding(home: Home, spec: EncoderSpec, text_encoder: TextEncoder) -> Encode:
    """Vectors of any texts, each text encoded once, ever."""
    encoder = text_encoder.encoder(spec)

    def encode(texts: list[str]) -> FloatArray:
        columns = {"text": texts, "text_hash": [text_hash(text) for text in texts]}
        frame = pl.DataFrame(columns, dict.fromkeys(columns, pl.String))
        table = embed(frame, spec, encoder, vector_store(home.cache, spec), "texts of controls")
        vectors: FloatArray = table["vector"].to_numpy()
        return vectors

    return encode
