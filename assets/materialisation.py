"""What every asset does around its work: an MLflow run, metadata, a content hash as data version."""

import base64
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import dagster as dg
import polars as pl

from pulse_pipeline.errors import OutageError, PulseError
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import content_hash
from pulse_pipeline.rationales.untrusted import inert
from resources.storage import table_path
from resources.tracking import TrackedRun, Tracking

T = TypeVar("T")

SAMPLE_ROWS = 5
VOLATILE = ("seconds", "git_sha")
SAMPLE_CHARACTERS = 80
STOPPED = "stopped by a signal; what was finished is kept, run again to go on"

DATA_VERSION_TAG = "dagster/data_version"
INPUTS = "inputs"
"""Metadata: the data version of everything that was read. Dagster keeps one an asset, not one a partition."""

ON_DEMAND = {"pulse/run": "on-demand"}
"""Tags of an asset that costs much and that nothing else waits for: `pulse run` makes it if it is named."""

IF_NAMED = {"pulse/run": "if-named"}
"""Tags of such an asset whose readers do without it: `pulse run` makes it only if it is named itself."""

RETRY = dg.RetryPolicy(max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL)
"""For stages that touch a device or a network; wrong input is never retried."""


class Materialisation:
    """One asset's partition in the making."""

    def __init__(self, context: dg.AssetExecutionContext, run: TrackedRun) -> None:
        """Bind Dagster's context and the MLflow run, and take down which data were read."""
        self._context = context
        self.run = run
        self.asset = context.asset_key.to_user_string()
        self.partition: str | None = context.partition_key if context.has_partition_key else None
        self._inputs = dict(_versions_read(context))

    def table(
        self,
        frame: pl.DataFrame,
        metadata: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> "dg.MaterializeResult[pl.DataFrame]":
        """The result of an asset that is a table.

        Args:
            frame: The table.
            metadata: Shown in Dagster only.
            metrics: Figures, plotted by Dagster and logged to MLflow.
        """
        # How long it took and at which commit is no part of what a table says.
        version = content_hash(frame.drop(VOLATILE, strict=False))
        path = table_path(Home.from_environment(), self.asset, self.partition)
        name = self.asset if self.partition is None else f"{self.asset}/{self.partition}"
        self.run.dataset(frame, name, path, version)
        rows = "dagster/row_count" if self.partition is None else "dagster/partition_row_count"
        shown = {
            rows: len(frame),
            "dagster/column_schema": _column_schema(frame),
            "sample": dg.MetadataValue.md(_sample(frame)),
            **(metadata or {}),
        }
        return self.result(frame, version, shown, {"rows": float(len(frame)), **(metrics or {})})

    def result(
        self, value: T, data_version: str, metadata: Mapping[str, Any], metrics: Mapping[str, float]
    ) -> "dg.MaterializeResult[T]":
        """The result of any asset, with the links between Dagster and MLflow."""
        self.run.tag("pulse/data_version", data_version)
        self.run.metrics(metrics)
        return dg.MaterializeResult(
            value=value,
            data_version=dg.DataVersion(data_version),
            metadata={
                **{name: float(value) for name, value in metrics.items()},
                **metadata,
                "mlflow_run": dg.MetadataValue.url(self.run.url),
                "mlflow_run_id": self.run.run_id,
                INPUTS: self._inputs,
            },
        )


@contextmanager
def materialising(
    context: dg.AssetExecutionContext,
    tracking: Tracking,
    code_version: str,
    params: Mapping[str, object] | None = None,
) -> Generator[Materialisation]:
    """Open a materialisation; wrong input fails it at once, with the mend as its one line.

    Args:
        context: Dagster's context.
        tracking: Where the MLflow run goes.
        code_version: The asset's code version.
        params: Settings of the work, logged to MLflow.
    """
    try:
        with tracking.run(context, code_version) as run:
            run.params(params or {})
            yield Materialisation(context, run)
    except PulseError as error:
        raise dg.Failure(str(error), allow_retries=isinstance(error, OutageError)) from error
    except dg.DagsterExecutionInterruptedError as error:
        # Who stops a run does not want it tried again.
        raise dg.Failure(STOPPED, allow_retries=False) from error


def _versions_read(context: dg.AssetExecutionContext) -> Iterator[tuple[str, str]]:
    """Name and data version of every dataset that Dagster has loaded for this step."""
    for name in context.op_def.ins:
        key = context.asset_key_for_input(name)
        partitions = context.asset_partition_keys_for_input(name)
        for partition in partitions or [None]:
            made = _latest(context, key, partition)
            if made is not None:
                yield dataset_name(key.to_user_string(), partition), (made.tags or {})[DATA_VERSION_TAG]


def _latest(
    context: dg.AssetExecutionContext, key: dg.AssetKey, partition: str | None
) -> dg.AssetMaterialization | None:
    wanted = dg.AssetRecordsFilter(key, asset_partitions=None if partition is None else [partition])
    records = context.instance.fetch_materializations(wanted, limit=1).records
    return records[0].asset_materialization if records else None


def dataset_name(asset: str, partition: str | None) -> str:
    """``asset`` or ``asset[partition]``."""
    return asset if partition is None else f"{asset}[{partition}]"


def picture(png: bytes) -> dg.MarkdownMetadataValue:
    """A chart as metadata: Dagster has no image type, its Markdown has."""
    return dg.MetadataValue.md(f"![chart](data:image/png;base64,{base64.b64encode(png).decode()})")


def _column_schema(frame: pl.DataFrame) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(name, str(dtype)) for name, dtype in frame.schema.items()])


def _sample(frame: pl.DataFrame) -> str:
    """The first rows as a Markdown table; texts are strangers' and stay inert."""
    header = " | ".join(frame.columns)
    lines = [f"| {header} |", "|" + " --- |" * frame.width]
    rows = frame.head(SAMPLE_ROWS).iter_rows()
    lines.extend("| " + " | ".join(_cell(value) for value in row) + " |" for row in rows)
    return "\n".join(lines)


def _cell(value: object) -> str:
    text = " ".join(str(value).split())
    shortened = text if len(text) <= SAMPLE_CHARACTERS else text[:SAMPLE_CHARACTERS] + "…"
    shortened = inert(shortened)
    for character in "\\`|<>[]()*_#!~&":
        shortened = shortened.replace(character, f"\\{character}")
    return shortened
