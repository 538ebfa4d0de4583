"""Which runs still have their process: it holds a lock for as long as it lives, however it dies."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from filelock import FileLock, Timeout

from pulse_pipeline.home import Home
from pulse_pipeline.progress import tell

PROCESS = "pulse/process"
"""Tag of a run: its process, by the name of the lock."""

UNFINISHED = [
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
LOOK_SECONDS = 5.0  # between looks at who holds a pool


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


@contextmanager
def watching(home: Home, instance: DagsterInstance, tags: dict[str, str]) -> Iterator[None]:
    """Free what the dead hold of the pools, and say whom this process waits for, as long as it works.

    Dagster lets a run wait in silence, and for ever for one whose process was killed.

    Args:
        home: Holds the locks of processes.
        instance: Whose runs.
        tags: As `living` gave them.
    """
    bury(home, instance)
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(home, instance, tags[PROCESS], over), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(home: Home, instance: DagsterInstance, process: str, over: threading.Event) -> None:
    said: list[str] = []
    while not over.wait(LOOK_SECONDS):
        bury(home, instance)
        waiting = waited_for(instance, process)
        if waiting and waiting != said:
            tell("; ".join(waiting))
        said = waiting


def waited_for(instance: DagsterInstance, process: str) -> list[str]:
    """What each step of a process's runs that waits for a pool waits for, in words."""
    found = []
    for pool in sorted(instance.event_log_storage.get_concurrency_keys()):
        info = instance.event_log_storage.get_concurrency_info(pool)
        held = ", ".join(f"{slot.step_key} of run {slot.run_id[:8]}" for slot in info.claimed_slots)
        found += [
            f"{step.step_key} waits for the {pool}, which is held by {held}"
            for step in info.pending_steps
            if held and step.assigned_timestamp is None and _is_of(instance, step.run_id, process)
        ]
    return found


def _is_of(instance: DagsterInstance, run_id: str, process: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is not None and run.tags.get(PROCESS) == process


def bury(home: Home, instance: DagsterInstance) -> list[str]:
    """Fail the runs whose process is gone, and give back what they and finished runs hold of the pools.

    A process that was killed says nothing: its run would hold the GPU for ever, and whoever wants it waits.

    Returns:
        Ids of the runs that were failed.
    """
    runs = instance.get_runs(RunsFilter(statuses=UNFINISHED))
    dead = [run for run in runs if PROCESS in run.tags and _is_gone(home, run.tags[PROCESS])]
    for run in dead:
        instance.report_run_failed(run, "its process is gone: it was killed")
        _forget(home, run.tags[PROCESS])
    for pool in instance.event_log_storage.get_concurrency_keys():
        for slot in instance.event_log_storage.get_concurrency_info(pool).claimed_slots:
            holder = instance.get_run_by_id(slot.run_id)
            if holder is None or holder.is_finished:
                instance.event_log_storage.free_concurrency_slots_for_run(slot.run_id)
    return [run.run_id for run in dead]


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
