"""Assets of the stage `rationales`: why users act, written by a small language model."""

from collections import Counter

import dagster as dg
import polars as pl

from assets.materialisation import RETRY, materialising
from assets.project import Project
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.rationales.cuts import cut_points, drawn_users
from pulse_pipeline.rationales.generation import RunIds, Writer
from pulse_pipeline.rationales.judging import TextJudge, rejection_rates
from pulse_pipeline.rationales.ledger import Ledger
from pulse_pipeline.rationales.prompts import UserPrompts
from pulse_pipeline.rationales.spec import KINDS
from pulse_pipeline.rationales.store import AnswerStore
from pulse_pipeline.rationales.tables import rationales_table
from resources.language_model import LanguageModel
from resources.tracking import Tracking

GROUP = "rationales"


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`rationales`, partitioned by domain."""
    return [_rationales(project)]


def _rationales(project: Project) -> dg.AssetsDefinition:
    settings = project.settings.rationales
    draws = {name: config.rationale_users for name, config in project.registry.domains.items()}
    # Dagster knows one code version for all partitions; without a limit it is the prompts' fingerprint.
    limited = {name: users for name, users in draws.items() if users is not None}
    version = fingerprint([settings.fingerprint(), limited]) if limited else settings.fingerprint()

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        retry_policy=RETRY,
        pool="gpu",
        kinds={"vllm"},
        description="Foresight and hindsight rationales. A finished one is never written again.",
    )
    def rationales(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        language_model: LanguageModel,
        interactions: pl.DataFrame,
        items: pl.DataFrame,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        params = settings.model_dump(exclude={"system", "foresight", "hindsight"})
        domain = project.registry.domain(context.partition_key)
        params |= {"rationale_users": domain.rationale_users}
        with materialising(context, tracking, version, params) as work:
            for kind in KINDS:
                work.run.artifact(f"{kind}_prompt.txt", settings.spec(kind).template)
            drawn = drawn_users(interactions, domain.rationale_users)
            cuts = cut_points(drawn)
            runs = RunIds(context.run.run_id, work.run.run_id)
            written = []
            with language_model.session() as session:
                for kind in KINDS:
                    spec = settings.spec(kind)
                    folder = Home.from_environment().cache / "rationales" / spec.fingerprint()
                    render = UserPrompts(interactions, items, spec)
                    judge = TextJudge(spec, items["title"], settings.language)
                    writer = Writer(spec, render, judge, AnswerStore(folder), settings.max_attempts, runs)
                    label = f"{kind} rationales {context.partition_key}"
                    written.append(writer.write(cuts.filter(kind=kind), session, label))
            table = pl.concat(
                rationales_table(one.rows, settings.spec(kind))
                for kind, one in zip(KINDS, written, strict=True)
            )
            rejected = sum((one.rejected for one in written), Counter[str]())
            return work.table(
                table,
                metadata={
                    "made_with": {
                        "prompt_fingerprint": settings.fingerprint(),
                        "model": settings.model.model,
                        "model_revision": settings.model.revision,
                    },
                    "rejected": dict(rejected),
                    "users": interactions["user_id"].n_unique(),
                    "users_written_for": drawn["user_id"].n_unique(),
                },
                metrics={
                    "valid_rate": _valid_rate(table),
                    **rejection_rates(rejected, valid=int(table["valid"].sum())),
                    **_costs(sum((one.ledger for one in written), Ledger())),
                },
            )

    return rationales


def _valid_rate(table: pl.DataFrame) -> float:
    return float(table["valid"].sum()) / max(len(table), 1)


def _costs(ledger: Ledger) -> dict[str, float]:
    costs = {name: float(value) for name, value in vars(ledger).items()}
    if ledger.generated:
        costs["rationales_per_second"] = ledger.rationales_per_second
    return costs
