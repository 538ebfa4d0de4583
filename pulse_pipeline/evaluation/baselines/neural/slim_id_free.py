"""SLIM-style, without item ids: the rationale is matched with the items' texts and nothing else."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from pulse_pipeline.evaluation.baselines.config import Search
from pulse_pipeline.evaluation.baselines.neural.config import TrainingConfig
from pulse_pipeline.evaluation.baselines.neural.losses import next_item
from pulse_pipeline.evaluation.baselines.neural.rationales import with_presence, written_rationales
from pulse_pipeline.evaluation.baselines.neural.trainer import Network, NeuralBaseline
from pulse_pipeline.thought_space.data import DomainData, IntArray, Phase


class SLIMIDFreeConfig(TrainingConfig):
    """The settings of rationale x text."""

    search: ClassVar[Search] = {
        "width": (64, 128, 256),
        "dropout": (0.1, 0.3, 0.5),
        "temperature": (0.05, 0.07, 0.1, 0.15),
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "weight_decay": (0.0, 0.01, 0.1),
    }

    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Dropout inside both encoders."""

    temperature: float = Field(default=0.07, gt=0)
    """Of the softmax over cosines."""


class SLIMIDFree(NeuralBaseline[SLIMIDFreeConfig]):
    """Cosine of an encoded rationale and an encoded item text (after Wang et al., WWW 2024).

    A user without a rationale gets the same score for all items, which ranks the target last.
    """

    name = "SLIM-style, rationale x text"

    def network(self, data: DomainData) -> "SLIMIDFreeNetwork":
        """The untrained model."""
        return SLIMIDFreeNetwork(data, self.config)


class SLIMIDFreeNetwork(Network):
    """Two small encoders on frozen vectors."""

    def __init__(self, data: DomainData, config: SLIMIDFreeConfig) -> None:
        """Pair each training rationale with the item it speaks about."""
        super().__init__()
        self.config, rationales = config, written_rationales(data)
        self.item_texts: Tensor
        self.training_texts: Tensor
        self.serving_texts: Tensor
        self.serving_present: Tensor
        training_texts, present = with_presence(rationales.training)
        serving_texts, serving_present = with_presence(rationales.serving)
        self.register_buffer("item_texts", torch.from_numpy(data.item_vectors), persistent=False)
        self.register_buffer("training_texts", training_texts, persistent=False)
        self.register_buffer("serving_texts", serving_texts, persistent=False)
        self.register_buffer("serving_present", serving_present, persistent=False)
        self._users = np.flatnonzero(present.numpy() & (rationales.spoken >= 0))
        spoken = [data.sequences[user][rationales.spoken[user]] for user in self._users]
        self._targets = np.array(spoken, dtype=np.int64)
        self.read_rationale = _encoder(training_texts.shape[1], config)
        self.read_item = _encoder(data.item_vectors.shape[1], config)

    def batches(self, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Rationales' users and the items they speak about, in an order drawn anew."""
        order = rng.permutation(len(self._users))
        device = self.item_texts.device
        for start in range(0, len(order), self.config.batch_size):
            chosen = order[start : start + self.config.batch_size]
            users, targets = self._users[chosen], self._targets[chosen]
            yield torch.from_numpy(users).to(device), torch.from_numpy(targets).to(device)

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Softmax cross-entropy of the items that are spoken about."""
        users, targets = batch
        queries = functional.normalize(self.read_rationale(self.training_texts[users]), dim=1)
        items = functional.normalize(self.read_item(self.item_texts), dim=1)
        return next_item(queries / self.config.temperature, items, targets, self.config)

    def prepare(self) -> None:
        """Encode the item texts."""
        self._catalogue = functional.normalize(self.read_item(self.item_texts), dim=1)

    def scores(self, data: DomainData, users: IntArray, phase: Phase) -> Tensor:
        """Cosines with the serving rationale, zero without one [len(users), n_items]."""
        chosen = torch.from_numpy(users).to(self.item_texts.device)
        queries = functional.normalize(self.read_rationale(self.serving_texts[chosen]), dim=1)
        return (queries * self.serving_present[chosen][:, None]) @ self._catalogue.T


def _encoder(width: int, config: SLIMIDFreeConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, config.width),
        nn.GELU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.width, config.width),
    )
