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
        """A domain's own evaluation needs the mixes that it is a member of, but for the leave-outs."""
        return dg.StaticPartitionMapping(
            {
                mix: set(self.registry.members(mix)) if mix in {*self.registry.names, ALL} else set()
                for mix in self.registry.mixes
            }
        )

    def upstream(
        self,
        partition: str | None,
        child: dg.PartitionsDefinition[str] | None,
        parent: dg.PartitionsDefinition[str] | None,
    ) -> list[str | None]:
        """Which partitions of a parent one partition of a child is made from.

        Args:
            partition: The child's partition, None if it has none.
            child: The child's partitions.
            parent: The parent's partitions.
        """
        if parent is None:
            return [None]
        if child is None or partition is None:
            return list(parent.get_partition_keys())
        if child == parent:
            return [partition]
        if child == self.transfers:
            keys = self.transfers.get_partition_key_from_str(partition).keys_by_dimension
            return [keys[SOURCE if parent == self.mixes else TARGET]]
        if child == self.mixes:
            return list(self.registry.members(partition))
        return [mix for mix in (partition, ALL) if mix in self.registry.mixes]
