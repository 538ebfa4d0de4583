"""The chain behind a dataset or a row: versions, runs and prompts, up to the raw files' hashes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import polars as pl

from assets.partitions import upstream_partitions
from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home
from resources.storage import table_path

CODE_VERSION_TAG = "dagster/code_version"
DATA_VERSION_TAG = "dagster/data_version"

Node = tuple[str, str | None]  # an asset's name and its partition


@dataclass(frozen=True)
class Link:
    """One materialisation in the chain.

    Attributes:
        asset: Its asset key.
        partition: Its partition, None if it has none.
        data_version: Content hash of what was written.
        code_version: Fingerprint of the settings it was written with.
        dagster_run_id: The run that wrote it.
        mlflow_run: The MLflow run's page.
        source_files: SHA-256 of each raw file it read.
        made_with: Prompt fingerprint, model and revision, where a model made it.
        made_from: Names of what it was made from, as ``asset`` or ``asset[partition]``.
    """

    asset: str
    partition: str | None
    data_version: str | None
    code_version: str | None
    dagster_run_id: str
    mlflow_run: str | None
    source_files: dict[str, str]
    made_with: dict[str, str]
    made_from: list[str]

    @property
    def name(self) -> str:
        """``asset`` or ``asset[partition]``."""
        return _name((self.asset, self.partition))


class Lineage:
    """Reads chains from Dagster's event log."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        """Read the asset graph."""
        self._specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
        self._instance = instance

    def chain(self, asset: str, partition: str | None) -> list[Link]:
        """The latest materialisation of a dataset and of all that it was made from.

        Args:
            asset: The asset key.
            partition: Its partition, where it has any.

        Returns:
            The dataset first, then what it was made from, breadth first; each once.

        Raises:
            PulseError: There is no such asset or partition, or it was never materialised.
        """
        start = self._checked(asset, partition)
        links: dict[Node, Link | None] = {}
        queue = [start]
        while queue:
            node = queue.pop(0)
            if node not in links:
                links[node] = self._link(node)
                queue.extend(self._parents(node))
        if links[start] is None:
            raise PulseError(f"{_name(start)} was never materialised: `pulse run --select {asset}`")
        return [link for link in links.values() if link is not None]

    def _checked(self, asset: str, partition: str | None) -> Node:
        if asset not in self._specs:
            raise PulseError(f"there is no asset {asset!r}; there are: {', '.join(sorted(self._specs))}")
        partitions = self._specs[asset].partitions_def
        if partitions is None:
            return asset, None
        keys = partitions.get_partition_keys()
        if partition not in keys:
            raise PulseError(f"{asset} needs --domain with one of: {', '.join(keys)}")
        return asset, partition

    def _parents(self, node: Node) -> Iterator[Node]:
        asset, partition = node
        spec = self._specs[asset]
        for dep in sorted(spec.deps, key=lambda dep: dep.asset_key):
            name = dep.asset_key.to_user_string()
            for key in upstream_partitions(partition, dep, self._specs[name].partitions_def):
                yield name, key

    def _link(self, node: Node) -> Link | None:
        asset, partition = node
        wanted = dg.AssetRecordsFilter(
            dg.AssetKey(asset), asset_partitions=None if partition is None else [partition]
        )
        records = self._instance.fetch_materializations(wanted, limit=1).records
        if not records or (event := records[0].asset_materialization) is None:
            return None
        tags = event.tags or {}
        return Link(
            asset=asset,
            partition=partition,
            data_version=tags.get(DATA_VERSION_TAG),
            code_version=tags.get(CODE_VERSION_TAG),
            dagster_run_id=records[0].run_id,
            mlflow_run=_value(event, "mlflow_run"),
            source_files=_value(event, "source_files") or {},
            made_with=_value(event, "made_with") or {},
            made_from=[_name(parent) for parent in self._parents(node)],
        )


def rows_of(home: Home, asset: str, partition: str | None, row: str) -> list[dict[str, Any]]:
    """The rows of one user or item in a dataset.

    Args:
        home: Where the tables lie.
        asset: The asset key.
        partition: Its partition, where it has any.
        row: A user's or an item's id.

    Raises:
        PulseError: The dataset is no table, has no users or items, or does not hold the id.
    """
    path = table_path(home, asset, partition)
    if not path.exists():
        raise PulseError(f"{_name((asset, partition))} is no table, so it has no rows; leave --row out")
    table = pl.scan_parquet(path, glob=False)
    column = next((name for name in ("user_id", "item_id") if name in table.collect_schema()), None)
    if column is None:
        raise PulseError(f"{asset} has neither users nor items; leave --row out")
    rows = table.filter(pl.col(column) == row).drop("vector", strict=False).collect()
    if rows.is_empty():
        raise PulseError(f"{_name((asset, partition))} has no row whose {column} is {row!r}")
    return rows.to_dicts()


def _value(event: dg.AssetMaterialization, name: str) -> Any:
    value = event.metadata.get(name)
    return None if value is None else value.value


def _name(node: Node) -> str:
    asset, partition = node
    return asset if partition is None else f"{asset}[{partition}]"
