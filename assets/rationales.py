"""Assets of the stage `rationales`: why users act and what items are for, by a small language model."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import dagster as dg
import polars as pl

from assets.materialisation import IF_NAMED, RETRY, Materialisation, dataset_name, materialising
from assets.project import Project
from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.rationales.assignments import Desk, Domain
from pulse_pipeline.rationales.generation import RunIds, Written
from pulse_pipeline.rationales.judging import rejection_rates
from pulse_pipeline.rationales.ledger import Account, Ledger
from pulse_pipeline.rationales.spec import USER_KINDS, Kind, RationaleSettings
from pulse_pipeline.rationales.tables import item_rationales_table, rationales_table
from pulse_pipeline.schemas import Rationales
from resources.language_model import LanguageModel
from resources.tracking import Tracking

GROUP = "rationales"
ITEM_VERSION = "2"
"""Changes with the columns of `item_rationales`."""

_CHANGED: dg.AutomationCondition[Any] = dg.AutomationCondition.code_version_changed()
ON_CHANGED_SETTINGS = (
    _CHANGED.since_last_handled()
    & ~dg.AutomationCondition.any_deps_missing()
    & ~dg.AutomationCondition.in_progress()
).with_label("its settings changed")
"""A change is remembered until it is handled, and waits for tables that are not there yet."""

ON_CHANGED_SETTINGS_WHERE_MADE = (ON_CHANGED_SETTINGS & ~dg.AutomationCondition.missing()).with_label(
    "its settings changed, and it was made before"
)
"""For what is made on demand: a domain for which nobody has asked for it stays without it."""

FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=15), warn_window=timedelta(days=8))
"""Fresh for a week and a day, so that one missed Monday of the weekly schedule shows in the UI."""


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`rationales`, `item_rationales`, partitioned by domain."""
    return [_rationales(project), _item_rationales(project)]


def _rationales(project: Project) -> dg.AssetsDefinition:
    settings = project.settings.rationales
    limits = user_limits(project)
    if settings.representatives < 1:
        limits["representatives"] = settings.representatives
    version = version_with(settings.fingerprint(), limits)
    optional_inputs = {"neighbours": dg.AssetIn()} if settings.uses_neighbours else {}

    @dg.asset(
        group_name=GROUP,
        ins=optional_inputs,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        retry_policy=RETRY,
        pool="gpu",
        automation_condition=ON_CHANGED_SETTINGS,
        freshness_policy=FRESH,
        kinds={"vllm"},
        description="Foresight and hindsight rationales. A finished one is never written again.",
    )
    def rationales(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        language_model: LanguageModel,
        interactions: pl.DataFrame,
        items: pl.DataFrame,
        **optional: pl.DataFrame,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        config = project.registry.domain(context.partition_key)
        with materialising(context, tracking, version, _params(settings, config)) as work:
            desk = open_desk(work, context, settings, USER_KINDS, language_model)
            domain = Domain(
                config.name, interactions, items, config.rationale_users, optional.get("neighbours")
            )
            assignments = desk.about_users(domain)
            with language_model.session() as session:
                written = [assignment.write(session) for assignment in assignments]
            own = pl.concat(
                rationales_table(one.rows, assignment.writer.spec)
                for assignment, one in zip(assignments, written, strict=True)
            )
            inheriting = desk.inherited(domain, own)
            table = Rationales.validate(pl.concat([own, inheriting]), cast=True)
            users = {
                "users": interactions["user_id"].n_unique(),
                "users_written_for": own["user_id"].n_unique(),
                "users_inheriting": inheriting["user_id"].n_unique(),
            }
            return result(work, table, written, desk, settings.fingerprint(USER_KINDS), users)

    return rationales


def _item_rationales(project: Project) -> dg.AssetsDefinition:
    settings = project.settings.rationales
    limits = {name: config.rationale_items for name, config in project.registry.domains.items()}
    version = version_with(fingerprint([ITEM_VERSION, settings.fingerprint(("item",))]), limits)

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        retry_policy=RETRY,
        pool="gpu",
        automation_condition=ON_CHANGED_SETTINGS_WHERE_MADE,
        kinds={"vllm"},
        tags=IF_NAMED,
        description="What each item is for, who wants it and why, from its text and training-period reviews.",
    )
    def item_rationales(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        language_model: LanguageModel,
        interactions: pl.DataFrame,
        items: pl.DataFrame,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        config = project.registry.domain(context.partition_key)
        with materialising(context, tracking, version, _params(settings, config)) as work:
            desk = open_desk(work, context, settings, ("item",), language_model)
            domain = Domain(config.name, interactions, items, described=config.rationale_items)
            assignment = desk.about_items(domain)
            with language_model.session() as session:
                written = assignment.write(session)
            table = item_rationales_table(written.rows, assignment.writer.spec)
            prompt = settings.fingerprint(("item",))
            return result(work, table, [written], desk, prompt, {"items": len(items)})

    return item_rationales


def _params(settings: RationaleSettings, config: DomainConfig) -> dict[str, object]:
    prompts = {"system", "foresight", "hindsight", "item", "bridging"}
    limits = config.model_dump(include={"rationale_users", "rationale_items"})
    return {**settings.model_dump(exclude=prompts), **limits}


def user_limits(project: Project) -> dict[str, float | None]:
    """How many users of each domain are written about."""
    return {name: config.rationale_users for name, config in project.registry.domains.items()}


def version_with(prompts: str, limits: Mapping[str, float | None]) -> str:
    """The code version; Dagster knows one for all partitions. Without a limit that of the prompts."""
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return fingerprint([prompts, given]) if given else prompts


def open_desk(
    work: Materialisation,
    context: dg.AssetExecutionContext,
    settings: RationaleSettings,
    kinds: tuple[Kind, ...],
    language_model: LanguageModel,
) -> Desk:
    """The desk of one materialisation; keeps the prompts of these kinds beside its MLflow run."""
    for kind in kinds:
        work.run.artifact(f"{kind}_prompt.txt", settings.spec(kind).template)
    name = dataset_name(work.asset, work.partition)
    account = Account(name, language_model.devices, language_model.price_per_hour)
    runs = RunIds(context.run.run_id, work.run.run_id)
    return Desk(settings, Home.from_environment().cache, runs, account)


def result(
    work: Materialisation,
    table: pl.DataFrame,
    written: list[Written],
    desk: Desk,
    prompt_fingerprint: str,
    counts: dict[str, int],
) -> "dg.MaterializeResult[pl.DataFrame]":
    """A table of rationales with what each such table tells: what wrote it, what was rejected, its cost."""
    rejected = sum((one.rejected for one in written), Counter[str]())
    return work.table(
        table,
        metadata={
            "made_with": {
                "prompt_fingerprint": prompt_fingerprint,
                **table.select(pl.col("model", "model_revision").first()).row(0, named=True),
            },
            "rejected": dict(rejected),
            **counts,
        },
        metrics={
            "valid_rate": valid_rate(table),
            **rejection_rates(rejected, valid=int(table["valid"].sum())),
            **costs(sum((one.ledger for one in written), Ledger()), desk.spent()),
        },
    )


def valid_rate(table: pl.DataFrame) -> float:
    """Share of a table's rationales that passed all checks, in [0, 1]."""
    return float(table["valid"].sum()) / max(len(table), 1)


def costs(ledger: Ledger, total: Ledger) -> dict[str, float]:
    """What a materialisation cost, and what its partition has cost so far, killed runs included."""
    so_far = {f"total_{name}": cost for name, cost in _figures(total).items() if name != "reused"}
    return {**_figures(ledger), **so_far}


def _figures(ledger: Ledger) -> dict[str, float]:
    figures = {name: float(value) for name, value in vars(ledger).items()}
    if ledger.generated:
        figures["rationales_per_second"] = ledger.rationales_per_second
    return figures
