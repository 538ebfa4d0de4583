"""Assets of the stage `thought_space`: one trained model for each training mix."""

import hashlib
from pathlib import Path

import dagster as dg
import polars as pl

from assets.materialisation import Materialisation, materialising, picture
from assets.project import Project
from pulse_pipeline.domains import ALL_BUT
from pulse_pipeline.evaluation.report import charts
from pulse_pipeline.home import Home
from pulse_pipeline.interactions import common_cut
from pulse_pipeline.provenance import content_hash, fingerprint, git_sha
from pulse_pipeline.thought_space.assemble import PROTOCOLS, assemble, has_protocol
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, Protocol
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.retrieval import later_pairs, recalls
from pulse_pipeline.thought_space.training import Trained, kept_epoch, train
from pulse_pipeline.thought_space.travelling import train_to_travel
from pulse_pipeline.thought_space.workers import ALONE, Workers
from resources.storage import Models, table_path
from resources.tracking import Tracking

GROUP = "thought_space"

Tables = dict[str, pl.DataFrame]


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`thought_space_model`, partitioned by training mix."""
    return [_thought_space_model(project)]


def _thought_space_model(project: Project) -> dg.AssetsDefinition:
    config = project.settings.thought_space
    version = config.fingerprint()
    members = dg.AssetIn(partition_mapping=project.partitions.members_of_mix)

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.mixes,
        code_version=version,
        io_manager_key="checkpoints",
        ins={
            "interactions": members,
            "item_embeddings": members,
            "rationale_embeddings": members,
        },
        pool="gpu",
        kinds={"torch"},
        description="A Thought Space trained on the mix's domains, once for each protocol they allow.",
    )
    def thought_space_model(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: Tables,
        item_embeddings: Tables,
        rationale_embeddings: Tables,
    ) -> dg.MaterializeResult[Models]:
        with materialising(context, tracking, version, config.model_dump()) as work:
            home = Home.from_environment()
            for name, table in interactions.items():
                path = table_path(home, "interactions", name)
                work.run.dataset(table, f"interactions/{name}", path, content_hash(table))
            states = home.training_of("thought_space_model", context.partition_key)
            trained = Models(_origin(context, project, interactions))
            found: dict[str, float] = {}
            for protocol in PROTOCOLS:
                domains = domain_data(protocol, interactions, item_embeddings, rationale_embeddings)
                if domains:
                    state = states / f"{protocol}.safetensors"
                    trained[protocol] = train_mix(context.partition_key, domains, config, state)
                    found |= _served(protocol, trained[protocol].model, domains)
                    found |= _met(protocol, trained[protocol].model, domains)
            return _result(work, trained, found)

    return thought_space_model


def train_mix(
    mix: str, domains: list[DomainData], config: ThoughtSpaceConfig, state: Path, workers: Workers = ALONE
) -> Trained:
    """Train a mix: one that leaves a domain out is there to meet it, and is trained to travel."""
    trainer = train_to_travel if mix.startswith(ALL_BUT) else train
    return trainer(mix, domains, config, state=state, workers=workers)


def _origin(context: dg.AssetExecutionContext, project: Project, members: Tables) -> dict[str, object]:
    """What a checkpoint that has left this home still has to say about itself."""
    settings = project.settings
    return {
        "mix": context.partition_key,
        "domains": sorted(members),
        "known_until": known_until(members),
        "encoder": settings.encoder.model,
        "encoder_revision": settings.encoder.revision,
        "rationales": settings.rationales.fingerprint(),
        "git_sha": git_sha(),
        "dagster_run_id": context.run.run_id,
    }


def _served(protocol: Protocol, model: ThoughtSpace, domains: list[DomainData]) -> dict[str, float]:
    """How much of what the gate lets in of a rationale is served, in each domain that has any, and abroad."""
    told = [data.domain for data in domains if data.has_rationale.any()]
    weights = {domain: model.serving_weight(domain, home=True) for domain in told}
    if told:
        weights["abroad"] = model.rationale_serving_weight
    return {
        f"{protocol}_rationale_serving_weight_{place}": float(weight) for place, weight in weights.items()
    }


def _met(protocol: Protocol, model: ThoughtSpace, domains: list[DomainData]) -> dict[str, float]:
    """Whether behaviour and rationale find each other in each domain where there are two pairs or more."""
    metrics: dict[str, float] = {}
    for data in domains:
        behaviours, rationales = later_pairs(model, data)
        if len(behaviours) > 1:
            found = recalls(behaviours, rationales) | {"pairs": float(len(behaviours))}
            metrics |= {f"{protocol}_{name}_{data.domain}": value for name, value in found.items()}
    return metrics


def _result(work: Materialisation, trained: Models, found: dict[str, float]) -> dg.MaterializeResult[Models]:
    metrics = dict(found)
    for protocol, one in trained.items():
        renamed = one.history.select("epoch", pl.exclude("epoch", "kept").name.prefix(f"{protocol}_"))
        work.run.curve(renamed, step="epoch")
        work.run.artifact(f"{protocol}_history.csv", one.history.write_csv())
        if one.held_out:
            domain, history = one.held_out
            work.run.artifact(f"{protocol}_judged_by_{domain}.csv", history.write_csv())
            best = kept_epoch(history)
            metrics[f"{protocol}_held_out_val_ndcg@10_{domain}"] = best["val_ndcg@10"]
            metrics[f"{protocol}_held_out_epoch_{domain}"] = float(best["epoch"])
        work.run.artifact(f"{protocol}_config.json", one.config.model_dump_json(indent=1))
        metrics[f"{protocol}_val_ndcg@10"] = kept_epoch(one.history)["val_ndcg@10"]
        metrics[f"{protocol}_untrained_val_ndcg@10"] = float(one.history["val_ndcg@10"][0])
        metrics[f"{protocol}_epochs"] = float(one.history["epoch"][-1])
    curve = charts.to_png(_curve(trained))
    work.run.artifact("validation.png", curve)
    return work.result(trained, weights_version(trained), {"validation": picture(curve)}, metrics)


def _curve(trained: Models) -> charts.Chart:
    epochs = pl.concat(
        one.history.select("epoch", mix=pl.lit(protocol), valid_ndcg="val_ndcg@10")
        for protocol, one in trained.items()
    )
    return charts.training_curve(epochs, "valid_ndcg", "validation NDCG@10")


def weights_version(trained: Models) -> str:
    """The data version of a mix's models: a hash of all their weights."""
    return fingerprint({name: _weights_hash(one) for name, one in trained.items()})


def _weights_hash(trained: Trained) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(trained.model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def domain_data(
    protocol: Protocol, interactions: Tables, item_embeddings: Tables, rationale_embeddings: Tables
) -> list[DomainData]:
    """The domains that can be split this way, in the order of their names, all as before the first test."""
    moment = known_until(interactions)
    return list(
        learned_from(protocol, interactions, item_embeddings, rationale_embeddings, moment=moment).values()
    )


def known_until(interactions: Tables) -> int | None:
    """Up to when a model of these domains has learned under the temporal protocol; None without times."""
    return common_cut.first_test(table for table in interactions.values() if has_protocol(table, "temporal"))


def learned_from(
    protocol: Protocol,
    interactions: Tables,
    item_embeddings: Tables,
    rationale_embeddings: Tables | None = None,
    *,
    moment: int | None,
    unknown: str | None = None,
) -> dict[str, DomainData]:
    """Domains as they are learned from for a test that begins at `moment`, by name in its order.

    Under leave-one-out there is no such moment. What the LM thought of the items of a domain that is cut
    earlier than by itself may have come from later doings there, and is left out where it tells of them; so
    it is in the domain `unknown`, which is met for the first time.
    """
    found = {}
    for name in sorted(interactions):
        own = interactions[name]
        if not has_protocol(own, protocol):
            continue
        cut = own if protocol == "loo" or moment is None else common_cut.before(own, moment)
        if cut.is_empty():
            continue
        rationales = None if rationale_embeddings is None else rationale_embeddings[name]
        texts_only = name == unknown or cut is not own  # cut earlier than by itself
        found[name] = assemble(name, protocol, cut, item_embeddings[name], rationales, texts_only=texts_only)
    return found
