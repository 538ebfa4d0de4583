"""Asset of the stage `evaluation` that decides which model of a domain is the registry's champion."""

import tempfile
from pathlib import Path

import dagster as dg
import polars as pl

from assets.checks import failed_blocking_checks
from assets.materialisation import materialising
from assets.project import Project
from assets.thought_space import weights_version
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.champion import Verdict, challenge, enter
from pulse_pipeline.schemas import Champions as Contract
from pulse_pipeline.thought_space.assemble import assemble
from pulse_pipeline.thought_space.data import DomainData, Protocol
from pulse_pipeline.thought_space.model import ThoughtSpace
from resources.champions import Champion, Champions, model_name
from resources.storage import OPTIONAL_PARTITIONS, Models, read_models, write_models
from resources.tracking import Tracking

GROUP = "evaluation"
VERSION = "2"
JUDGED_BY: Protocol = "loo"
ENCODER = ("encoder", "encoder_revision")


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`champion`, partitioned by domain."""
    return [_champion(project)]


def _champion(project: Project) -> dg.AssetsDefinition:
    own = dg.AssetIn(partition_mapping=project.partitions.own_mix)

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=VERSION,
        io_manager_key="tables",
        ins={
            "thought_space_model": own,
            "item_rationales": dg.AssetIn(metadata=OPTIONAL_PARTITIONS),
        },
        # A champion is always one whose figures have been taken.
        deps=["in_domain_evaluation"],
        kinds={"mlflow"},
        description="Moves the registry's alias to the domain's new model if that is no loss.",
    )
    def champion(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: pl.DataFrame,
        item_embeddings: pl.DataFrame,
        rationales: pl.DataFrame,
        rationale_embeddings: pl.DataFrame,
        item_rationales: dict[str, pl.DataFrame],
        thought_space_model: Models,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        name = context.partition_key
        with materialising(context, tracking, VERSION, {"protocol": JUDGED_BY}) as work:
            registry, weights = Champions(), weights_version(thought_space_model)
            current = registry.current(name)
            tables = {"interactions": interactions, "rationales": rationales}
            if name in item_rationales:
                tables["item_rationales"] = item_rationales[name]
            failed = failed_blocking_checks(project, tables)
            if failed:
                verdict = Verdict(False, f"a blocking check failed: {', '.join(failed)}")
            elif current is not None and current.weights == weights:
                verdict = Verdict(False, "the champion has the same weights")
            else:
                data = assemble(name, JUDGED_BY, interactions, item_embeddings, rationale_embeddings)
                verdict = _judged(registry, current, thought_space_model, data)
            if verdict.promoted:
                with tempfile.TemporaryDirectory() as folder:
                    write_models(Path(folder), thought_space_model)
                    current = registry.promote(name, work.run, Path(folder), weights)
            table = _table(name, verdict, current)
            shown = {"promoted": verdict.promoted, "reason": verdict.reason, "model": model_name(name)}
            return work.table(table, shown, _figures(verdict, current))

    return champion


def _judged(registry: Champions, current: Champion | None, new: Models, data: DomainData) -> Verdict:
    model = new[JUDGED_BY].model
    if current is None:
        return enter(model, data, "there is no champion yet")
    champion = _loaded(registry, current, new)
    if champion is None:
        return enter(model, data, "the champion cannot read the tables of today")
    return challenge(model, champion, data)


def _loaded(registry: Champions, current: Champion, new: Models) -> ThoughtSpace | None:
    """The champion; None where its weights or its encoder are not those of this version."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            models = read_models(registry.weights(current, Path(folder)))
        except PulseError:
            return None
    if JUDGED_BY not in models or any(models.origin.get(key) != new.origin.get(key) for key in ENCODER):
        return None
    return models[JUDGED_BY].model


def _table(name: str, verdict: Verdict, current: Champion | None) -> pl.DataFrame:
    found = verdict.difference
    row = {
        "dataset": name,
        "promoted": verdict.promoted,
        "reason": verdict.reason,
        "version": current.version if current else None,
        "difference": found.value if found else None,
        "ci_low": found.low if found else None,
        "ci_high": found.high if found else None,
        "p_value": found.p_value if found else None,
        "n_users": verdict.n_users,
    }
    return Contract.validate(pl.DataFrame([row], schema=Contract.create_empty().schema))


def _figures(verdict: Verdict, current: Champion | None) -> dict[str, float]:
    figures = {"version": float(current.version)} if current else {}
    if verdict.difference is not None:
        found = verdict.difference
        figures |= {
            "difference_ndcg@10": found.value,
            "difference_low": found.low,
            "difference_high": found.high,
        }
    return figures
