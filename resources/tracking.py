"""MLflow: one run for each materialisation, linked both ways with Dagster."""

import logging
import os
import tempfile
import time
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl
from filelock import FileLock
from polars import selectors
from pydantic import Field

from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARAM_LIMIT = 500  # MLflow's longest parameter value that every store takes


class Tracking(dg.ConfigurableResource[Any]):
    """Opens MLflow runs in the home's store."""

    experiment: str = Field(default="pulse", description="MLflow experiment that holds the runs.")

    @contextmanager
    def run(self, context: dg.AssetExecutionContext, code_version: str) -> Generator["TrackedRun"]:
        """Open the run of one materialisation; it ends FINISHED, or FAILED if the work raises.

        Args:
            context: The materialisation.
            code_version: The asset's code version.
        """
        partition = context.partition_key if context.has_partition_key else ""
        asset_key = context.asset_key.to_user_string()
        tags = {
            "dagster/run_id": context.run.run_id,
            "dagster/asset_key": asset_key,
            "dagster/partition": partition,
            "pulse/code_version": code_version,
        }
        with self.named(f"{asset_key} {partition}".strip(), tags) as run:
            yield run

    @contextmanager
    def named(self, name: str, tags: Mapping[str, str]) -> Generator["TrackedRun"]:
        """Open a run; it ends FINISHED, or FAILED if the work raises.

        Args:
            name: What MLflow calls it.
            tags: Its tags.
        """
        client = _client()
        run = client.create_run(_experiment(client, self.experiment), run_name=name, tags=dict(tags))
        tracked = TrackedRun(client, run.info.run_id, run.info.experiment_id)
        status = "FAILED"
        try:
            yield tracked
            status = "FINISHED"
        finally:
            client.set_terminated(tracked.run_id, status)


class TrackedRun:
    """What a materialisation writes into its MLflow run."""

    def __init__(self, client: "MlflowClient", run_id: str, experiment_id: str) -> None:
        """Hold an open run."""
        self._client = client
        self.run_id = run_id
        self.experiment_id = experiment_id

    @property
    def url(self) -> str:
        """The run's page in the MLflow UI, at ``PULSE_MLFLOW_URL`` (default: where `make ui` serves it)."""
        base = os.environ.get("PULSE_MLFLOW_URL", "http://127.0.0.1:5000").rstrip("/")
        return f"{base}/#/experiments/{self.experiment_id}/runs/{self.run_id}"

    def params(self, params: Mapping[str, object]) -> None:
        """Log settings; long values are cut to what MLflow takes."""
        for name, value in params.items():
            self._client.log_param(self.run_id, name, str(value)[:PARAM_LIMIT])

    def metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log figures."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        logged = [Metric(_metric_name(name), float(value), now, step) for name, value in metrics.items()]
        self._client.log_batch(self.run_id, metrics=logged)

    def curve(self, history: pl.DataFrame, step: str) -> None:
        """Log a figure's course: one row a step, null where a figure has no value at that step."""
        for row in history.iter_rows(named=True):
            at = int(row[step])
            self.metrics(
                {name: value for name, value in row.items() if value is not None and name != step}, at
            )

    def dataset(self, frame: pl.DataFrame, name: str, source: Path, digest: str) -> None:
        """Record the table that this run produced.

        Args:
            frame: The table; its schema and size are kept, not its rows.
            name: The asset and partition.
            source: Where it lies.
            digest: Its content hash.
        """
        from mlflow.data.polars_dataset import from_polars
        from mlflow.entities import DatasetInput

        # MLflow knows no enums, and sees two equal readers for one local file.
        plain = frame.with_columns(selectors.enum().cast(pl.String))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The specified dataset source", category=UserWarning)
            dataset = from_polars(plain, source=str(source), name=name, digest=digest)
        self._client.log_inputs(self.run_id, datasets=[DatasetInput(dataset._to_mlflow_entity(), tags=[])])

    def artifact(self, name: str, content: str | bytes) -> None:
        """Keep a small file beside the run."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            self._client.log_artifact(self.run_id, str(path))

    def folder(self, name: str, path: Path) -> None:
        """Keep a folder beside the run."""
        self._client.log_artifacts(self.run_id, str(path), name)

    def tag(self, name: str, value: str) -> None:
        """Set a tag."""
        self._client.set_tag(self.run_id, name, value)


def read_artifact(run_id: str, name: str) -> bytes | None:
    """A file beside a run of the home's store; None if the run has none of this name.

    Raises:
        PulseError: The home has no such run.
    """
    from mlflow.exceptions import MlflowException

    client = _client()
    try:
        present = {file.path for file in client.list_artifacts(run_id)}
    except MlflowException as error:
        raise PulseError(f"the home's MLflow store has no run {run_id!r}") from error
    if name not in present:
        return None
    with tempfile.TemporaryDirectory() as folder:
        return Path(client.download_artifacts(run_id, name, folder)).read_bytes()


def registry_client() -> "MlflowClient":
    """A client of the home's model registry, which lies in the same database."""
    return _client()


def _metric_name(name: str) -> str:
    return name.replace("@", "_at_")


def _client() -> "MlflowClient":
    from mlflow import MlflowClient

    home = Home.from_environment().made()
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # tells of each table it makes
    # The first client creates the database; two at once would trip over each other.
    with FileLock(home.root / "mlflow.lock"):
        client = MlflowClient(tracking_uri=home.mlflow_uri, registry_uri=home.mlflow_uri)
        client.search_experiments(max_results=1)
    return client


def _experiment(client: "MlflowClient", name: str) -> str:
    home = Home.from_environment()
    with FileLock(home.root / "mlflow.lock"):
        known = client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        return str(client.create_experiment(name, artifact_location=home.mlflow_artifacts.as_uri()))
