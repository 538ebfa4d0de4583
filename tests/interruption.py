"""A training that is stopped where a test wants it."""

from pulse_pipeline.progress import LogListener


class Stop(LogListener):
    """Stops a training in the middle of its work.

    Attributes:
        at: How much of a task is done by then, or more.
    """

    def __init__(self, at):
        super().__init__()
        self._at = at

    def updated(self, task):
        if task.done >= self._at:
            raise KeyboardInterrupt
