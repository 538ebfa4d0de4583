"""Tables and checkpoints in the home: Dagster's IO managers over whole-or-nothing files."""

import shutil
from abc import abstractmethod
from pathlib import Path
from typing import Any, get_origin

import dagster as dg
import polars as pl

from pulse_pipeline.errors import PulseError
from pulse_pipeline.files import replacing
from pulse_pipeline.home import Home
from pulse_pipeline.reasoner import checkpoint as reasoner_checkpoint
from pulse_pipeline.reasoner.training import Reasoner
from pulse_pipeline.thought_space import checkpoint
from pulse_pipeline.thought_space.assemble import PROTOCOLS
from pulse_pipeline.thought_space.published import space
from pulse_pipeline.thought_space.published.space import PublishedSpace
from pulse_pipeline.thought_space.training import Trained

OPTIONAL_PARTITIONS = {"pulse/missing_partitions": "skip"}
"""Input metadata of an asset that works on whichever partitions there are."""


class Models(dict[str, Trained]):
    """The trained Thought Spaces of one mix, by protocol, and what they were trained from.

    Attributes:
        origin: Mix, encoder, fingerprints and run, kept inside every checkpoint.
    """

    def __init__(self, origin: dict[str, Any]) -> None:
        """Start without models."""
        super().__init__()
        self.origin = origin


HISTORY = "history.parquet"


class _Partitioned(dg.ConfigurableIOManager):
    """One file or folder for each partition of an asset."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write one partition in one step; only then the trainings that it came from are over."""
        partition = context.partition_key if context.has_asset_partitions else None
        path = self._path(context.asset_key, partition)
        with replacing(path) as aside:
            self._write(aside, obj)
        context.add_output_metadata({"path": dg.MetadataValue.path(path)})
        if partition is not None:
            states = Home.from_environment().training_of(context.asset_key.to_user_string(), partition)
            shutil.rmtree(states, ignore_errors=True)  # most assets train nothing

    def load_input(self, context: dg.InputContext) -> Any:
        """Read one partition, or a dict of them where the input is annotated as a dict."""
        if get_origin(context.dagster_type.typing_type) is not dict:
            return self._load(context, context.asset_partition_key if context.has_asset_partitions else None)
        keys = context.asset_partition_keys
        if (context.definition_metadata or {}).items() >= OPTIONAL_PARTITIONS.items():
            keys = [key for key in keys if self._path(context.asset_key, key).exists()]
        return {key: self._load(context, key) for key in keys}

    def _load(self, context: dg.InputContext, partition: str | None) -> Any:
        path = self._path(context.asset_key, partition)
        if not path.exists():
            name = context.asset_key.to_user_string()
            which = f" of {partition}" if partition else ""
            mend = f"{name}{which} is not there yet: materialise it first (`pulse run --select {name}`)"
            raise dg.Failure(mend, allow_retries=False) from PulseError(mend)
        return self._read(path)

    @abstractmethod
    def _path(self, key: dg.AssetKey, partition: str | None) -> Path: ...

    @abstractmethod
    def _write(self, path: Path, obj: Any) -> None: ...

    @abstractmethod
    def _read(self, path: Path) -> Any: ...


class ParquetTables(_Partitioned):
    """Polars tables as ``storage/<asset>/<partition>.parquet``."""

    def _path(self, key: dg.AssetKey, partition: str | None) -> Path:
        return table_path(Home.from_environment(), key.to_user_string(), partition)

    def _write(self, path: Path, obj: pl.DataFrame) -> None:
        obj.write_parquet(path, compression="zstd")

    def _read(self, path: Path) -> pl.DataFrame:
        return pl.read_parquet(path, glob=False)


class Checkpoints(_Partitioned):
    """Thought Spaces as ``models/<mix>/<protocol>/``: safetensors, settings, the course of training."""

    def _path(self, key: dg.AssetKey, partition: str | None) -> Path:
        return Home.from_environment().models / str(partition)

    def _write(self, path: Path, obj: Models) -> None:
        write_models(path, obj)

    def _read(self, path: Path) -> Models:
        return read_models(path)


class PublishedSpaces(_Partitioned):
    """Published Thought Spaces as ``models/<domain>.published/``: no domain's name holds a dot."""

    def _path(self, key: dg.AssetKey, partition: str | None) -> Path:
        return Home.from_environment().models / f"{partition}.published"

    def _write(self, path: Path, obj: PublishedSpace) -> None:
        obj.save(path)

    def _read(self, path: Path) -> PublishedSpace:
        return space.load(path)


class Reasoners(_Partitioned):
    """Reasoners as ``models/<mix>.reasoner/``: adapter, settings, the course of training."""

    def _path(self, key: dg.AssetKey, partition: str | None) -> Path:
        return Home.from_environment().models / f"{partition}.reasoner"

    def _write(self, path: Path, obj: Reasoner) -> None:
        reasoner_checkpoint.save(path, obj)

    def _read(self, path: Path) -> Reasoner:
        return reasoner_checkpoint.load(path)


def write_models(path: Path, models: Models) -> None:
    """Write the Thought Spaces of a mix, a folder for each protocol."""
    for protocol, trained in models.items():
        checkpoint.save(path / protocol, trained.model, models.origin)
        trained.history.write_parquet(path / protocol / HISTORY)


def read_models(path: Path) -> Models:
    """Read what `write_models` wrote.

    Raises:
        PulseError: A checkpoint is one that this version cannot read.
    """
    present = [name for name in PROTOCOLS if (path / name).exists()]
    models = Models(checkpoint.read_metadata(path / present[0]) if present else {})
    models.update({name: _trained(path / name) for name in present})
    return models


def _trained(folder: Path) -> Trained:
    model = checkpoint.load(folder)
    return Trained(model, pl.read_parquet(folder / HISTORY, glob=False), model.config)


def table_path(home: Home, asset: str, partition: str | None) -> Path:
    """Where a table lies; a source x target partition is a folder and a file."""
    if partition is None:
        return home.storage / f"{asset}.parquet"
    return home.storage / asset / f"{partition.replace('|', '/')}.parquet"
