"""Dagster's instance in the home: run history, schedules, limits."""

import os
from pathlib import Path

import dagster as dg

from pulse_pipeline.files import replacing
from pulse_pipeline.home import Home

# One step at a time may hold the GPU; a run that fails gives it back, what one that was killed holds
# `processes.bury` gives back. Progress that stages log shows in the event log of their step.
_CONFIG = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    default_limit: 1
    granularity: op
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 60
python_logs:
  managed_python_loggers: [pulse]
  python_log_level: INFO
"""


def prepare(home: Home) -> Path:
    """Make Dagster's home inside ours, with its limits; settings that are there already stay.

    Returns:
        The folder that ``DAGSTER_HOME`` has to name.
    """
    config = home.made().dagster / "dagster.yaml"
    if not config.exists():
        with replacing(config) as aside:
            aside.write_text(_CONFIG, encoding="utf-8")
    return home.dagster


def open_instance(home: Home) -> dg.DagsterInstance:
    """The instance that the web UI on the same home shows."""
    os.environ["DAGSTER_HOME"] = str(prepare(home))
    return dg.DagsterInstance.get()
