"""Assets of the stage `rationales`: why users act, written by a small language model."""

import dagster as dg
import polars as pl

from assets.materialisation import RETRY, materialising
from assets.project import Project
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.rationales.cuts import cut_points, drawn_users
from pulse_pipeline.rationales.generation import ANSWERS, Ledger, RunIds, Writer, read
from pulse_pipeline.rationales.prompts import build_requests
from pulse_pipeline.rationales.spec import KINDS
from pulse_pipeline.shards import ShardStore
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
            tables, ledgers = [], []
            with language_model.session() as session:
                for kind in KINDS:
                    spec = settings.spec(kind)
                    folder = Home.from_environment().cache / "rationales" / spec.fingerprint()
                    store = ShardStore(folder, ANSWERS)
                    requests = build_requests(interactions, items, cuts, spec)
                    label = f"{kind} rationales {context.partition_key}"
                    ledgers.append(Writer(session, store, runs).write(requests, spec, label))
                    tables.append(read(requests, spec, store))
            table = pl.concat(tables)
            return work.table(
                table,
                metadata={
                    "made_with": {
                        "prompt_fingerprint": settings.fingerprint(),
                        "model": settings.model.model,
                        "model_revision": settings.model.revision,
                    },
                    "rejected": _reject_reasons(table),
                    "users": interactions["user_id"].n_unique(),
                    "users_written_for": drawn["user_id"].n_unique(),
                },
                metrics={"valid_rate": _valid_rate(table), **_costs(ledgers)},
            )

    return rationales


def _valid_rate(table: pl.DataFrame) -> float:
    return float(table["valid"].sum()) / max(len(table), 1)


def _reject_reasons(table: pl.DataFrame) -> dict[str, int]:
    counts = table["reject_reason"].drop_nulls().value_counts(sort=True)
    return dict(counts.iter_rows())


def _costs(ledgers: list[Ledger]) -> dict[str, float]:
    """Sums over the kinds; the rate over the time that was spent generating."""
    names = ("generated", "reused", "prompt_tokens", "completion_tokens", "cached_tokens")
    costs = {name: float(sum(getattr(ledger, name) for ledger in ledgers)) for name in names}
    busy = sum(ledger.seconds - ledger.load_seconds for ledger in ledgers if ledger.generated)
    if busy:
        costs["rationales_per_second"] = costs["generated"] / busy
        costs["tokens_per_second"] = costs["completion_tokens"] / busy
    costs["load_seconds"] = sum(ledger.load_seconds for ledger in ledgers)
    return costs
