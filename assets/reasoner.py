"""Assets of the stage `reasoner`, the faithful arm's last (arXiv 2510.08626, stages E and F)."""

import hashlib
import json
import time
from dataclasses import replace

import dagster as dg
import polars as pl

from assets.materialisation import ON_DEMAND, materialising
from assets.project import Project
from assets.thought_space import Tables
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.candidates import read_candidates
from pulse_pipeline.evaluation.evaluate import Origin
from pulse_pipeline.evaluation.reasoner import (
    ARM,
    TUNED,
    UNTUNED,
    Trial,
    distinct_choices,
    evaluate_reasoner,
    trial,
)
from pulse_pipeline.home import Home
from pulse_pipeline.interactions import common_cut
from pulse_pipeline.provenance import fingerprint, git_sha
from pulse_pipeline.reasoner.adapter import tuned
from pulse_pipeline.reasoner.config import ReasonerConfig
from pulse_pipeline.reasoner.examples import Examples, examples
from pulse_pipeline.reasoner.likelihood import title_likelihoods
from pulse_pipeline.reasoner.prompts import ChoicePrompts
from pulse_pipeline.reasoner.training import METHOD, Loaded, Reasoner, fine_tune
from pulse_pipeline.snapshots import STATE
from pulse_pipeline.thought_space.assemble import PROTOCOLS, assemble, has_protocol
from resources.causal_model import CausalModel
from resources.storage import OPTIONAL_PARTITIONS
from resources.tracking import Tracking

VERSION = "3"


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`reasoner_model`, partitioned by training mix, and `reasoner_evaluation`, by domain."""
    return [_reasoner_model(project), _reasoner_evaluation(project)]


def _reasoner_model(project: Project) -> dg.AssetsDefinition:
    config = project.settings.reasoner
    version = fingerprint([METHOD, config.training_fingerprint()])
    writing = project.settings.rationales_as_published
    members = project.partitions.members_of_mix
    thoughts = "published_rationales" if config.rationales == "refined" else "published_seeds"

    @dg.asset(
        group_name="reasoner",
        partitions_def=project.partitions.mixes,
        code_version=version,
        io_manager_key="reasoners",
        ins={
            "interactions": dg.AssetIn(partition_mapping=members),
            "items": dg.AssetIn(partition_mapping=members),
            "thoughts": dg.AssetIn(thoughts, partition_mapping=members),
        },
        pool="gpu",
        kinds={"torch"},
        tags=ON_DEMAND,
        description="An adapter of the small language model that chooses among candidates, after a thought.",
    )
    def reasoner_model(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        causal_model: CausalModel,
        interactions: Tables,
        items: Tables,
        thoughts: Tables,
    ) -> dg.MaterializeResult[Reasoner]:
        mix = context.partition_key
        with materialising(context, tracking, version, config.model_dump()) as work:
            parts = [
                examples(interactions[name], items[name], thoughts[name], config)
                for name in sorted(interactions)
            ]
            given = Examples(
                [choice for part in parts for choice in part.training],
                [choice for part in parts for choice in part.validation],
            )
            origin = {
                "mix": mix,
                "domains": sorted(interactions),
                "known_until": common_cut.last_training(interactions.values()),
                "rationales": writing.fingerprint((config.rationales,)),
                "git_sha": git_sha(),
                "dagster_run_id": context.run.run_id,
            }
            state = Home.from_environment().training_of("reasoner_model", mix) / STATE
            loaded = causal_model.load(config.model, config.frozen_weights)
            reasoner = fine_tune(mix, given, loaded, config, origin, state=state)
            work.run.curve(reasoner.history, step="epoch")
            work.run.artifact("history.csv", reasoner.history.write_csv())
            metrics = {
                "val_loss": float(str(reasoner.history["val_loss"].min())),
                "untuned_val_loss": float(reasoner.history["val_loss"][0]),
                "epochs": float(reasoner.history["epoch"][-1]),
                "examples": float(len(given.training)),
                "held_out_examples": float(len(given.validation)),
            }
            return work.result(reasoner, _weights_hash(reasoner), {}, metrics)

    return reasoner_model


def _weights_hash(reasoner: Reasoner) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(reasoner.weights.items()):
        digest.update(name.encode())
        digest.update(tensor.float().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _reasoner_evaluation(project: Project) -> dg.AssetsDefinition:
    config = project.settings.reasoner
    version = fingerprint([VERSION, config.fingerprint()])
    mixes = dg.AssetIn(partition_mapping=project.partitions.home_and_abroad, metadata=OPTIONAL_PARTITIONS)

    @dg.asset(
        group_name="evaluation",
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        ins={"reasoner_model": mixes},
        pool="gpu",
        kinds={"torch"},
        tags=ON_DEMAND,
        description="The faithful arm's figures: the target among 20 and 5 candidates, by likelihood.",
    )
    def reasoner_evaluation(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        causal_model: CausalModel,
        interactions: pl.DataFrame,
        items: pl.DataFrame,
        item_embeddings: pl.DataFrame,
        candidates: pl.DataFrame,
        rationales: pl.DataFrame,
        reasoner_model: dict[str, Reasoner],
    ) -> dg.MaterializeResult[pl.DataFrame]:
        domain = context.partition_key
        trained = {
            mix: reasoner
            for mix, reasoner in reasoner_model.items()
            if reasoner.origin["domains"] == sorted(project.registry.members(mix))
        }
        params = {"users": config.evaluation_users, "mixes": ", ".join(trained)}
        with materialising(context, tracking, version, params) as work:
            if not trained:
                raise PulseError(
                    f"no reasoner was trained for {domain}: run `pulse run --select '*reasoner_evaluation'`"
                )
            trials = {}
            for protocol in PROTOCOLS:
                if has_protocol(interactions, protocol):
                    data = assemble(domain, protocol, interactions, item_embeddings)
                    drawn = read_candidates(candidates, data)
                    trials[protocol] = trial(data, drawn, items, rationales, config)
            spec = project.settings.rationales.fingerprint()
            untuned = Origin(UNTUNED, None, 0, ARM, spec, None)
            figures = [
                _evaluated(
                    list(trials.values()),
                    causal_model.load(config.model, config.frozen_weights),
                    untuned,
                    config,
                )
            ]
            for mix, reasoner in trained.items():
                origin = Origin(TUNED, mix, reasoner.config.seed, ARM, spec, None)
                known_until = reasoner.origin.get("known_until")
                fair = [
                    one
                    for protocol, one in trials.items()
                    if common_cut.may_test(protocol, known_until, interactions)
                ]
                figures.append(_evaluated(fair, _tuned(causal_model, reasoner), origin, reasoner.config))
            table = pl.concat(figures)
            work.run.artifact("metrics.json", json.dumps(table.to_dicts(), indent=1))
            return work.table(table, metrics=_headline(table))

    return reasoner_evaluation


def _tuned(causal_model: CausalModel, reasoner: Reasoner) -> Loaded:
    loaded = causal_model.load(reasoner.config.model, reasoner.config.frozen_weights)
    return Loaded(tuned(loaded.model, reasoner.weights, reasoner.config), loaded.tokenizer)


def _evaluated(trials: list[Trial], loaded: Loaded, origin: Origin, config: ReasonerConfig) -> pl.DataFrame:
    """Rows of one model; each choice is read once, whatever number of rows it enters."""
    started = time.perf_counter()
    choices = distinct_choices(trials)
    label = f"candidates {trials[0].data.domain} by {origin.model}"
    found = title_likelihoods(loaded.model, ChoicePrompts(config, loaded.tokenizer), choices, label)
    scores = dict(zip(choices, found, strict=True))
    timed = replace(origin, seconds=time.perf_counter() - started)
    return pl.concat(evaluate_reasoner(one, scores, timed) for one in trials)


def _headline(table: pl.DataFrame) -> dict[str, float]:
    shown = table.filter(slice="all", metric="HR", k=1, model=TUNED)
    return {
        f"{row['protocol']}_{row['train_mix']}_hr@1_of_{row['candidates']}": row["value"]
        for row in shown.iter_rows(named=True)
    }
