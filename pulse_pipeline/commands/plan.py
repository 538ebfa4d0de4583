"""``pulse run --plan``: what would run, and what it would cost, before anything is spent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg
import polars as pl
from rich.table import Table

from assets.checks import WRITTEN
from assets.materialisation import dataset_name
from assets.project import Project
from assets.refinement import PROTOCOL as REFINED_PROTOCOL
from pulse_pipeline.commands.selecting import groups
from pulse_pipeline.commands.staleness import Staleness
from pulse_pipeline.definitions import build_defs
from pulse_pipeline.home import Home
from pulse_pipeline.rationales.assignments import Assignment, Desk, Domain
from pulse_pipeline.rationales.ledger import Account
from pulse_pipeline.thought_space.assemble import SPLIT_COLUMNS
from resources.instance import open_instance
from resources.storage import table_path

CHARACTERS_A_TOKEN = 4  # of English, in the vocabulary of a small model
RATES_LOOKED_AT = 50  # materialisations, newest first


@dataclass(frozen=True)
class Cost:
    """What writing would take.

    Attributes:
        prompts: Requests that no answer is kept for.
        tokens: Tokens to read and to write for them, about; with what will be rejected and asked again, as
            often as in the last run that wrote any.
        seconds: At that run's rate; None before the first.
    """

    prompts: int
    tokens: int
    seconds: float | None


@dataclass(frozen=True)
class Step:
    """One partition of an asset that a run would materialise.

    Attributes:
        asset: The asset key.
        partition: Its partition, None if it has none.
        reason: Why it is stale; empty if it is up to date.
        cost: What it would have a model write; None where nothing is written, or where it cannot be told
            because the tables it is written from are not there.
    """

    asset: str
    partition: str | None
    reason: str
    cost: Cost | None


def plan(project: Project, selection: str | None, domains: list[str]) -> list[Step]:
    """Look at what a run would do; nothing is written.

    Args:
        project: Registry and settings.
        selection: In Dagster's selection syntax; None for what `pulse run` makes.
        domains: The domains to work on.

    Raises:
        PulseError: The selection or a domain is wrong.
    """
    home = Home.from_environment()
    definitions = build_defs(registry=project.registry, settings=project.settings)
    with open_instance(home) as instance:
        planner = _Planner(project, definitions, instance, home)
        return [
            planner.step(asset, partition)
            for group in groups(definitions, project, selection, domains)
            for asset in group.assets
            for partition in group.partitions
        ]


def as_table(steps: list[Step]) -> Table:
    """Steps for people."""
    table = Table(title="What would run")
    for column in ("asset", "partition", "state", "new prompts", "tokens", "time"):
        table.add_column(column, justify="left" if column in {"asset", "partition", "state"} else "right")
    for step in steps:
        cost = ("", "", "") if step.cost is None else _shown(step.cost)
        table.add_row(step.asset, step.partition or "", step.reason or "up to date", *cost)
    costs = [step.cost for step in steps if step.cost is not None]
    table.caption = f"{sum(cost.prompts for cost in costs):,} new prompts; tokens and times are estimates"
    return table


def _shown(cost: Cost) -> tuple[str, str, str]:
    time = "?" if cost.seconds is None else f"{cost.seconds / 60:,.1f} min"
    return f"{cost.prompts:,}", f"{cost.tokens:,}", time


@dataclass(frozen=True)
class _Measured:
    """What writing took: tokens an answer, answers a second, and the share of them that was rejected."""

    tokens: float
    per_second: float
    rejected: float


def expected_attempts(rejected: float, at_most: int) -> float:
    """How many answers a prompt takes, if each is rejected with this probability; `at_most` are asked."""
    return sum(rejected**attempt for attempt in range(at_most))


class _Planner:
    """Looks at one home, upstream first."""

    def __init__(
        self, project: Project, definitions: dg.Definitions, instance: dg.DagsterInstance, home: Home
    ) -> None:
        self._project, self._instance, self._home = project, instance, home
        self._staleness = Staleness(definitions, instance)

    def step(self, asset: str, partition: str | None) -> Step:
        """Look at one partition."""
        reason = self._staleness.reason(asset, partition)
        return Step(asset, partition, reason, self._cost(asset, partition, stale=bool(reason)))

    def _cost(self, asset: str, partition: str | None, *, stale: bool) -> Cost | None:
        assignments = list(self._assignments(asset, str(partition)))
        if not assignments:
            return None
        if not stale:
            return Cost(0, 0, 0.0)
        found = [_open_prompts(assignment) for assignment in assignments]
        prompts = pl.concat(found).sort("entails", descending=True).unique("key", keep="first")
        count = float(prompts["entails"].sum())
        measured = self._measured(asset)
        if measured is None:
            tokens = prompts["characters"] / CHARACTERS_A_TOKEN + prompts["written"]
            return Cost(round(count), round((tokens * prompts["entails"]).sum()), None)
        answers = count * expected_attempts(measured.rejected, self._project.settings.rationales.max_attempts)
        return Cost(round(count), round(answers * measured.tokens), answers / measured.per_second)

    def _assignments(self, asset: str, domain: str) -> Iterator[Assignment]:
        if asset not in WRITTEN:
            return
        settings = self._project.settings.rationales
        here = self._tables(domain, self._neighbours(asset))
        if here is None:
            return
        desk = Desk(settings, self._home.cache, account=Account(dataset_name(asset, domain)))
        match asset:
            case "rationales":
                yield from desk.about_users(here)
            case "item_rationales":
                yield desk.about_items(here)
            case "refined_rationales":
                yield desk.trees(here, SPLIT_COLUMNS[REFINED_PROTOCOL])
            case "published_seeds" | "published_rationales":
                yield self._published(asset, here, desk)
            case "bridging_rationales":
                others = (self._tables(name) for name in self._project.registry.names if name != domain)
                yield from (desk.about_arrivals(source, here) for source in others if source is not None)

    def _neighbours(self, asset: str) -> str | None:
        """The table of similar users that an asset's prompts are told of."""
        if asset == "published_rationales":
            return "published_neighbours"
        told = asset == "rationales" and self._project.settings.rationales.uses_neighbours
        return "neighbours" if told else None

    def _published(self, asset: str, domain: Domain, desk: Desk) -> Assignment:
        desk = replace(desk, settings=self._project.settings.rationales_as_published)
        return desk.published_seeds(domain) if asset == "published_seeds" else desk.published_trees(domain)

    def _tables(self, domain: str, neighbours: str | None = None) -> Domain | None:
        """A domain's tables, with one of neighbours if it is named; None where they are not all there."""
        tables = {"interactions": "interactions", "items": "items"}
        if neighbours:
            tables["neighbours"] = neighbours
        paths = {name: table_path(self._home, table, domain) for name, table in tables.items()}
        if not all(path.exists() for path in paths.values()):
            return None
        found = {name: pl.read_parquet(path, glob=False) for name, path in paths.items()}
        config = self._project.registry.domain(domain)
        return Domain(domain, users=config.rationale_users, described=config.rationale_items, **found)

    def _measured(self, asset: str) -> "_Measured | None":
        """What the last materialisation in which this model wrote any has shown; None before the first."""
        model = self._project.settings.rationales.model.model
        made = self._instance.fetch_materializations(dg.AssetKey(asset), limit=RATES_LOOKED_AT).records
        for record in made:
            metadata: Any = record.asset_materialization and record.asset_materialization.metadata
            value = {name: found.value for name, found in (metadata or {}).items()}
            if "rationales_per_second" in value and value["made_with"]["model"] == model:
                tokens = value["prompt_tokens"] + value["completion_tokens"]
                rejected = sum(share for name, share in value.items() if name.startswith("rejected_"))
                return _Measured(tokens / value["generated"], value["rationales_per_second"], rejected)
        return None


def _open_prompts(assignment: Assignment) -> pl.DataFrame:
    """What is not answered yet: `key`, its `characters`, the tokens `written` at most, what it `entails`."""
    missing, entails = assignment.look_up().open.drop("key", "attempt"), assignment.entails
    # Of a tree nobody knows what its next levels will ask: at most what it takes in all.
    if entails > 1 and assignment.unanswered() > len(missing) * entails:
        missing, entails = assignment.wanted, assignment.unanswered() / len(assignment.wanted)
    requests = assignment.writer.render(missing)
    return requests.select(
        "key",
        characters=pl.concat_str("system", "user").str.len_chars(),
        written=pl.lit(assignment.writer.spec.sampling.max_tokens),
        entails=pl.lit(entails, pl.Float64),
    )
