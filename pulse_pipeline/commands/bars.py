"""Progress as bars on the terminal: stage and domain, count, rate, time left."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from pulse_pipeline.progress import Task, describe

WORTH_A_LINE = 0.5  # seconds
LINE_EVERY_SECONDS = 10.0


class Bars:
    """Draws every task that stages track; on anything but a terminal it prints lines instead."""

    def __init__(self, console: Console) -> None:
        """Draw on a console."""
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[unit]}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._ids: dict[int, TaskID] = {}
        self._printed = time.monotonic()

    def __enter__(self) -> Self:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing."""
        self._progress.stop()

    def began(self, task: Task) -> None:
        """Add a bar."""
        self._ids[id(task)] = self._progress.add_task(task.label, total=task.total, unit=task.unit, rate="")

    def updated(self, task: Task) -> None:
        """Move the bar; where there is none, print a line now and then."""
        self._progress.update(
            self._ids[id(task)], description=task.label, completed=task.done, rate=f"{task.rate:.1f}/s"
        )
        if not self._console.is_terminal and time.monotonic() - self._printed >= LINE_EVERY_SECONDS:
            self._printed = time.monotonic()
            self._console.print(f"  {describe(task)}", markup=False, highlight=False)

    def told(self, line: str) -> None:
        """Print the line above the bars."""
        self._console.print(f"  {line}", markup=False, highlight=False)

    def ended(self, task: Task) -> None:
        """Leave a line behind instead of a bar."""
        self._progress.remove_task(self._ids.pop(id(task)))
        seconds = task.done / task.rate if task.rate else 0.0
        if seconds < WORTH_A_LINE and task.done >= task.total:
            return
        mark = "[green]✓[/]" if task.done >= task.total else "[red]✗[/]"
        self._console.print(
            f"{mark} {task.label}: {task.done:,}/{task.total:,} {task.unit} in {seconds:.1f} s",
            highlight=False,
        )
