"""The home: where every file of a user's pipeline lives."""

import os
from dataclasses import dataclass
from pathlib import Path


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
