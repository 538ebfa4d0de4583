"""The asset of repeated trainings: how much of a figure is the luck of a seed."""

import json

import dagster as dg
import polars as pl

from assets.materialisation import ON_DEMAND, materialising
from assets.model_ranks import keep_ranks
from assets.project import Project
from pulse_pipeline.evaluation.candidates import read_candidates
from pulse_pipeline.evaluation.in_domain import MODEL, baseline_ranks, evaluated_baselines
from pulse_pipeline.evaluation.model_ranks import rank_table
from pulse_pipeline.evaluation.seeds import (
    SPREAD_OF_SEEDS,
    repeated_baselines,
    repeated_model,
    seed_rows,
)
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.schemas import Metrics
from pulse_pipeline.thought_space.assemble import PROTOCOLS, assemble, has_protocol
from resources.storage import Models
from resources.tracking import Tracking

VERSION = "2"


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`seed_evaluation`, partitioned by domain."""
    return [_seed_evaluation(project)]


def _seed_evaluation(project: Project) -> dg.AssetsDefinition:
    settings = project.settings
    seeds, config, baselines = settings.evaluation.seeds, settings.thought_space, settings.baselines
    params = {
        "seeds": seeds,
        "thought_space": config.fingerprint(),
        "baselines": [baselines.fingerprint(reads_rationales=reads) for reads in (False, True)],
    }
    version = fingerprint([VERSION, params])
    own = dg.AssetIn(partition_mapping=project.partitions.own_mix)

    @dg.asset(
        group_name="evaluation",
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        ins={"thought_space_model": own},
        pool="gpu",
        kinds={"torch"},
        tags=ON_DEMAND,
        description="The domain's own model and its neural baselines, trained again with other seeds.",
    )
    def seed_evaluation(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: pl.DataFrame,
        item_embeddings: pl.DataFrame,
        rationale_embeddings: pl.DataFrame,
        candidates: pl.DataFrame,
        baseline_scores: pl.DataFrame,
        thought_space_model: Models,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        domain = context.partition_key
        with materialising(context, tracking, version, params) as work:
            states = Home.from_environment().training_of("seed_evaluation", domain)
            figures: list[pl.DataFrame] = [Metrics.create_empty()]
            ranks: list[pl.DataFrame] = []
            for protocol in PROTOCOLS:
                if protocol not in thought_space_model or not has_protocol(interactions, protocol):
                    continue
                data = assemble(domain, protocol, interactions, item_embeddings, rationale_embeddings)
                drawn = read_candidates(candidates, data)
                readers = baseline_ranks(data, baselines, drawn, reads_rationales=True)
                known = evaluated_baselines(data, pl.concat([baseline_scores, readers]))
                model = repeated_model(
                    data,
                    thought_space_model[protocol].model,
                    config=config,
                    seeds=seeds,
                    candidates=drawn,
                    states=states,
                    spec_fingerprint=settings.rationales.fingerprint(),
                )
                others = repeated_baselines(data, baselines, seeds, drawn, known)
                figures.append(seed_rows(model, others))
                ranks.append(rank_table([one for repeats in (model, *others) for one in repeats[1:]], data))
            keep_ranks(work, ranks)
            table = pl.concat(figures)
            work.run.artifact("metrics.json", json.dumps(table.to_dicts(), indent=1))
            return work.table(table, metrics=_spreads(table))

    return seed_evaluation


def _spreads(table: pl.DataFrame) -> dict[str, float]:
    rows = table.filter(metric=SPREAD_OF_SEEDS, model=MODEL)
    return {f"{row['protocol']}_spread_ndcg@10": row["value"] for row in rows.iter_rows(named=True)}
