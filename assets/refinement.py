"""The asset `refined_rationales`: chains of thoughts that a trained Thought Space has chosen."""

from collections.abc import Callable

import dagster as dg
import numpy as np
import polars as pl

from assets.materialisation import ON_DEMAND, RETRY, materialising
from assets.project import Project
from assets.rationales import GROUP, ON_CHANGED_SETTINGS_WHERE_MADE, costs, open_desk, valid_rate
from pulse_pipeline.embeddings.embed import embed, vector_store
from pulse_pipeline.embeddings.spec import Encoder, EncoderSpec
from pulse_pipeline.evaluation.refinement import bought
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import fingerprint, text_hash
from pulse_pipeline.rationales.assignments import Domain, serving_cuts
from pulse_pipeline.rationales.judging import rejection_rates
from pulse_pipeline.rationales.refinement.likelihood_scorer import LikelihoodScorer
from pulse_pipeline.rationales.refinement.random_scorer import random_scorer
from pulse_pipeline.rationales.refinement.scorer import Scorer
from pulse_pipeline.rationales.refinement.tree import Tree
from pulse_pipeline.rationales.spec import RationaleSettings
from pulse_pipeline.rationales.tables import rationales_table
from pulse_pipeline.thought_space.assemble import SPLIT_COLUMNS, assemble
from pulse_pipeline.thought_space.data import DomainData, FloatArray, Protocol
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scorers.frozen_encoder import FrozenEncoderScorer
from pulse_pipeline.thought_space.scorers.thought_space import ThoughtSpaceScorer
from resources.language_model import LanguageModel
from resources.likelihood import LikelihoodReader
from resources.storage import Models
from resources.text_encoder import TextEncoder
from resources.tracking import Tracking

PROTOCOL: Protocol = "loo"
"""Refined rationales are written for the history that leave-one-out trains on, and scored by its model."""


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`refined_rationales`, partitioned by domain."""
    return [_refined_rationales(project)]


def _refined_rationales(project: Project) -> dg.AssetsDefinition:
    settings, encoder_spec = project.settings.rationales, project.settings.encoder
    version = fingerprint([settings.fingerprint(("refined",)), settings.refinement.model_dump()])
    own = dg.AssetIn(partition_mapping=project.partitions.own_mix)

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        retry_policy=RETRY,
        pool="gpu",
        ins={"thought_space_model": own},
        automation_condition=ON_CHANGED_SETTINGS_WHERE_MADE,
        kinds={"vllm"},
        tags=ON_DEMAND,
        description="Rationales grown thought by thought; a scorer keeps the best chains (Tree-of-Thought).",
    )
    def refined_rationales(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        language_model: LanguageModel,
        text_encoder: TextEncoder,
        interactions: pl.DataFrame,
        items: pl.DataFrame,
        item_embeddings: pl.DataFrame,
        rationales: pl.DataFrame,
        rationale_embeddings: pl.DataFrame,
        thought_space_model: Models,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        config = project.registry.domain(context.partition_key)
        params = {**settings.refinement.shape.model_dump(), "scorer": settings.refinement.scorer}
        with materialising(context, tracking, version, params) as work:
            data = assemble(config.name, PROTOCOL, interactions, item_embeddings, rationale_embeddings)
            model, encoder = thought_space_model[PROTOCOL].model, text_encoder.encoder(encoder_spec)
            domain = Domain(config.name, interactions, items, config.rationale_users)
            scorer = _scorer(settings, domain, model, data, encoder)
            desk = open_desk(work, context, settings, ("refined",), language_model)
            writer = desk.refined(domain)
            wanted = serving_cuts(domain, SPLIT_COLUMNS[PROTOCOL])
            with language_model.session() as session:
                tree = Tree(writer, scorer, settings.refinement.shape)
                grown = tree.grow(wanted, session, f"refined rationales {config.name}")
            table = rationales_table(grown.rows, writer.spec)
            gain = bought(model, data, _vectors(table, data, encoder_spec, encoder))
            seeds = _same_cuts(rationales, wanted)
            tokens = {
                "completion_tokens_per_user": _mean(table["completion_tokens"]),
                "completion_tokens_per_seed": _mean(seeds["completion_tokens"]),
            }
            scores = _paired_scores(scorer, seeds, grown.rows)
            extra = tokens["completion_tokens_per_user"] - tokens["completion_tokens_per_seed"]
            paid = {}
            if extra > 0:  # a tree of one thought may cost no more than its seed
                paid = {
                    "score_per_1000_extra_tokens": 1000 * (scores["refined"] - scores["seed"]) / extra,
                    "valid_ndcg@10_per_1000_extra_tokens": 1000 * (gain.refined - gain.seed) / extra,
                }
            return work.table(
                table,
                metadata={
                    "made_with": {
                        "prompt_fingerprint": writer.spec.fingerprint(),
                        "model": settings.model.model,
                        "model_revision": settings.model.revision,
                        "scorer": settings.refinement.scorer,
                    },
                    "rejected": dict(grown.rejected),
                },
                metrics={
                    "valid_rate": valid_rate(table),
                    **rejection_rates(grown.rejected, grown.thoughts),
                    **costs(grown.ledger, desk.spent()),
                    **{f"score_level_{n}": score for n, score in enumerate(grown.level_scores, start=1)},
                    "score_seed": scores["seed"],
                    **tokens,
                    "valid_ndcg@10_users": float(gain.users),
                    "valid_ndcg@10_no_rationale": gain.without,
                    "valid_ndcg@10_seed": gain.seed,
                    "valid_ndcg@10_refined": gain.refined,
                    **paid,
                },
            )

    return refined_rationales


def _scorer(
    settings: RationaleSettings, domain: Domain, model: ThoughtSpace, data: DomainData, encoder: Encoder
) -> Scorer:
    makers: dict[str, Callable[[], Scorer]] = {
        "thought_space": lambda: ThoughtSpaceScorer(model, data, encoder),
        "frozen_encoder": lambda: FrozenEncoderScorer(data, encoder),
        "likelihood": lambda: LikelihoodScorer(
            domain.interactions, domain.items, settings.budget, LikelihoodReader(settings.model)
        ),
        "random": lambda: random_scorer,
    }
    return makers[settings.refinement.scorer]()


def _same_cuts(rationales: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """The valid foresight of the same users, from the same histories."""
    seeds = rationales.filter(pl.col("valid") & (pl.col("kind") == "foresight"))
    return seeds.join(wanted, on=["user_id", "target_position"], how="semi")


def _vectors(table: pl.DataFrame, data: DomainData, spec: EncoderSpec, encoder: Encoder) -> FloatArray:
    """Encoder vectors of the valid refined rationales, NaN for users who have none [n_users, d]."""
    texts = table.filter("valid").select(
        "user_id",
        text="rationale",
        text_hash=pl.col("rationale").map_elements(text_hash, pl.String),
    )
    store = vector_store(Home.from_environment().cache, spec)
    embedded = embed(texts, spec, encoder, store, f"refined rationales {data.domain}")
    row = {user: index for index, user in enumerate(data.user_ids)}
    vectors = np.full((len(data.user_ids), spec.dimensions), np.nan, dtype=np.float32)
    vectors[[row[user] for user in embedded["user_id"]]] = embedded["vector"].to_numpy()
    return vectors


def _paired_scores(scorer: Scorer, seeds: pl.DataFrame, refined: pl.DataFrame) -> dict[str, float]:
    """Mean scores of the users who have both, of the seed and of the refined rationale."""
    cut = ["user_id", "target_position"]
    chains = seeds.select(*cut, text="rationale").join(refined.filter(pl.col("score").is_not_null()), on=cut)
    if chains.is_empty():
        return {"seed": float("nan"), "refined": float("nan")}
    return {"seed": _mean(scorer(chains.select(*cut, "text"))), "refined": _mean(chains["score"])}


def _mean(values: pl.Series) -> float:
    return float(values.to_numpy().mean()) if len(values) else float("nan")
