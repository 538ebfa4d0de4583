"""The one error that users see: a sentence that says what is wrong and how to mend it."""


class PulseError(Exception):
    """Wrong usage, configuration or input.

    The message is one line that names the thing at fault and the mend. The command line prints it
    as ``error: …`` and exits with 2; in a Dagster run it becomes a failure that is not retried.
    """
