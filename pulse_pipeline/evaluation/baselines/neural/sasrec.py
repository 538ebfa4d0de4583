"""SASRec with a softmax over the catalogue."""

from typing import ClassVar

from torch import Tensor

from pulse_pipeline.evaluation.baselines.config import Search
from pulse_pipeline.evaluation.baselines.neural.config import SequenceConfig
from pulse_pipeline.evaluation.baselines.neural.sequential import SequentialNetwork
from pulse_pipeline.evaluation.baselines.neural.trainer import NeuralBaseline
from pulse_pipeline.evaluation.baselines.neural.transformer import embedding
from pulse_pipeline.thought_space.data import DomainData


class SASRecConfig(SequenceConfig):
    """SASRec's settings."""

    search: ClassVar[Search] = {
        "width": (64, 128, 256),
        "blocks": (1, 2, 3),
        "dropout": (0.1, 0.2, 0.3, 0.5),
        "learning_rate": (5e-4, 1e-3, 2e-3, 4e-3),
        "history_length": (20, 50, 100, 200),
        "weight_decay": (0.0, 0.01, 0.1),
    }


class SASRec(NeuralBaseline[SASRecConfig]):
    """Self-attention over item ids, softmax cross-entropy at every position.

    Sources: Kang & McAuley (ICDM 2018); softmax instead of one negative: Klenitskiy & Vasilev (RecSys
    2023).
    """

    name = "SASRec"

    def network(self, data: DomainData) -> "SASRecNetwork":
        """The untrained model."""
        return SASRecNetwork(data, self.config)


class SASRecNetwork(SequentialNetwork):
    """A vector for every item of the catalogue."""

    def __init__(self, data: DomainData, config: SequenceConfig) -> None:
        """Draw the item vectors."""
        super().__init__(data, config)
        self.table = embedding(data.n_items, config.width)

    def items(self) -> Tensor:
        """The table [n_items, d]."""
        return self.table.weight
