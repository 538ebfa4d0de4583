"""UniSRec-lite: whitened text vectors, a small adaptor, SASRec on top; no item has a vector of its own."""

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from pulse_pipeline.evaluation.baselines.config import Search
from pulse_pipeline.evaluation.baselines.neural.config import SequenceConfig
from pulse_pipeline.evaluation.baselines.neural.sequential import SequentialNetwork
from pulse_pipeline.evaluation.baselines.neural.trainer import NeuralBaseline
from pulse_pipeline.thought_space import geometry
from pulse_pipeline.thought_space.data import DomainData, FloatArray


class UniSRecConfig(SequenceConfig):
    """UniSRec-lite's settings."""

    search: ClassVar[Search] = {
        "width": (64, 128, 256),
        "blocks": (1, 2),
        "dropout": (0.1, 0.2, 0.3, 0.5),
        "learning_rate": (5e-4, 1e-3, 2e-3, 4e-3),
        "temperature": (0.05, 0.07, 0.1, 0.15),
        "weight_decay": (0.0, 0.01, 0.1),
    }

    temperature: float = Field(default=0.07, gt=0)
    """Of the softmax over cosines."""


class UniSRec(NeuralBaseline[UniSRecConfig]):
    """Whitened texts, one linear adaptor, a history transformer, softmax over cosines.

    Lite: one expert instead of a mixture, and no pre-training on other domains. Source: Hou et al.
    (KDD 2022).
    """

    name = "UniSRec-lite"

    def network(self, data: DomainData) -> "UniSRecNetwork":
        """The untrained model."""
        return UniSRecNetwork(data, self.config)


class UniSRecNetwork(SequentialNetwork):
    """Item vectors are adapted texts."""

    def __init__(self, data: DomainData, config: UniSRecConfig) -> None:
        """Whiten the texts once; they are not trained."""
        super().__init__(data, config)
        self.sharpness = config.temperature**-0.5
        self.texts: Tensor
        self.register_buffer("texts", torch.from_numpy(whitened(data)), persistent=False)
        self.adaptor = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(data.item_vectors.shape[1], config.width)
        )

    def items(self) -> Tensor:
        """Adapted texts, all of one length [n_items, d]."""
        return self.queries(self.adaptor(self.texts))

    def queries(self, hidden: Tensor) -> Tensor:
        """Scale to the length at which dot products are cosines over the temperature [m, d]."""
        scaled: Tensor = self.sharpness * functional.normalize(hidden, dim=-1)
        return scaled


def whitened(data: DomainData) -> FloatArray:
    """Text vectors centred, with equal variance in all directions; zero without text [n_items, d]."""
    shape = geometry.measure(data.item_vectors[data.listed])
    rotated = geometry.centred(data.item_vectors, shape.centre) @ shape.basis
    white = rotated * np.exp(-0.5 * shape.log_spectrum)
    norms = np.linalg.norm(white, axis=1, keepdims=True)
    unit: FloatArray = np.divide(white, norms, out=np.zeros_like(white), where=norms > 0)
    # Unit variance of each coordinate, as the adaptor's initial weights expect.
    return unit * np.float32(np.sqrt(white.shape[1]))
