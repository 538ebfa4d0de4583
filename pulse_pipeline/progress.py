"""Progress of long work: stages report counts, listeners show them.

A stage wraps its loop in `track`. Without a listener the count goes to the logger
``pulse.progress`` every few seconds, which is what a Dagster step shows; the command line
registers a listener that draws bars.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

LOG_EVERY_SECONDS = 5.0
_log = logging.getLogger("pulse.progress")


@dataclass
class Task:
    """One piece of counted work.

    Attributes:
        label: What is being done, such as ``rationales Gift_Cards``.
        total: How many units there are.
        unit: The unit's name in the plural.
        done: Units finished so far.
    """

    label: str
    total: int
    unit: str
    done: int = 0
    started: float = field(default_factory=time.monotonic)

    def advance(self, n: int = 1) -> None:
        """Count `n` more finished units and tell the listener."""
        self.done += n
        _listener.updated(self)

    def relabel(self, label: str) -> None:
        """Say what is being done now."""
        self.label = label
        _listener.updated(self)

    @property
    def rate(self) -> float:
        """Units a second since the start."""
        return self.done / max(time.monotonic() - self.started, 1e-9)

    @property
    def eta_seconds(self) -> float | None:
        """Seconds left at the present rate; None before the first unit."""
        return (self.total - self.done) / self.rate if self.done else None


class Listener(Protocol):
    """Where progress is shown."""

    def began(self, task: Task) -> None:
        """Show a new task."""

    def updated(self, task: Task) -> None:
        """Show a task's new count."""

    def ended(self, task: Task) -> None:
        """Close a task, finished or not."""

    def told(self, line: str) -> None:
        """Show a line."""


class LogListener:
    """Logs a line every `LOG_EVERY_SECONDS`, and one at the end."""

    def __init__(self) -> None:
        """Start with nothing logged."""
        self._last = 0.0

    def began(self, task: Task) -> None:
        """Wait a full interval before the first line."""
        self._last = time.monotonic()

    def updated(self, task: Task) -> None:
        """Log the count unless a line was logged a moment ago."""
        if time.monotonic() - self._last >= LOG_EVERY_SECONDS:
            self._last = time.monotonic()
            _log.info(describe(task))

    def ended(self, task: Task) -> None:
        """Log the final count."""
        _log.info(describe(task))

    def told(self, line: str) -> None:
        """Log the line."""
        _log.info(line)


_listener: Listener = LogListener()


def tell(line: str) -> None:
    """Report what cannot be counted while it is done, such as how many rows a file held."""
    _listener.told(line)


def describe(task: Task) -> str:
    """One line: count, rate and the time left."""
    eta = task.eta_seconds
    left = "" if eta is None or task.done >= task.total else f", {eta:.0f} s left"
    return f"{task.label}: {task.done:,}/{task.total:,} {task.unit}, {task.rate:.1f}/s{left}"


@contextmanager
def track(label: str, total: int, unit: str) -> Iterator[Task]:
    """Report a piece of counted work to the current listener.

    Args:
        label: What is being done.
        total: How many units there are.
        unit: The unit's name in the plural.

    Yields:
        The task; call `advance` on it.
    """
    task = Task(label, total, unit)
    _listener.began(task)
    try:
        yield task
    finally:
        _listener.ended(task)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send progress to `listener` instead of the log for the duration."""
    global _listener
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before
