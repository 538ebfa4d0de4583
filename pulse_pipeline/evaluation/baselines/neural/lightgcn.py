"""LightGCN: a vector for every user and item, smoothed over the graph of who took what."""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from pulse_pipeline.evaluation.baselines.config import Search
from pulse_pipeline.evaluation.baselines.neural.graph import GraphConfig, GraphNetwork
from pulse_pipeline.evaluation.baselines.neural.trainer import NeuralBaseline
from pulse_pipeline.evaluation.baselines.neural.transformer import embedding
from pulse_pipeline.thought_space.data import DomainData


class LightGCNConfig(GraphConfig):
    """LightGCN's settings."""

    search: ClassVar[Search] = {
        "width": (64, 128),
        "layers": (1, 2, 3),
        "temperature": (0.1, 0.15, 0.2, 0.3),
        "learning_rate": (1e-3, 3e-3, 1e-2),
        "weight_decay": (0.0, 0.01, 0.1),
    }

    layers: int = Field(default=3, ge=1)
    """How often vectors are passed on to neighbours."""

    learning_rate: float = Field(default=3e-3, gt=0)
    """Step size of Adam."""


class LightGCN(NeuralBaseline[LightGCNConfig]):
    """He et al. (SIGIR 2020), with InfoNCE instead of BPR's one negative: no weaker, and fewer epochs."""

    name = "LightGCN"

    def network(self, data: DomainData) -> "LightGCNNetwork":
        """The untrained model."""
        return LightGCNNetwork(data, self.config)


class LightGCNNetwork(GraphNetwork):
    """First vectors are looked up."""

    def __init__(self, data: DomainData, config: LightGCNConfig) -> None:
        """Draw the vectors."""
        super().__init__(data, config)
        self.user_table = embedding(len(data.user_ids), config.width)
        self.item_table = embedding(data.n_items, config.width)

    def first_items(self) -> Tensor:
        """The item table [n_items, d]."""
        return self.item_table.weight

    def first_users(self, users: Tensor, took: Tensor) -> Tensor:
        """Rows of the user table [b, d]."""
        vectors: Tensor = self.user_table(users)
        return vectors
