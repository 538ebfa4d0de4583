"""``pulse run``: materialise assets in this process, group by group, and say what failed."""

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import dagster as dg

from assets.materialisation import IF_NAMED, ON_DEMAND, STOPPED
from assets.project import Project
from pulse_pipeline.definitions import build_defs
from pulse_pipeline.errors import PulseError, RunFailed
from pulse_pipeline.home import Home
from pulse_pipeline.progress import tell, track
from resources.instance import open_instance
from resources.language_model import LanguageModel

WRITING = {
    "rationales",
    "item_rationales",
    "bridging_rationales",
    "refined_rationales",
    "published_rationales",
}  # by a language model
SELECTABLE_BY = {"group", "key", "kind"}
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Group:
    """Assets that one run can materialise together, and the partitions to do it for.

    Attributes:
        assets: Names, upstream first.
        partitions: Partition keys; None alone for assets without partitions.
    """

    assets: list[str]
    partitions: list[str | None]


def materialise(
    project: Project,
    selection: str | None,
    domains: Sequence[str],
    resource_overrides: Mapping[str, Any] | None = None,
) -> None:
    """Materialise a selection for some domains.

    Args:
        project: Registry and settings.
        selection: In Dagster's selection syntax, such as ``rationales+``; None for all that is not on demand.
        domains: The domains to work on, with the mixes and transfers that need no other.
        resource_overrides: Resources by key that take the place of ours, for tests.

    Raises:
        PulseError: The selection, a domain or the input is wrong.
        RunFailed: A run failed for another reason.
    """
    definitions = build_defs(
        registry=project.registry, settings=project.settings, resource_overrides=resource_overrides
    )
    chosen = groups(definitions, project, selection, domains)
    home = Home.from_environment()
    total = sum(len(group.partitions) for group in chosen)
    writing = [number for number, group in enumerate(chosen) if WRITING.intersection(group.assets)]
    language_model: LanguageModel = (definitions.resources or {})["language_model"]
    with ExitStack() as held, open_instance(home) as instance, track("runs", total, "runs") as task:
        # The session keeps one language model for all domains, loaded only if there is something to
        # write, and leaves the device to training once all is written.
        held.enter_context(language_model.session())
        for number, group in enumerate(chosen):
            if number > max(writing, default=-1):
                held.close()
            for partition in group.partitions:
                task.relabel(f"{', '.join(group.assets)}{f' [{partition}]' if partition else ''}")
                _run(definitions, instance, group.assets, partition)
                task.advance()


def groups(
    definitions: dg.Definitions, project: Project, selection: str | None, domains: Sequence[str]
) -> list[Group]:
    """What a selection materialises, upstream first.

    Args:
        definitions: The pipeline.
        project: Registry and settings.
        selection: In Dagster's selection syntax; None for all that is not on demand.
        domains: The domains to work on, with the mixes and transfers that need no other.

    Raises:
        PulseError: The selection is wrong.
    """
    selected = _selected(definitions, selection)
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    waiting = [name for name in _upstream_first(specs) if name in selected]
    found = []
    while waiting:
        partitions = specs[waiting[0]].partitions_def
        group: list[str] = []
        for name in waiting:
            ready = all(
                dep.asset_key.to_user_string() not in set(waiting) - set(group) for dep in specs[name].deps
            )
            if ready and specs[name].partitions_def == partitions:
                group.append(name)
        waiting = [name for name in waiting if name not in group]
        found.append(Group(group, _partitions(project, partitions, domains)))
    return found


def _selected(definitions: dg.Definitions, selection: str | None) -> set[str]:
    assets = [asset for asset in definitions.assets or [] if isinstance(asset, dg.AssetsDefinition)]
    on_demand, if_named = (
        _names(dg.AssetSelection.tag(*next(iter(tag.items()))), assets) for tag in (ON_DEMAND, IF_NAMED)
    )
    known = {key.to_user_string() for asset in assets for key in asset.keys}
    if selection is None:
        return known - on_demand - if_named
    try:
        names = _names(_parsed(selection), assets)
    except dg.DagsterInvalidSubsetError:
        names = set()
    if not names:
        raise PulseError(f"--select {selection!r} selects no asset; there are: {', '.join(sorted(known))}")
    # 'rationales+' means what a run makes of them; what costs much is made if it or what needs it is named.
    named = (on_demand | if_named) & set(re.findall(r"\w+", selection))
    demanded = _names(dg.AssetSelection.assets(*named).upstream(), assets) if named else set()
    return names - (on_demand - demanded) - (if_named - named) or names


def _names(selection: dg.AssetSelection, assets: list[dg.AssetsDefinition]) -> set[str]:
    return {key.to_user_string() for key in selection.resolve(assets)}


def _parsed(selection: str) -> dg.AssetSelection:
    foreign = set(re.findall(r"(\w+):", selection)) - SELECTABLE_BY
    if foreign:
        raise PulseError(
            f"--select {selection!r}: nothing can be selected by {', '.join(sorted(foreign))} here; "
            f"use {', '.join(sorted(SELECTABLE_BY))}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)
            parts = [dg.AssetSelection.from_string(part.strip()) for part in selection.split(",")]
    except dg.DagsterError as error:
        raise PulseError(
            f"--select {selection!r} is no selection: {' '.join(str(error).split())}; "
            "write names such as 'items,rationales', 'rationales+' or 'group:evaluation'"
        ) from error
    return reduce(or_, parts)


def _upstream_first(specs: dict[str, dg.AssetSpec]) -> Iterator[str]:
    done: set[str] = set()
    while len(done) < len(specs):
        for name, spec in specs.items():
            if name not in done and all(dep.asset_key.to_user_string() in done for dep in spec.deps):
                done.add(name)
                yield name


def _partitions(
    project: Project, partitions: dg.PartitionsDefinition[str] | None, domains: Sequence[str]
) -> list[str | None]:
    """Those partitions that need none but the wanted domains."""
    registry, wanted = project.registry, set(domains)
    mixes = [mix for mix in registry.mixes if wanted.issuperset(registry.members(mix))]
    if partitions is None:
        return [None]
    if partitions == project.partitions.domains:
        return [domain for domain in registry.names if domain in wanted]
    if partitions == project.partitions.mixes:
        return list(mixes)
    return [
        dg.MultiPartitionKey({"source": mix, "target": domain})
        for mix in mixes
        for domain in registry.names
        if domain in wanted
    ]


def _run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, assets: list[str], partition: str | None
) -> None:
    job = definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        run_config=QUIET,
        instance=instance,
        partition_key=partition,
        asset_selection=[dg.AssetKey(name) for name in assets],
        raise_on_error=False,
    )
    if not result.success:
        raise _failure(result, partition, Path(os.environ["DAGSTER_HOME"]))
    for warning in _failed_checks(result, dg.AssetCheckSeverity.WARN):
        tell(f"Warning{_where(partition)}: {warning}")


def _failure(result: dg.ExecuteInProcessResult, partition: str | None, log: Path) -> Exception:
    where = _where(partition)
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data is not None:
                kind = RunFailed if data.user_failure_data.description == STOPPED else PulseError
                return kind(f"{event.step_key}{where}: {data.user_failure_data.description}")
            failed = _failed_checks(result, dg.AssetCheckSeverity.ERROR)
            if failed:
                found = "; ".join(failed)
                return RunFailed(f"{event.step_key}{where}: {found} (run {result.run_id}, log in {log})")
            return _cause(data.error, f"{event.step_key}{where}", f"run {result.run_id}, log in {log}")
    return RunFailed(f"run {result.run_id}{where} failed before its first step; its log is in {log}")


def _where(partition: str | None) -> str:
    return f"[{partition}]" if partition else ""


def _failed_checks(result: dg.ExecuteInProcessResult, severity: dg.AssetCheckSeverity) -> list[str]:
    """What the failed checks of this severity have measured."""
    found = []
    for check in result.get_asset_check_evaluations():
        if not check.passed and check.severity == severity:
            figures = ", ".join(f"{name} {value.value}" for name, value in check.metadata.items())
            found.append(
                f"the check {check.check_name} of {check.asset_key.to_user_string()} failed: {figures}"
            )
    return found


def _cause(error: Any, what: str, trail: str) -> Exception:
    """The first error of a chain: wrong input if it is one of ours, else a failed run."""
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None:
        return RunFailed(f"{what} failed; no cause was recorded ({trail})")
    message = " ".join(error.message.split())
    if error.cls_name == PulseError.__name__:
        return PulseError(f"{what}: {message.partition(': ')[2]}")
    return RunFailed(f"{what} failed: {message} ({trail})")
