"""What is not up to date: made with other settings, or of something that has changed since."""

import dagster as dg

from assets.materialisation import dataset_name
from pulse_pipeline.lineage import Lineage, Link


class Staleness:
    """Looks at one home as it is now; upstream has to be asked about first.

    Not looked at: raw files, checks, and whether what was written still lies there.
    """

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        """Read the asset graph."""
        specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
        self._lineage = Lineage(definitions, instance)
        self._versions = {name: spec.code_version for name, spec in specs.items()}
        upstream = {
            name: [specs[dep.asset_key.to_user_string()] for dep in spec.deps] for name, spec in specs.items()
        }
        # Of other partitions only what was read is known.
        self._upstream = {
            name: [
                dep.key.to_user_string() for dep in deps if dep.partitions_def == specs[name].partitions_def
            ]
            for name, deps in upstream.items()
        }
        self._stale: set[str] = set()
        self._latest: dict[str, Link | None] = {}

    def reason(self, asset: str, partition: str | None) -> str:
        """Why a dataset is stale; empty if it is up to date."""
        name = dataset_name(asset, partition)
        found = self._reason(asset, self._made(name))
        if found:
            self._stale.add(name)
        return found

    def _reason(self, asset: str, made: Link | None) -> str:
        if made is None:
            return "never made"
        if made.code_version != self._versions[asset]:
            return "its settings changed"
        # What is read if it is there may not have been there.
        read = dict.fromkeys(dataset_name(name, made.partition) for name in self._upstream[asset])
        for name, version in {**read, **made.made_from}.items():
            if name in self._stale:
                return f"{name} comes first"
            latest = self._made(name)
            if latest is not None and latest.data_version != version:
                return f"{name} changed" if version else f"{name} is new"
        return ""

    def _made(self, name: str) -> Link | None:
        if name not in self._latest:
            self._latest[name] = self._lineage.latest(name)
        return self._latest[name]
