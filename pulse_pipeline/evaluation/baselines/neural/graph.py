"""Models on the graph of users and items: LightGCN's layers, whatever a node's first vector is."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from scipy import sparse
from torch import Tensor
from torch.nn import functional

from pulse_pipeline.evaluation.baselines.neural.config import TrainingConfig
from pulse_pipeline.evaluation.baselines.neural.trainer import Network
from pulse_pipeline.thought_space.data import DomainData, IntArray, Phase
from pulse_pipeline.thought_space.matrices import history_matrix, inverse, training_matrix


class GraphConfig(TrainingConfig):
    """Layers and loss of a graph model."""

    layers: int = Field(default=2, ge=1)
    """How often vectors are passed on to neighbours."""

    temperature: float = Field(default=0.15, gt=0)
    """Of the softmax over cosines."""

    negatives: int = Field(default=256, ge=1)
    """Items drawn a step, shared by all pairs of the batch."""

    batch_size: int = Field(default=2048, ge=1)
    """Pairs of a user and an item a step."""


@dataclass(frozen=True)
class Pairs:
    """Training interactions.

    Attributes:
        users: Users [b].
        items: An item of each [b].
    """

    users: Tensor
    items: Tensor


class GraphNetwork(Network):
    """Users and items as means of what their neighbours are, 0 to `layers` steps away.

    The layers are those of LightGCN (He et al., SIGIR 2020). The loss is InfoNCE on cosines, as in
    AlphaRec (Sheng et al., ICLR 2025).
    """

    def __init__(self, data: DomainData, config: GraphConfig) -> None:
        """Normalise the graph of training interactions."""
        super().__init__()
        self.config = config
        took = training_matrix(data)
        self._users, self._items = (torch.from_numpy(side.astype(np.int64)) for side in took.nonzero())
        self._item_scale = np.sqrt(inverse(took.sum(axis=0)))
        self.to_users: Tensor
        self.to_items: Tensor
        links = self._normalised(took)
        self.register_buffer("to_users", _as_torch(links), persistent=False)
        self.register_buffer("to_items", _as_torch(links.T.tocsr()), persistent=False)

    @abstractmethod
    def first_items(self) -> Tensor:
        """Vectors of items before any layer [n_items, d]."""

    @abstractmethod
    def first_users(self, users: Tensor, took: Tensor) -> Tensor:
        """Vectors of users before any layer.

        Args:
            users: Indices of users [b].
            took: Their histories, sparse, scaled [b, n_items].

        Returns:
            Vectors [b, d].
        """

    def batches(self, rng: np.random.Generator) -> Iterator[Pairs]:
        """All training interactions in an order drawn anew."""
        order = torch.from_numpy(rng.permutation(len(self._users)))
        for start in range(0, len(order), self.config.batch_size):
            chosen = order[start : start + self.config.batch_size]
            yield Pairs(*(side[chosen].to(self.to_users.device) for side in (self._users, self._items)))

    def loss(self, batch: Pairs) -> Tensor:
        """InfoNCE of the pairs against uniformly drawn items."""
        first_users = self._first_of_everyone()
        layers = self._item_layers(first_users)
        items = functional.normalize(torch.stack(layers).mean(dim=0), dim=1)
        users = functional.normalize(_read_out(first_users, self.to_users, layers)[batch.users], dim=1)
        drawn = torch.randint(len(items), (self.config.negatives,), device=items.device)
        wanted = (users * items[batch.items]).sum(dim=1, keepdim=True)
        others = users @ items[drawn].T
        others = others.masked_fill(drawn[None, :] == batch.items[:, None], float("-inf"))
        logits = torch.cat([wanted, others], dim=1) / self.config.temperature
        return functional.cross_entropy(logits, torch.zeros_like(batch.items))

    def prepare(self) -> None:
        """Compute the item vectors of all layers on the training graph."""
        self._layers = self._item_layers(self._first_of_everyone())
        self._catalogue = functional.normalize(torch.stack(self._layers).mean(dim=0), dim=1)

    def scores(self, data: DomainData, users: IntArray, phase: Phase) -> Tensor:
        """Cosines; a user is what the layers make of the history at hand [len(users), n_items]."""
        device = self.to_users.device
        took = _as_torch(self._normalised(history_matrix(data, users, phase))).to(device)
        first = self.first_users(torch.from_numpy(users).to(device), took)
        return functional.normalize(_read_out(first, took, self._layers), dim=1) @ self._catalogue.T

    def _item_layers(self, users: Tensor) -> list[Tensor]:
        """Item vectors after 0 to `layers` steps, from the users' first vectors."""
        layers = [self.first_items()]
        for _ in range(self.config.layers):
            layers.append(torch.sparse.mm(self.to_items, users))
            users = torch.sparse.mm(self.to_users, layers[-2])
        return layers

    def _first_of_everyone(self) -> Tensor:
        everyone = torch.arange(self.to_users.shape[0], device=self.to_users.device)
        return self.first_users(everyone, self.to_users)

    def _normalised(self, took: sparse.csr_matrix) -> sparse.csr_matrix:
        user_scale = sparse.diags_array(np.sqrt(inverse(took.sum(axis=1))), format="csr")
        return (user_scale @ took @ sparse.diags_array(self._item_scale, format="csr")).tocsr()


def _read_out(first: Tensor, took: Tensor, layers: list[Tensor]) -> Tensor:
    """Mean of users' vectors after 0 to `layers` steps; each step gathers the items' vectors of the last."""
    gathered: Tensor = torch.sparse.mm(took, torch.stack(layers[:-1]).sum(dim=0))
    return (first + gathered) / len(layers)


def _as_torch(matrix: sparse.csr_matrix) -> Tensor:
    entries = matrix.tocoo()
    places = torch.from_numpy(np.stack([entries.row, entries.col]).astype(np.int64))
    values = torch.from_numpy(entries.data.astype(np.float32))
    return torch.sparse_coo_tensor(places, values, entries.shape, check_invariants=False).coalesce()
