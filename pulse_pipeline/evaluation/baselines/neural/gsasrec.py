"""gSASRec: SASRec with many negatives and a loss that is not overconfident for it."""

import math
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from pulse_pipeline.evaluation.baselines.config import Search
from pulse_pipeline.evaluation.baselines.neural.sasrec import SASRecConfig, SASRecNetwork
from pulse_pipeline.evaluation.baselines.neural.trainer import NeuralBaseline
from pulse_pipeline.thought_space.data import DomainData


class GSASRecConfig(SASRecConfig):
    """gSASRec's settings."""

    search: ClassVar[Search] = {
        **SASRecConfig.search,
        "negatives": (64, 256, 512),
        "calibration": (0.0, 0.5, 0.75, 1.0),
    }

    negatives: int = Field(default=256, ge=1)
    """Items drawn a step, shared by all positions of the batch."""

    calibration: float = Field(default=0.75, ge=0, le=1)
    """The paper's t: 0 is plain binary cross-entropy, 1 gives calibrated probabilities."""


class GSASRec(NeuralBaseline[GSASRecConfig]):
    """SASRec trained with gBCE (Petrov & Macdonald, RecSys 2023)."""

    name = "gSASRec"

    def network(self, data: DomainData) -> "GSASRecNetwork":
        """The untrained model."""
        return GSASRecNetwork(data, self.config)


class GSASRecNetwork(SASRecNetwork):
    """SASRec's network with another loss.

    Scores get an offset that is learned with the rest and ranks nothing. It begins where the loss is least
    while no item is told from another. Without it, the vectors first learn for tens of epochs that most
    items do not come next, and validation sees no gain.
    """

    def __init__(self, data: DomainData, config: GSASRecConfig) -> None:
        """Work out the power of the positive's probability, and where scores begin."""
        super().__init__(data, config)
        # More draws than there are items would outweigh the one positive many times over.
        self.negatives = min(config.negatives, max(1, data.n_items - 1))
        self.power = positive_power(self.negatives, data.n_items, config.calibration)
        self.offset = nn.Parameter(torch.tensor(math.log(self.power / self.negatives)))

    def objective(self, queries: Tensor, items: Tensor, targets: Tensor) -> Tensor:
        r"""The loss gBCE, with uniformly drawn negatives.

        .. math:: L = -\frac1m \sum_j \beta \log \sigma(s_{j,y_j}) + \sum_{i \in N} \log(1 - \sigma(s_{j,i}))

        Each s is a dot product plus the offset.

        Args:
            queries: One a position [m, d].
            items: The catalogue [n_items, d].
            targets: The item that came next [m].
        """
        drawn = torch.randint(len(items), (self.negatives,), device=items.device)
        positive = functional.logsigmoid((queries * items[targets]).sum(dim=1) + self.offset)
        others = functional.logsigmoid(-(queries @ items[drawn].T) - self.offset)
        others = others.masked_fill(drawn[None, :] == targets[:, None], 0.0)
        return -(self.power * positive + others.sum(dim=1)).mean() / (self.negatives + 1)


def positive_power(negatives: int, n_items: int, calibration: float) -> float:
    r"""The power beta, from the sampling rate alpha = negatives / (n_items - 1), at most 1.

    .. math:: \beta = \alpha (t (1 - 1/\alpha) + 1/\alpha)
    """
    rate = min(1.0, negatives / max(n_items - 1, 1))
    return rate * (calibration * (1 - 1 / rate) + 1 / rate)
