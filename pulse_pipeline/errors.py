"""The errors that users see: one sentence that says what is wrong and how to mend it."""


class PulseError(Exception):
    """Wrong usage, configuration or input.

    The message is one line that names the thing at fault and the mend. The command line prints it
    as ``error: …`` and exits with 2; in a Dagster run it becomes a failure that is not retried.
    """


class OutageError(PulseError):
    """Something that others run does not answer now; a Dagster step that meets it is tried again."""


class RunFailed(Exception):  # noqa: N818 (it is the run that failed, not the program)
    """A run failed for another reason than wrong input.

    The message names the asset, the partition, the cause and the log. The command line exits with 1.
    """
