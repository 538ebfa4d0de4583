"""Assets of the stage `evaluation`: baselines, in-domain, cross-domain, recommendations, the report."""

import json

import dagster as dg
import numpy as np
import polars as pl

from assets.materialisation import Materialisation, materialising, picture
from assets.partitions import SOURCE, TARGET, sorted_dimensions
from assets.project import Project
from assets.thought_space import Tables
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.candidates import drawn_candidates, read_candidates
from pulse_pipeline.evaluation.challenges import challenge_rows
from pulse_pipeline.evaluation.figures import distinct_figures
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
from pulse_pipeline.evaluation.report.build import DomainTables, build_report
from pulse_pipeline.evaluation.report.page import write_report
from pulse_pipeline.evaluation.report.plots import plots
from pulse_pipeline.evaluation.transfer import evaluate_transfer, zero_shot
from pulse_pipeline.files import replacing
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.rationales.latest import latest_rationales
from pulse_pipeline.schemas import Metrics, ModelRanks
from pulse_pipeline.thought_space.assemble import PROTOCOLS, assemble, has_protocol
from pulse_pipeline.thought_space.data import Protocol
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from resources.storage import OPTIONAL_PARTITIONS, Models, table_path
from resources.tracking import Tracking

GROUP = "evaluation"
VERSION = "2"
RECOMMENDED = 10
SERVING_PROTOCOL: Protocol = "loo"
RANKS, RANKS_FILE = "model_ranks", "ranks.parquet"


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`candidates`, `baseline_scores`, the two evaluations, `recommendations`, `report`."""
    return [
        _candidates(project),
        _baseline_scores(project),
        _in_domain_evaluation(project),
        _cross_domain_evaluation(project),
        _recommendations(project),
        _report(project),
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
                    [(mix, models[protocol].model) for mix, models in trained.items() if protocol in models],
                    evaluated_baselines(data, pl.concat([baseline_scores, with_rationales])),
                    drawn,
                    seed=settings.thought_space.seed,
                    spec_fingerprint=settings.rationales.fingerprint(),
                )
                figures += [one.metrics for one in evaluated]
                ranks.append(rank_table(evaluated, data))
                figures.append(rationale_differences(evaluated, data))
            _keep_ranks(work, ranks)
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
            figures, ranks = [], []
            for protocol in PROTOCOLS:
                if protocol not in thought_space_model or not has_protocol(interactions, protocol):
                    continue
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
            _keep_ranks(work, ranks)
            return _figures(work, pl.concat([Metrics.create_empty(), *figures]))

    return cross_domain_evaluation


def _is_of_todays_members(project: Project, mix: str, models: Models) -> bool:
    """False where domains.yaml has changed what the mix is made of: its figures would bear a wrong name."""
    return bool(models.origin.get("domains") == sorted(project.registry.members(mix)))


def _keep_ranks(work: Materialisation, ranks: list[pl.DataFrame]) -> None:
    """Lay the ranks behind the figures beside them, in the home and in MLflow."""
    path = table_path(Home.from_environment(), RANKS, work.partition)
    with replacing(path) as aside:
        pl.concat([ModelRanks.create_empty(), *ranks]).write_parquet(aside, compression="zstd")
    work.run.artifact(RANKS_FILE, path.read_bytes())


def _all_ranks(project: Project) -> pl.DataFrame:
    """The ranks behind all evaluations of the home, of each model once."""
    home, names = Home.from_environment(), project.registry.names
    partitions = [*names, *(f"{mix}|{name}" for mix in project.registry.mixes for name in names)]
    paths = [table_path(home, RANKS, partition) for partition in partitions]
    tables = [pl.read_parquet(path, glob=False) for path in paths if path.exists()]
    return pl.concat([ModelRanks.create_empty(), *tables]).unique(
        pl.exclude("item_id", "rank"), keep="first", maintain_order=True
    )


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


def _report(project: Project) -> dg.AssetsDefinition:
    present = dg.AssetIn(metadata=OPTIONAL_PARTITIONS)

    @dg.asset(
        group_name=GROUP,
        code_version=VERSION,
        ins={
            "interactions": present,
            "items": present,
            "item_embeddings": present,
            "rationales": present,
            "rationale_embeddings": present,
            "thought_space_model": present,
            "in_domain_evaluation": present,
            "cross_domain_evaluation": present,
            "seed_evaluation": present,
            "explanation_evaluation": present,
            "reasoner_evaluation": present,
            "ablation_evaluation": present,
            "zero_shot_evaluation": present,
            "few_shot_evaluation": present,
            "arrival_evaluation": present,
        },
        io_manager_key="tables",
        kinds={"html"},
        description="All figures as one self-contained page and as JSON, from whatever is materialised.",
    )
    def report(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: Tables,
        items: Tables,
        item_embeddings: Tables,
        rationales: Tables,
        rationale_embeddings: Tables,
        thought_space_model: dict[str, Models],
        in_domain_evaluation: Tables,
        cross_domain_evaluation: Tables,
        seed_evaluation: Tables,
        explanation_evaluation: Tables,
        reasoner_evaluation: Tables,
        ablation_evaluation: Tables,
        zero_shot_evaluation: Tables,
        few_shot_evaluation: Tables,
        arrival_evaluation: Tables,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        params = {"domains": ", ".join(in_domain_evaluation)}
        with materialising(context, tracking, VERSION, params) as work:
            evaluations = (
                in_domain_evaluation,
                cross_domain_evaluation,
                seed_evaluation,
                reasoner_evaluation,
                ablation_evaluation,
                zero_shot_evaluation,
                few_shot_evaluation,
                arrival_evaluation,
            )
            ranked = distinct_figures(table for tables in evaluations for table in tables.values())
            judged = distinct_figures(explanation_evaluation.values())
            metrics = pl.concat([ranked, judged])
            if metrics.is_empty():
                raise PulseError(
                    "there is nothing to report yet: run `pulse run`, or materialise an evaluation"
                )
            tables = {
                name: DomainTables(
                    interactions[name],
                    items[name],
                    item_embeddings[name],
                    rationales[name],
                    rationale_embeddings[name],
                    synthetic=name in project.registry.synthetic,
                )
                for name in project.registry.names
                if name in in_domain_evaluation
            }
            settings = project.settings
            inputs = build_report(
                project.registry,
                tables,
                thought_space_model,
                ranked,
                rationales=settings.rationales,
                encoder=settings.encoder,
                explanations=judged,
                challenges=challenge_rows(metrics),
            )
            folder = Home.from_environment().report
            write_report(inputs, folder / "index.html")
            with replacing(folder / "metrics.json") as aside:
                aside.write_text(json.dumps(metrics.to_dicts(), indent=1), encoding="utf-8")
            with replacing(folder / RANKS_FILE) as aside:
                _all_ranks(project).write_parquet(aside, compression="zstd")
            for name in ("index.html", "metrics.json", RANKS_FILE):
                work.run.artifact(name, (folder / name).read_bytes())
            pictures = plots(inputs)
            for name, png in pictures.items():
                work.run.artifact(f"{name}.png", png)
            shown = {name: picture(png) for name, png in pictures.items()}
            page = dg.MetadataValue.path(folder / "index.html")
            return work.table(metrics, {"page": page, **shown})

    return report
