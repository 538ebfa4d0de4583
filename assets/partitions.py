"""Partitions and how they map: by domain, by training mix, by source mix x target domain."""

from dataclasses import dataclass
from functools import cached_property

import dagster as dg

from pulse_pipeline.domains import ALL, Registry

SOURCE = "source"
TARGET = "target"


@dataclass(frozen=True)
class Partitions:
    """The partitions that a registry's domains make."""

    registry: Registry

    @cached_property
    def domains(self) -> dg.StaticPartitionsDefinition:
        """One for each domain."""
        return dg.StaticPartitionsDefinition(list(self.registry.names))

    @cached_property
    def mixes(self) -> dg.StaticPartitionsDefinition:
        """One for each training mix."""
        return dg.StaticPartitionsDefinition(list(self.registry.mixes))

    @cached_property
    def transfers(self) -> dg.MultiPartitionsDefinition:
        """One for each pair of source mix and target domain."""
        return dg.MultiPartitionsDefinition({SOURCE: self.mixes, TARGET: self.domains})

    @property
    def members_of_mix(self) -> dg.StaticPartitionMapping:
        """A mix needs its member domains."""
        return dg.StaticPartitionMapping(
            {
                domain: {mix for mix in self.registry.mixes if domain in self.registry.members(mix)}
                for domain in self.registry.names
            }
        )

    @property
    def mixes_of_domain(self) -> dg.StaticPartitionMapping:
        """A domain's own evaluation needs its own model and that of all domains."""
        return dg.StaticPartitionMapping(
            {
                mix: set(self.registry.members(mix)) if mix in {*self.registry.names, ALL} else set()
                for mix in self.registry.mixes
            }
        )

    @property
    def own_mix(self) -> dg.StaticPartitionMapping:
        """Serving a domain needs the model that was trained on it alone."""
        return dg.StaticPartitionMapping(
            {mix: {mix} if mix in self.registry.names else set() for mix in self.registry.mixes}
        )


def upstream_partitions(
    partition: str | None, dep: dg.AssetDep, parent: dg.PartitionsDefinition[str] | None
) -> list[str | None]:
    """Which partitions of a parent one partition of a child is made from.

    Args:
        partition: The child's partition, None if it has none.
        dep: The child's dependency on the parent.
        parent: The parent's partitions.
    """
    if parent is None:
        return [None]
    if partition is None:
        return list(parent.get_partition_keys())
    mapping = dep.partition_mapping
    if isinstance(mapping, dg.StaticPartitionMapping):
        children = mapping.downstream_partition_keys_by_upstream_partition_key
        return [key for key in parent.get_partition_keys() if partition in children.get(key, ())]
    if isinstance(mapping, dg.MultiToSingleDimensionPartitionMapping):
        source, target = sorted_dimensions(partition)
        return [source if mapping.partition_dimension_name == SOURCE else target]
    return [partition]


def sorted_dimensions(partition: str) -> tuple[str, str]:
    """Source mix and target domain of a transfer's partition key."""
    source, target = partition.split("|")
    return source, target
