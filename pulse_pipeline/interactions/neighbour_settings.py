"""Settings of the neighbours; apart from the search, so that reading settings loads no scipy."""

from pydantic import BaseModel, ConfigDict, Field

from pulse_pipeline.provenance import fingerprint


class NeighbourSettings(BaseModel):
    """How much collaborative context there is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: int = Field(default=5, ge=1)
    """Neighbours of a history, at most."""

    titles_each: int = Field(default=3, ge=1)
    """Items of a neighbour, at most: the newest of those that the user does not have."""

    def fingerprint(self) -> str:
        """Hash of all of it (16 hexadecimal digits)."""
        return fingerprint(self.model_dump())
