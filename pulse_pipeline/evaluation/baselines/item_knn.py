"""ItemKNN: items that were taken by the same people as those of the history."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field
from scipy import sparse

from pulse_pipeline.evaluation.baselines.config import BaselineConfig, Search
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.matrices import common_users, history_matrix, training_matrix


class ItemKNNConfig(BaselineConfig):
    """How neighbours are weighed and how many count."""

    search: ClassVar[Search] = {
        "neighbours": (20, 50, 100, 200, 500),
        "shrinkage": (0.0, 1.0, 5.0, 10.0, 50.0, 100.0),
    }

    neighbours: int = Field(default=100, ge=1)
    """How many of an item's nearest items count."""

    shrinkage: float = Field(default=10.0, ge=0)
    """Added to the denominator of the cosine, so that few common users mean little."""


class ItemKNN:
    r"""Sum over the history's items i of the shrunk cosine with j, if i is among j's nearest.

    .. math:: s_{ij} = \frac{|U_i \cap U_j|}{\sqrt{|U_i| |U_j|} + \lambda}

    Sources: Sarwar et al. (WWW 2001); the shrinkage as in Ferrari Dacrema et al. (RecSys 2019).
    """

    name = "ItemKNN"

    def __init__(self, config: ItemKNNConfig | None = None) -> None:
        """Choose the settings; defaults without."""
        self.config = config or ItemKNNConfig()

    def fit(self, data: DomainData) -> Self:
        """Find each item's nearest items in training prefixes."""
        similar = shrunk_cosines(training_matrix(data), self.config.shrinkage)
        self._from_history = nearest(similar, self.config.neighbours).T.tocsr()
        return self

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Sums over the whole history [len(users), n_items]."""
        scores: FloatArray = (history_matrix(data, users, phase) @ self._from_history).toarray()
        return scores


def shrunk_cosines(took: sparse.csr_matrix, shrinkage: float) -> sparse.coo_matrix:
    """Cosines of items by their users, with `shrinkage` added below; zero with themselves.

    Args:
        took: Users x items, 1 or 0.
        shrinkage: In the unit of users.

    Returns:
        Symmetric [n_items, n_items].
    """
    common = common_users(took)
    users = common.diagonal()
    common.setdiag(0)
    common.eliminate_zeros()
    pairs = common.tocoo()
    pairs.data = pairs.data / (np.sqrt(users[pairs.row] * users[pairs.col]) + np.float32(shrinkage))
    return pairs


def nearest(similar: sparse.coo_matrix, k: int) -> sparse.csr_matrix:
    """Keep the k largest entries of each row; of equal ones those earlier in the catalogue."""
    order = np.lexsort((similar.col, -similar.data, similar.row))
    rows = similar.row[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = order[place < k]
    entries = (similar.data[kept], (similar.row[kept], similar.col[kept]))
    return sparse.csr_matrix(entries, shape=similar.shape)
