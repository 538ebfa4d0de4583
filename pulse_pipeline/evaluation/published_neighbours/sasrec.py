"""SASRec as first published: one drawn item against each that was chosen."""

from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pulse_pipeline.evaluation.baselines.neural.sasrec import SASRecNetwork
from pulse_pipeline.evaluation.baselines.neural.trainer import NeuralBaseline
from pulse_pipeline.evaluation.published_neighbours.config import PublishedSASRecConfig
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

    def objective(self, queries: Tensor, items: Tensor, targets: Tensor) -> Tensor:
        r"""Binary cross-entropy with one negative an example, drawn uniformly.

        .. math:: L = -\frac1m \sum_j \log \sigma(s_{j,y_j}) + \log(1 - \sigma(s_{j,n_j}))

        Args:
            queries: One a position [m, d].
            items: The catalogue [n_items, d].
            targets: The item that came next [m].
        """
        # A shift by less than the catalogue's size never comes back to the target.
        shift = torch.randint(1, max(2, len(items)), targets.shape, device=items.device)
        drawn = (targets + shift) % len(items)
        chosen = functional.logsigmoid((queries * items[targets]).sum(dim=1))
        other = functional.logsigmoid(-(queries * items[drawn]).sum(dim=1))
        return -(chosen + other).mean()
