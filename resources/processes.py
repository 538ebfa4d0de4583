"""Which runs still have their process: it holds a lock for as long as it lives, however it dies."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from filelock import FileLock, Timeout

from pulse_pipeline.home import Home

PROCESS = "pulse/process"
"""Tag of a run: its process, by the name of the lock."""

UNFINISHED = [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]


@contextmanager
def living(home: Home) -> Iterator[dict[str, str]]:
    """Hold this process's lock.

    Yields:
        The tags that say so of its runs.
    """
    name = uuid.uuid4().hex
    try:
        with _lock(home, name):
            yield {PROCESS: name}
    finally:
        _forget(home, name)


def bury(home: Home, instance: DagsterInstance) -> list[str]:
    """Fail the runs whose process is gone and give back what they hold of the pools.

    A process that was killed says nothing: its run would hold the GPU for ever, and whoever wants it waits.

    Returns:
        Ids of the runs.
    """
    runs = instance.get_runs(RunsFilter(statuses=UNFINISHED))
    dead = [run for run in runs if PROCESS in run.tags and _is_gone(home, run.tags[PROCESS])]
    for run in dead:
        instance.report_run_failed(run, "its process is gone: it was killed")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        _forget(home, run.tags[PROCESS])
    return [run.run_id for run in dead]


def holders(instance: DagsterInstance, pool: str) -> list[str]:
    """What leaves no room in a pool, such as ``rationales of run 1a2b3c4d``; empty where there is room."""
    info = instance.event_log_storage.get_concurrency_info(pool)
    if info.limit is None or len(info.claimed_slots) < info.limit:
        return []
    return [f"{slot.step_key} of run {slot.run_id[:8]}" for slot in info.claimed_slots]


def _is_gone(home: Home, name: str) -> bool:
    try:
        with _lock(home, name).acquire(blocking=False):
            return True
    except Timeout:
        return False


def _lock(home: Home, name: str) -> FileLock:
    path = home.dagster / "processes" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)


def _forget(home: Home, name: str) -> None:
    (home.dagster / "processes" / f"{name}.lock").unlink(missing_ok=True)
