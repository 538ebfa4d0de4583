"""The home: where every file of a user's pipeline lives."""

import os
from dataclasses import dataclass
from pathlib import Path

from pulse_pipeline.errors import PulseError


@dataclass(frozen=True)
class Home:
    """The layout under ``PULSE_HOME`` (default ``.pulse`` in the working directory).

    Attributes:
        root: The home itself, absolute.
    """

    root: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """The home that the environment names."""
        return cls(Path(os.environ.get("PULSE_HOME", ".pulse")).expanduser().resolve())

    def made(self) -> "Home":
        """This home, its folder made.

        Raises:
            PulseError: There can be no such folder, or nothing may be written to it.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self.root, error.strerror or str(error)) from error
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise _unusable(self.root, "may not be written to")
        return self

    @property
    def storage(self) -> Path:
        """Tables: ``<asset>/<partition>.parquet``."""
        return self.root / "storage"

    @property
    def quarantine(self) -> Path:
        """Rows that broke a contract: ``<domain>/<table>.parquet``."""
        return self.root / "storage" / "quarantine"

    @property
    def models(self) -> Path:
        """Thought Space checkpoints: ``<mix>/``."""
        return self.root / "models"

    @property
    def cache(self) -> Path:
        """What can be had again: weights, generation shards, vectors."""
        return self.root / "cache"

    @property
    def training(self) -> Path:
        """Where unfinished trainings stand, see `training_of`."""
        return self.cache / "training"

    def training_of(self, asset: str, partition: str) -> Path:
        """The folder in which the trainings of an asset's partition stand until the partition is kept."""
        return self.training / asset / partition

    @property
    def ablations(self) -> Path:
        """Ranks of finished ablations: ``<domain>/``."""
        return self.cache / "ablations"

    @property
    def hub(self) -> Path:
        """Weights from a model hub, in the hub's own layout."""
        return self.cache / "hub"

    @property
    def data(self) -> Path:
        """Data sets that ``pulse fetch`` downloaded: ``<source>/<domain>/``."""
        return self.root / "data"

    @property
    def report(self) -> Path:
        """``index.html`` and ``metrics.json``."""
        return self.root / "report"

    @property
    def dagster(self) -> Path:
        """Dagster's own home."""
        return self.root / "dagster"

    @property
    def mlflow_uri(self) -> str:
        """MLflow's tracking store."""
        return f"sqlite:///{self.root / 'mlflow.db'}"

    @property
    def mlflow_artifacts(self) -> Path:
        """MLflow's artifacts."""
        return self.root / "mlartifacts"


def _unusable(root: Path, why: str) -> PulseError:
    return PulseError(f"{root}: {why}; give PULSE_HOME a folder that you may write to")
