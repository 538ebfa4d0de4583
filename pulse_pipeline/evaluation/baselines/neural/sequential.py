"""Next-item models: histories in, scores of the catalogue out. What an item's vector is, a model says."""

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from pulse_pipeline.evaluation.baselines.neural.config import SequenceConfig
from pulse_pipeline.evaluation.baselines.neural.losses import next_item
from pulse_pipeline.evaluation.baselines.neural.trainer import Network
from pulse_pipeline.evaluation.baselines.neural.transformer import HistoryTransformer
from pulse_pipeline.thought_space.batches import Batch, collate, windows
from pulse_pipeline.thought_space.data import DomainData, IntArray, Phase


class SequentialNetwork(Network):
    """A history transformer over item vectors, trained to name the next item at every position."""

    def __init__(self, data: DomainData, config: SequenceConfig) -> None:
        """Cut training prefixes into windows and build the transformer."""
        super().__init__()
        self.config = config
        self.reader = HistoryTransformer(config)
        self._windows = windows(data, config.history_length)
        self._catalogue: Tensor

    @abstractmethod
    def items(self) -> Tensor:
        """Vectors of all items, which are input and output alike [n_items, d]."""

    def queries(self, hidden: Tensor) -> Tensor:
        """What is multiplied with the item vectors, by default the hidden states [m, d] -> [m, d]."""
        return hidden

    def objective(self, queries: Tensor, items: Tensor, targets: Tensor) -> Tensor:
        """Softmax cross-entropy of next items.

        Args:
            queries: One a position [m, d].
            items: The catalogue [n_items, d].
            targets: The item that came next [m].
        """
        return next_item(queries, items, targets, self.config)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Windows of histories in an order drawn anew."""
        order = rng.permutation(len(self._windows))
        device = self.reader.positions.weight.device
        for start in range(0, len(order), self.config.batch_size):
            chosen = order[start : start + self.config.batch_size]
            yield collate([self._windows[index] for index in chosen], device)

    def loss(self, batch: Batch) -> Tensor:
        """The objective, averaged over the positions of a batch."""
        items = self.items()
        real = batch.targets >= 0
        return self.objective(self.queries(self.read(batch, items)[real]), items, batch.targets[real])

    def read(self, batch: Batch, items: Tensor) -> Tensor:
        """Hidden states after each input of a batch [b, length, d]."""
        hidden: Tensor = self.reader(items[batch.histories], (batch.targets >= 0).sum(dim=1))
        return hidden

    def prepare(self) -> None:
        """Compute the item vectors."""
        self._catalogue = self.items()

    def scores(self, data: DomainData, users: IntArray, phase: Phase) -> Tensor:
        """Dot products with the query after the last item; zero without a history [len(users), n_items]."""
        return self.final_queries(data, users, phase) @ self._catalogue.T

    def final_queries(self, data: DomainData, users: IntArray, phase: Phase) -> Tensor:
        """Queries after each user's last item, zero rows without a history [len(users), d]."""
        present = torch.tensor([len(data.history(user, phase)) > 0 for user in users])
        return self.queries(self.last_states(data, users, phase)) * present[:, None].to(
            self._catalogue.device
        )

    def last_states(self, data: DomainData, users: IntArray, phase: Phase) -> Tensor:
        """Hidden states after each user's last item, meaningless without a history [len(users), d]."""
        histories = [data.history(user, phase)[-self.config.history_length :] for user in users]
        lengths = [len(history) for history in histories]
        padded = np.zeros((len(users), max(1, *lengths)), np.int64)
        for row, history in enumerate(histories):
            padded[row, : len(history)] = history
        real = torch.tensor(lengths, device=self._catalogue.device)
        hidden = self.reader(self._catalogue[torch.from_numpy(padded).to(real.device)], real)
        last: Tensor = hidden[torch.arange(len(users), device=real.device), (real - 1).clamp(min=0)]
        return last
