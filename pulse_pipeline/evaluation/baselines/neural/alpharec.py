"""AlphaRec: frozen text vectors, one small MLP for items and users, LightGCN's layers."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from pulse_pipeline.evaluation.baselines.config import Search
from pulse_pipeline.evaluation.baselines.neural.graph import GraphConfig, GraphNetwork
from pulse_pipeline.evaluation.baselines.neural.trainer import NeuralBaseline
from pulse_pipeline.thought_space.data import DomainData


class AlphaRecConfig(GraphConfig):
    """AlphaRec's settings."""

    search: ClassVar[Search] = {
        "width": (64, 128),
        "layers": (1, 2, 3),
        "temperature": (0.1, 0.15, 0.2, 0.3),
        "learning_rate": (5e-4, 1e-3, 3e-3),
        "weight_decay": (0.0, 0.01, 0.1),
    }

    learning_rate: float = Field(default=5e-4, gt=0)
    """Step size of Adam."""


class AlphaRec(NeuralBaseline[AlphaRecConfig]):
    """Sheng et al. (ICLR 2025), from this project's item vectors.

    A user is the mean of the texts of the history, weighted as LightGCN weighs neighbours, so that it
    needs no vector of its own.
    """

    name = "AlphaRec"

    def network(self, data: DomainData) -> "AlphaRecNetwork":
        """The untrained model."""
        return AlphaRecNetwork(data, self.config)


class AlphaRecNetwork(GraphNetwork):
    """First vectors are mapped from texts."""

    def __init__(self, data: DomainData, config: AlphaRecConfig) -> None:
        """Build the map; the texts are not trained."""
        super().__init__(data, config)
        d = data.item_vectors.shape[1]
        self.texts: Tensor
        self.register_buffer("texts", torch.from_numpy(data.item_vectors), persistent=False)
        self.map = nn.Sequential(
            nn.Linear(d, max(1, d // 2)), nn.LeakyReLU(), nn.Linear(max(1, d // 2), config.width)
        )

    def first_items(self) -> Tensor:
        """Mapped texts [n_items, d]."""
        vectors: Tensor = self.map(self.texts)
        return vectors

    def first_users(self, users: Tensor, took: Tensor) -> Tensor:
        """Mapped mean texts [b, d]."""
        vectors: Tensor = self.map(functional.normalize(torch.sparse.mm(took, self.texts), dim=1))
        return vectors
