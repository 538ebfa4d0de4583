"""Assets of the stage `evaluation`: candidates, baselines, in-domain, cross-domain, recommendations."""

import json

import dagster as dg
import numpy as np
import polars as pl

from assets.materialisation import Materialisation, materialising
from assets.model_ranks import keep_ranks
from assets.partitions import SOURCE, TARGET, sorted_dimensions
from assets.project import Project
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.candidates import drawn_candidates, read_candidates
from pulse_pipeline.evaluation.in_domain import (
    MODEL,
    baseline_ranks,
    evaluate_in_domain,
    evaluated_baselines,
    rationale_differences,
    unmeasured_baselines,
)
from pulse_pipeline.evaluation.model_ranks import rank_table
from pulse_pipeline.evaluation.per_user import FULL
from pulse_pipeline.evaluation.ranking import recommendation_table, top_k
from pulse_pipeline.evaluation.transfer import evaluate_transfer, zero_shot
from pulse_pipeline.interactions import common_cut
from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.rationales.latest import latest_rationales
from pulse_pipeline.schemas import Metrics
from pulse_pipeline.thought_space.assemble import PROTOCOLS, assemble, has_protocol
from pulse_pipeline.thought_space.data import Protocol
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from resources.storage import OPTIONAL_PARTITIONS, Models
from resources.tracking import Tracking

GROUP = "evaluation"
VERSION = "4"
RECOMMENDED = 10
SERVING_PROTOCOL: Protocol = "loo"


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`candidates`, `baseline_scores`, the two evaluations, `recommendations`."""
    return [
        _candidates(project),
        _baseline_scores(project),
        _in_domain_evaluation(project),
        _cross_domain_evaluation(project),
        _recommendations(project),
    ]


def _candidates(project: Project) -> dg.AssetsDefinition:
    seed = project.settings.evaluation.candidate_seed
    version = fingerprint([VERSION, seed])

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        kinds={"numpy"},
        description="The candidates of sampled metrics, drawn once: every model is measured on the same.",
    )
    def candidates(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: pl.DataFrame,
        items: pl.DataFrame,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        with materialising(context, tracking, version, {"seed": seed}) as work:
            catalogue = items.select("item_id", vector=pl.lit([0.0]))  # only ids are drawn from
            drawn = [
                drawn_candidates(assemble(context.partition_key, protocol, interactions, catalogue), seed)
                for protocol in PROTOCOLS
                if has_protocol(interactions, protocol)
            ]
            return work.table(pl.concat(drawn))

    return candidates


def _baseline_scores(project: Project) -> dg.AssetsDefinition:
    settings = project.settings.baselines
    version = f"{VERSION}-{settings.fingerprint(reads_rationales=False)}"

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        kinds={"numpy"},
        description="Where each baseline puts each user's test items, and what it puts first.",
    )
    def baseline_scores(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: pl.DataFrame,
        item_embeddings: pl.DataFrame,
        candidates: pl.DataFrame,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        params = {
            "protocols": ", ".join(PROTOCOLS),
            **{name: settings.config(name) for name in settings.chosen(reads_rationales=False)},
        }
        with materialising(context, tracking, version, params) as work:
            ranks = []
            for protocol in PROTOCOLS:
                if has_protocol(interactions, protocol):
                    data = assemble(context.partition_key, protocol, interactions, item_embeddings)
                    ranks.append(baseline_ranks(data, settings, read_candidates(candidates, data)))
            return work.table(pl.concat(ranks))

    return baseline_scores


def _in_domain_evaluation(project: Project) -> dg.AssetsDefinition:
    settings = project.settings
    version = f"{VERSION}-{settings.baselines.fingerprint(reads_rationales=True)}"
    own_mixes = dg.AssetIn(partition_mapping=project.partitions.mixes_of_domain, metadata=OPTIONAL_PARTITIONS)

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        ins={"thought_space_model": own_mixes},
        kinds={"torch"},
        description="Full-ranking figures of baselines and models on the domains they were trained on.",
    )
    def in_domain_evaluation(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: pl.DataFrame,
        item_embeddings: pl.DataFrame,
        rationale_embeddings: pl.DataFrame,
        candidates: pl.DataFrame,
        baseline_scores: pl.DataFrame,
        thought_space_model: dict[str, Models],
    ) -> dg.MaterializeResult[pl.DataFrame]:
        tables = (interactions, item_embeddings, rationale_embeddings)
        trained = {
            mix: models
            for mix, models in thought_space_model.items()
            if _is_of_todays_members(project, mix, models)
        }
        params = {
            "seed": settings.thought_space.seed,
            "rationales": settings.rationales.fingerprint(),
            "mixes": ", ".join(trained),
        }
        with materialising(context, tracking, version, params) as work:
            figures: list[pl.DataFrame] = []
            ranks: list[pl.DataFrame] = []
            for protocol in PROTOCOLS:
                if not has_protocol(interactions, protocol):
                    continue
                data = assemble(context.partition_key, protocol, *tables)
                drawn = read_candidates(candidates, data)
                with_rationales = baseline_ranks(data, settings.baselines, drawn, reads_rationales=True)
                evaluated = evaluate_in_domain(
                    data,
                    [
                        (mix, models[protocol].model)
                        for mix, models in trained.items()
                        if protocol in models
                        and common_cut.may_test(protocol, models.origin.get("known_until"), interactions)
                    ],
                    evaluated_baselines(data, pl.concat([baseline_scores, with_rationales])),
                    drawn,
                    seed=settings.thought_space.seed,
                    spec_fingerprint=settings.rationales.fingerprint(),
                )
                figures += [one.metrics for one in evaluated]
                ranks.append(rank_table(evaluated, data))
                figures.append(rationale_differences(evaluated, data))
            keep_ranks(work, ranks)
            return _figures(work, pl.concat([Metrics.create_empty(), *figures]))

    return in_domain_evaluation


def _cross_domain_evaluation(project: Project) -> dg.AssetsDefinition:
    settings = project.settings
    target = dg.AssetIn(partition_mapping=project.partitions.of_transfer(TARGET))
    source = dg.AssetIn(partition_mapping=project.partitions.of_transfer(SOURCE))

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.transfers,
        code_version=VERSION,
        io_manager_key="tables",
        ins={
            "interactions": target,
            "item_embeddings": target,
            "rationale_embeddings": target,
            "candidates": target,
            "baseline_scores": target,
            "thought_space_model": source,
        },
        kinds={"torch"},
        description="A source mix's model on a target domain; zero-shot where the mix does not hold it.",
    )
    def cross_domain_evaluation(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: pl.DataFrame,
        item_embeddings: pl.DataFrame,
        rationale_embeddings: pl.DataFrame,
        candidates: pl.DataFrame,
        baseline_scores: pl.DataFrame,
        thought_space_model: Models,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        mix, name = sorted_dimensions(context.partition_key)
        with materialising(context, tracking, VERSION, {"source": mix, "target": name}) as work:
            if not _is_of_todays_members(project, mix, thought_space_model):
                members = ", ".join(project.registry.members(mix))
                raise PulseError(
                    f"the model of mix {mix} was trained on other domains than its members of today, "
                    f"{members}: materialise thought_space_model for it again"
                )
            known_until = thought_space_model.origin.get("known_until")
            figures, ranks = [], []
            for protocol in PROTOCOLS:
                if protocol not in thought_space_model or not has_protocol(interactions, protocol):
                    continue
                if not common_cut.may_test(protocol, known_until, interactions):
                    continue  # it has learned from what came after this domain's test began
                data = assemble(
                    name,
                    protocol,
                    interactions,
                    item_embeddings,
                    rationale_embeddings,
                    texts_only=zero_shot(project.registry.members(mix), name),
                )
                evaluated = evaluate_transfer(
                    ThoughtSpaceRanker(thought_space_model[protocol].model, MODEL),
                    data,
                    source_mix=mix,
                    seed=settings.thought_space.seed,
                    spec_fingerprint=settings.rationales.fingerprint(),
                    against=unmeasured_baselines(data, baseline_scores),
                    candidates=read_candidates(candidates, data),
                )
                figures.append(evaluated.metrics)
                ranks.append(rank_table([evaluated], data))
            keep_ranks(work, ranks)
            return _figures(work, pl.concat([Metrics.create_empty(), *figures]))

    return cross_domain_evaluation


def _is_of_todays_members(project: Project, mix: str, models: Models) -> bool:
    """False where domains.yaml has changed what the mix is made of: its figures would bear a wrong name."""
    return bool(models.origin.get("domains") == sorted(project.registry.members(mix)))


def _figures(work: Materialisation, table: pl.DataFrame) -> dg.MaterializeResult[pl.DataFrame]:
    headline = table.filter(slice="all", candidates=FULL, metric="NDCG", k=10, model=MODEL)
    metrics = {
        f"{row['protocol']}_{row['train_mix']}_ndcg@10": row["value"]
        for row in headline.iter_rows(named=True)
    }
    work.run.artifact("metrics.json", json.dumps(table.to_dicts(), indent=1))
    return work.table(table, metrics=metrics)


def _recommendations(project: Project) -> dg.AssetsDefinition:
    own = dg.AssetIn(partition_mapping=project.partitions.own_mix)

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=VERSION,
        io_manager_key="tables",
        ins={"thought_space_model": own},
        kinds={"torch"},
        description="The best unseen items of every user, from everything the user has, with the rationale.",
    )
    def recommendations(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: pl.DataFrame,
        item_embeddings: pl.DataFrame,
        rationales: pl.DataFrame,
        rationale_embeddings: pl.DataFrame,
        thought_space_model: Models,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        params = {"k": RECOMMENDED, "protocol": SERVING_PROTOCOL}
        with materialising(context, tracking, VERSION, params) as work:
            data = assemble(
                context.partition_key, SERVING_PROTOCOL, interactions, item_embeddings, rationale_embeddings
            )
            ranker = ThoughtSpaceRanker(thought_space_model[SERVING_PROTOCOL].model, MODEL)
            top = top_k(ranker, data, np.arange(len(data.user_ids)), "serving", RECOMMENDED)
            why = latest_rationales(rationales)
            table = recommendation_table(top, data).with_columns(
                rationale=pl.col("user_id").replace_strict(why, default=None, return_dtype=pl.String)
            )
            return work.table(table)

    return recommendations
