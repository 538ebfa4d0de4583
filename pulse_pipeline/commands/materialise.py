"""``pulse run``: materialise assets in this process, group by group, and say what failed."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg

from assets.checks import WRITTEN
from assets.materialisation import STOPPED
from assets.project import Project
from pulse_pipeline.commands.selecting import groups
from pulse_pipeline.definitions import build_defs
from pulse_pipeline.errors import PulseError, RunFailed
from pulse_pipeline.home import Home
from pulse_pipeline.progress import tell, track
from resources.instance import open_instance
from resources.language_model import LanguageModel
from resources.processes import bury, holders, living

LOOK_SECONDS = 2.0  # between looks at who holds a pool
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


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
    writing = [number for number, group in enumerate(chosen) if set(WRITTEN).intersection(group.assets)]
    language_model: LanguageModel = (definitions.resources or {})["language_model"]
    with (
        ExitStack() as held,
        open_instance(home) as instance,
        living(home) as tags,
        track("runs", total, "runs") as task,
    ):
        bury(home, instance)
        # The session keeps one language model for all domains, loaded only if there is something to
        # write, and leaves the device to training once all is written.
        held.enter_context(language_model.session())
        for number, group in enumerate(chosen):
            if number > max(writing, default=-1):
                held.close()
            for partition in group.partitions:
                task.relabel(f"{', '.join(group.assets)}{f' [{partition}]' if partition else ''}")
                _wait_for_room(home, definitions, instance, group.assets)
                _run(definitions, instance, group.assets, partition, tags)
                task.advance()


def _wait_for_room(
    home: Home, definitions: dg.Definitions, instance: dg.DagsterInstance, assets: list[str]
) -> None:
    """Wait until there is room in the pools of a run, and say for whom. Dagster's own waiting is silent."""
    pools = set[str]().union(*(definitions.get_assets_def(name).op.pools for name in assets))
    said: list[str] = []
    while held := [step for pool in sorted(pools) for step in holders(instance, pool)]:
        if held != said:
            tell(f"{', '.join(assets)} waits for {', '.join(held)}, which leaves no room on the GPU")
            said = held
        time.sleep(LOOK_SECONDS)
        bury(home, instance)  # whoever is waited for may be killed meanwhile


def _run(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    assets: list[str],
    partition: str | None,
    tags: dict[str, str],
) -> None:
    job = definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        run_config=QUIET,
        instance=instance,
        partition_key=partition,
        asset_selection=[dg.AssetKey(name) for name in assets],
        raise_on_error=False,
        tags=tags,
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
