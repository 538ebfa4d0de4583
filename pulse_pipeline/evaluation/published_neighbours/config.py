"""Settings of the published neighbours; apart from the model, so that reading settings loads no torch."""

from pydantic import Field

from pulse_pipeline.evaluation.baselines.neural.config import SequenceConfig
from pulse_pipeline.interactions.neighbour_settings import NeighbourSettings


class PublishedSASRecConfig(SequenceConfig):
    """SASRec as published: 50 dimensions, 2 blocks, 2 heads, the latest 50 items, dropout .5."""

    width: int = Field(default=50, ge=1)
    """Width of the vectors of users and items."""

    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Dropout of inputs, attention and feed-forward layers."""

    batch_size: int = Field(default=128, ge=1)
    """Sequences a step."""

    learning_rate: float = Field(default=1e-3, gt=0)
    """Step size of Adam."""


class PublishedNeighbourSettings(NeighbourSettings):
    """How many neighbours there are, and the model whose vectors tell who they are."""

    sasrec: PublishedSASRecConfig = PublishedSASRecConfig()
    """Architecture and optimisation."""
