"""What the asset factories are given: the domains, the settings and the partitions they make."""

from dataclasses import dataclass
from functools import cached_property

from assets.partitions import Partitions
from pulse_pipeline.domains import Registry
from pulse_pipeline.settings import Settings


@dataclass(frozen=True)
class Project:
    """One user's pipeline."""

    registry: Registry
    settings: Settings

    @cached_property
    def partitions(self) -> Partitions:
        """Partitions of the registry's domains."""
        return Partitions(self.registry)
