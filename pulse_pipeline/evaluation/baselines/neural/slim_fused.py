"""SLIM-style, with item ids: SASRec to which the user's rationale is joined."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from pulse_pipeline.evaluation.baselines.config import Search
from pulse_pipeline.evaluation.baselines.neural.rationales import with_presence, written_rationales
from pulse_pipeline.evaluation.baselines.neural.sasrec import SASRecConfig, SASRecNetwork
from pulse_pipeline.evaluation.baselines.neural.trainer import NeuralBaseline
from pulse_pipeline.thought_space.batches import Batch
from pulse_pipeline.thought_space.data import DomainData, IntArray, Phase


class SLIMFusedConfig(SASRecConfig):
    """The settings of SASRec with rationales."""

    search: ClassVar[Search] = SASRecConfig.search


class SLIMFused(NeuralBaseline[SLIMFusedConfig]):
    """SASRec's state and the projected rationale, joined by an MLP (after Wang et al., WWW 2024).

    The rationales are this project's, so that what differs from PULSE is only how they are used: as an
    input of the recommender.
    """

    name = "SLIM-style, SASRec + rationale"

    def network(self, data: DomainData) -> "SLIMFusedNetwork":
        """The untrained model."""
        return SLIMFusedNetwork(data, self.config)


class SLIMFusedNetwork(SASRecNetwork):
    """SASRec whose query knows why."""

    def __init__(self, data: DomainData, config: SLIMFusedConfig) -> None:
        """Take the rationales, which are not trained."""
        super().__init__(data, config)
        rationales, width = written_rationales(data), config.width
        self.training_texts: Tensor
        self.training_present: Tensor
        self.serving_texts: Tensor
        self.serving_present: Tensor
        for name, vectors in (("training", rationales.training), ("serving", rationales.serving)):
            texts, present = with_presence(vectors)
            self.register_buffer(f"{name}_texts", texts, persistent=False)
            self.register_buffer(f"{name}_present", present, persistent=False)
        self.project = nn.Linear(self.training_texts.shape[1], width)
        self.nothing_written = nn.Parameter(torch.zeros(width))
        self.join = nn.Sequential(
            nn.Linear(2 * width, width), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(width, width)
        )

    def queries(self, hidden: Tensor) -> Tensor:
        """Queries of users of whom nothing is written [m, d]."""
        return self._joined(hidden, self.nothing_written.expand_as(hidden))

    def loss(self, batch: Batch) -> Tensor:
        """Every position without a rationale, and those that a rationale speaks about with it.

        A rationale is written from what lies before the item it speaks about; at any earlier position
        it would give that item away.
        """
        items = self.items()
        hidden, real = self.read(batch, items), batch.targets >= 0
        loss = self.objective(self.queries(hidden[real]), items, batch.targets[real])
        users = torch.from_numpy(batch.users).to(items.device)
        rows = torch.nonzero(batch.speaks & self.training_present[users]).squeeze(1)
        if not len(rows):
            return loss
        columns = batch.spoken[rows]
        why = self.project(self.training_texts[users[rows]])
        joined = self._joined(hidden[rows, columns], why)
        return loss + self.objective(joined, items, batch.targets[rows, columns])

    def final_queries(self, data: DomainData, users: IntArray, phase: Phase) -> Tensor:
        """Queries that know the serving rationale, where there is one [len(users), d]."""
        plain = super().final_queries(data, users, phase)
        chosen = torch.from_numpy(users).to(plain.device)
        why = self.project(self.serving_texts[chosen])
        joined = self._joined(self.last_states(data, users, phase), why)
        return torch.where(self.serving_present[chosen][:, None], joined, plain)

    def _joined(self, hidden: Tensor, why: Tensor) -> Tensor:
        # Added to the state, so that a rationale that says nothing costs nothing.
        joined: Tensor = hidden + self.join(torch.cat([hidden, why], dim=1))
        return joined
