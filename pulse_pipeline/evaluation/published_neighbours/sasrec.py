"""SASRec as first published: one drawn item against each that was chosen."""

from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pulse_pipeline.evaluation.baselines.neural.sasrec import SASRecNetwork
from pulse_pipeline.evaluation.baselines.neural.trainer import NeuralBaseline
from pulse_pipeline.evaluation.published_neighbours.config import PublishedSASRecConfig
from pulse_pipeline.thought_space.batches import Batch
from pulse_pipeline.thought_space.data import DomainData, FloatArray, Phase

USERS_AT_ONCE = 512


class PublishedSASRec(NeuralBaseline[PublishedSASRecConfig]):
    """Self-attention over item ids with binary cross-entropy (Kang & McAuley, ICDM 2018)."""

    name = "SASRec as published"

    def network(self, data: DomainData) -> "PublishedSASRecNetwork":
        """The untrained model."""
        return PublishedSASRecNetwork(data, self.config)

    @torch.inference_mode()
    def user_vectors(self, data: DomainData, phase: Phase) -> FloatArray:
        """Unit hidden states after what each user has when `phase` begins; zero without a history [n, d]."""
        starts = range(0, len(data.user_ids), USERS_AT_ONCE)
        blocks = [np.arange(start, min(start + USERS_AT_ONCE, len(data.user_ids))) for start in starts]
        network = cast(PublishedSASRecNetwork, self._network)
        states = [network.final_queries(data, users, phase).cpu() for users in blocks]
        found: FloatArray = functional.normalize(torch.cat(states).float(), dim=-1).numpy()
        return found


class PublishedSASRecNetwork(SASRecNetwork):
    """SASRec's network with the loss it was published with."""

    def loss(self, batch: Batch) -> Tensor:
        r"""Binary cross-entropy with one negative a position, drawn uniformly; none that the window holds.

        .. math:: L = -\frac1m \sum_j \log \sigma(s_{j,y_j}) + \log(1 - \sigma(s_{j,n_j}))

        A draw that it holds is left out of the sum instead of drawn again, so that a user who took nearly
        everything ends nothing.
        """
        items = self.items()
        read = self.read(batch, items)
        drawn = torch.randint(len(items), batch.targets.shape, device=items.device)
        taken = torch.cat([batch.histories, batch.targets], dim=1)
        own = (drawn[:, :, None] == taken[:, None, :]).any(dim=2)
        chosen = functional.logsigmoid((read * items[batch.targets.clamp(min=0)]).sum(dim=2))
        other = functional.logsigmoid(-(read * items[drawn]).sum(dim=2)).masked_fill(own, 0.0)
        return -(chosen + other)[batch.targets >= 0].mean()
