"""Partitions and how they map: by domain, by training mix, by source mix x target domain."""

from dataclasses import dataclass
from functools import cached_property

import dagster as dg

from pulse_pipeline.domains import ALL, ALL_BUT, Registry

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

    def of_transfer(self, dimension: str) -> dg.PartitionMapping:
        """What a transfer needs of its source mix, or of its target domain."""
        if len(self.registry.mixes) == 1:
            # Dagster takes the dimension by its partitions, and cannot tell two that have the same.
            return dg.AllPartitionMapping()
        return dg.MultiToSingleDimensionPartitionMapping(dimension)

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
    def home_and_abroad(self) -> dg.StaticPartitionMapping:
        """A domain's candidates are chosen by what was trained on it, on all domains, and on all but it."""
        names = self.registry.names
        return dg.StaticPartitionMapping(
            {mix: {mix.removeprefix(ALL_BUT)} if mix != ALL else set(names) for mix in self.registry.mixes}
        )

    @property
    def own_mix(self) -> dg.StaticPartitionMapping:
        """Serving a domain needs the model that was trained on it alone."""
        return dg.StaticPartitionMapping(
            {mix: {mix} if mix in self.registry.names else set() for mix in self.registry.mixes}
        )


def sorted_dimensions(partition: str) -> tuple[str, str]:
    """Source mix and target domain of a transfer's partition key."""
    source, target = partition.split("|")
    return source, target
