"""Asset of the stage `evaluation` that judges explanations: do they hold, and does the model heed them?"""

import dagster as dg
import numpy as np
import polars as pl

from assets.materialisation import materialising
from assets.project import Project
from pulse_pipeline.embeddings.embed import embed, vector_store
from pulse_pipeline.evaluation.explanations.figures import Subject, metrics_table
from pulse_pipeline.evaluation.explanations.judged import (
    Domain,
    answer_figures,
    model_figures,
    text_figures,
)
from pulse_pipeline.evaluation.explanations.sensitivity import Encode
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import text_hash
from pulse_pipeline.schemas import Metrics
from pulse_pipeline.thought_space.assemble import PROTOCOLS, assemble, has_protocol
from pulse_pipeline.thought_space.data import FloatArray, Protocol
from resources.storage import Models
from resources.text_encoder import TextEncoder
from resources.tracking import Tracking

GROUP = "evaluation"
VERSION = "2"
SERVED: Protocol = "loo"


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`explanation_evaluation`, partitioned by domain."""
    return [_explanation_evaluation(project)]


def _explanation_evaluation(project: Project) -> dg.AssetsDefinition:
    settings = project.settings
    own = dg.AssetIn(partition_mapping=project.partitions.own_mix)

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=VERSION,
        io_manager_key="tables",
        ins={"thought_space_model": own},
        kinds={"torch"},
        description="Are rationales true, about their user, and what the model's ranking rests on?",
    )
    def explanation_evaluation(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        text_encoder: TextEncoder,
        interactions: pl.DataFrame,
        items: pl.DataFrame,
        item_embeddings: pl.DataFrame,
        rationales: pl.DataFrame,
        rationale_embeddings: pl.DataFrame,
        thought_space_model: Models,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        name, seed = context.partition_key, settings.thought_space.seed
        params = {"seed": seed, "rationales": settings.rationales.fingerprint()}
        with materialising(context, tracking, VERSION, params) as work:
            domain = Domain(interactions, items, rationales)
            encode = _encoder(project, text_encoder, name)
            found: list[pl.DataFrame] = [Metrics.create_empty()]
            for protocol in PROTOCOLS:
                if not has_protocol(interactions, protocol):
                    continue
                data = assemble(name, protocol, interactions, item_embeddings, rationale_embeddings)
                figures = text_figures(domain, data)
                if protocol in thought_space_model:
                    model = thought_space_model[protocol].model
                    figures += model_figures(model, domain, data, encode, seed)
                    if protocol == SERVED:
                        figures += answer_figures(model, domain, data)
                subject = Subject(name, protocol, seed, settings.rationales.fingerprint())
                found.append(metrics_table(figures, subject))
            table = pl.concat(found)
            work.run.artifact("metrics.json", table.write_json())
            return work.table(table, metrics=_named(table))

    return explanation_evaluation


def _encoder(project: Project, text_encoder: TextEncoder, name: str) -> Encode:
    """Vectors of texts, each encoded once and kept with all others."""
    spec = project.settings.encoder
    store = vector_store(Home.from_environment().cache, spec)

    def encode(texts: list[str]) -> FloatArray:
        table = pl.DataFrame({"text": texts, "text_hash": [text_hash(text) for text in texts]})
        label = f"shortened rationales {name}"
        vectors = embed(table, spec, text_encoder.encoder(spec), store, label)["vector"]
        return np.asarray(vectors.to_numpy(), dtype=np.float32)

    return encode


def _named(table: pl.DataFrame) -> dict[str, float]:
    """The figures under names that Dagster plots and MLflow takes."""
    rows = table.select("protocol", "model", "metric", "value").iter_rows()
    return {f"{protocol}_{metric}_{model}".replace(",", ""): value for protocol, model, metric, value in rows}
