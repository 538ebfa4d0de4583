"""The chain behind a dataset or a row: versions, runs and prompts, up to the raw files' hashes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import polars as pl

from assets.materialisation import DATA_VERSION_TAG, INPUTS, dataset_name
from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home
from resources.storage import table_path

CODE_VERSION_TAG = "dagster/code_version"
PAGE = 100  # materialisations fetched at once


@dataclass(frozen=True)
class Link:
    """One materialisation in the chain.

    Attributes:
        asset: Its asset key.
        partition: Its partition, None if it has none.
        data_version: Content hash of what was written.
        code_version: Fingerprint of the settings it was written with.
        replaced: Whether a later materialisation has written something else in its place.
        dagster_run_id: The run that wrote it.
        mlflow_run: The MLflow run's page.
        source_files: SHA-256 of each raw file it read.
        made_with: Prompt fingerprint, model and revision, where a model made it.
        made_from: Data version of each dataset that it read, by name: ``asset`` or ``asset[partition]``.
    """

    asset: str
    partition: str | None
    data_version: str | None
    code_version: str | None
    replaced: bool
    dagster_run_id: str
    mlflow_run: str | None
    source_files: dict[str, str]
    made_with: dict[str, str]
    made_from: dict[str, str]

    @property
    def name(self) -> str:
        """``asset`` or ``asset[partition]``."""
        return dataset_name(self.asset, self.partition)


class Lineage:
    """Reads chains from Dagster's event log."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        """Read the asset graph."""
        self._specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
        self._instance = instance

    def chain(self, asset: str, partition: str | None) -> list[Link]:
        """The latest materialisation of a dataset, and those of all that it was made from.

        Args:
            asset: The asset key.
            partition: Its partition, where it has any.

        Returns:
            The dataset first, then what it was made from, breadth first; each version once. What was
            read is shown as it was read, also where it has been made anew since.

        Raises:
            PulseError: There is no such asset or partition, or it was never materialised.
        """
        name = self._checked(asset, partition)
        latest = self.latest(name)
        if latest is None:
            raise PulseError(f"{name} was never materialised: `pulse run --select {asset}`")
        chain = {(name, latest.data_version): latest}
        queue = [latest]
        while queue:
            for parent in queue.pop(0).made_from.items():
                if parent not in chain and (link := self._link(*parent)):
                    chain[parent] = link
                    queue.append(link)
        return list(chain.values())

    def latest(self, name: str) -> Link | None:
        """The newest materialisation of a dataset, None before the first.

        Args:
            name: ``asset`` or ``asset[partition]``.
        """
        return self._link(name, None)

    def _checked(self, asset: str, partition: str | None) -> str:
        if asset not in self._specs:
            raise PulseError(f"there is no asset {asset!r}; there are: {', '.join(sorted(self._specs))}")
        partitions = self._specs[asset].partitions_def
        if partitions is None:
            return dataset_name(asset, None)
        keys = partitions.get_partition_keys()
        if partition not in keys:
            raise PulseError(f"{asset} needs --domain with one of: {', '.join(keys)}")
        return dataset_name(asset, partition)

    def _link(self, name: str, data_version: str | None) -> Link | None:
        """The newest materialisation of a dataset, or the newest that wrote this version of it."""
        asset, _, rest = name.partition("[")
        partition = rest.removesuffix("]") or None
        latest = None
        for event, run_id in self._materialisations(asset, partition):
            found = (event.tags or {}).get(DATA_VERSION_TAG)
            latest = latest or found
            if data_version in (None, found):
                return Link(
                    asset=asset,
                    partition=partition,
                    data_version=found,
                    code_version=(event.tags or {}).get(CODE_VERSION_TAG),
                    replaced=found != latest,
                    dagster_run_id=run_id,
                    mlflow_run=_value(event, "mlflow_run"),
                    source_files=_value(event, "source_files") or {},
                    made_with=_value(event, "made_with") or {},
                    made_from=_value(event, INPUTS) or {},
                )
        return None

    def _materialisations(
        self, asset: str, partition: str | None
    ) -> Iterator[tuple[dg.AssetMaterialization, str]]:
        """Newest first, with the run of each."""
        partitions = None if partition is None else [partition]
        wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=partitions)
        cursor, more = None, True
        while more:
            page = self._instance.fetch_materializations(wanted, limit=PAGE, cursor=cursor)
            cursor, more = page.cursor, page.has_more
            for record in page.records:
                if record.asset_materialization is not None:
                    yield record.asset_materialization, record.run_id


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
        raise PulseError(f"{dataset_name(asset, partition)} is no table, so it has no rows; leave --row out")
    table = pl.scan_parquet(path, glob=False)
    column = next((name for name in ("user_id", "item_id") if name in table.collect_schema()), None)
    if column is None:
        raise PulseError(f"{asset} has neither users nor items; leave --row out")
    rows = table.filter(pl.col(column) == row).drop("vector", strict=False).collect()
    if rows.is_empty():
        raise PulseError(f"{dataset_name(asset, partition)} has no row whose {column} is {row!r}")
    return rows.to_dicts()


def _value(event: dg.AssetMaterialization, name: str) -> Any:
    value = event.metadata.get(name)
    return None if value is None else value.value
