"""``pulse report --against RUN``: find the other run, and show what changed since."""

import io
import json
from pathlib import Path

import dataframely as dy
import polars as pl
from rich.markup import escape
from rich.table import Table

from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.comparison import Comparison, Delta, Run
from pulse_pipeline.schemas import Metrics, ModelRanks
from resources.tracking import read_artifact

METRICS, RANKS = "metrics.json", "ranks.parquet"


def find_run(named: str) -> Run:
    """A run by its home, its report folder, its metrics.json, or its MLflow run.

    Args:
        named: A path, or the id of an MLflow run of this home that has kept a metrics.json.

    Raises:
        PulseError: There is no such run, or it has no figures that this version can read.
    """
    path = Path(named).expanduser()
    if path.exists():
        return _of_files(named, path)
    metrics = read_artifact(named, METRICS)
    if metrics is None:
        raise PulseError(
            f"MLflow run {named} has no {METRICS}: name a run of report or of an evaluation, or a home"
        )
    return _run(named, metrics, read_artifact(named, RANKS))


def folder_run(folder: Path) -> Run:
    """The run whose report lies in a folder.

    Raises:
        PulseError: There is none.
    """
    return _of_files(str(folder), folder)


def as_table(comparison: Comparison) -> Table:
    """What changed, a figure a row; bold where the interval excludes no change."""
    table = Table(title=f"{escape(comparison.now)} minus {escape(comparison.before)} (95 % intervals)")
    for column in ("domain", "protocol", "model", "trained on", "figure", "now", "before", "difference", ""):
        table.add_column(column, justify="right" if column in {"now", "before", "difference"} else "left")
    for delta in comparison.deltas:
        changed = _difference(delta)
        table.add_row(
            delta.dataset,
            delta.protocol,
            escape(delta.model),
            delta.train_mix or "-",
            _figure(delta),
            f"{delta.now:.4f}",
            f"{delta.before:.4f}",
            f"[bold]{changed}[/]" if delta.certain else changed,
            delta.pairing,
        )
    missing = [
        f"only {where}: {'; '.join(models)}"
        for where, models in (("now", comparison.only_now), ("before", comparison.only_before))
        if models
    ]
    table.caption = escape("\n".join(missing)) or None
    return table


def _of_files(name: str, path: Path) -> Run:
    candidates = [path / "report" / METRICS, path / METRICS] if path.is_dir() else [path]
    file = next((one for one in candidates if one.is_file()), None)
    if file is None:
        raise PulseError(f"{path} holds no {METRICS}: name a home in which `pulse report` has run")
    ranks = file.with_name(RANKS)
    return _run(name, file.read_bytes(), ranks.read_bytes() if ranks.is_file() else None)


def _run(name: str, metrics: bytes, ranks: bytes | None) -> Run:
    try:
        figures = pl.DataFrame(json.loads(metrics), schema=Metrics.create_empty().schema)
        kept = ModelRanks.create_empty() if ranks is None else pl.read_parquet(io.BytesIO(ranks))
        return Run(name, Metrics.validate(figures), ModelRanks.validate(kept))
    except (ValueError, TypeError, pl.exceptions.PolarsError, dy.exc.ValidationError) as error:
        raise PulseError(
            f"{name}: its {METRICS} or {RANKS} is none of this version's: name a run of PULSE"
        ) from error


def _figure(delta: Delta) -> str:
    cutoff = "" if delta.k is None else f"@{delta.k}"
    among = "" if delta.candidates in {"full", "none"} else f" of {delta.candidates}"
    return f"{delta.metric}{cutoff}{among}"


def _difference(delta: Delta) -> str:
    if delta.ci_low is None or delta.ci_high is None:
        return f"{delta.difference:+.4f}"
    return f"{delta.difference:+.4f} ({delta.ci_low:+.4f} to {delta.ci_high:+.4f})"
