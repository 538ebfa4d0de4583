"""What tends to follow what, and what the same people took: counted, not learned.

Of a domain's training prefixes. It holds what no text says, and a model that learns vectors forgets the rare
part of it.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray
from pulse_pipeline.thought_space.matrices import cosines, inverse, training_matrix

WINDOW = 3
"""Steps within which one item counts as following another."""

LAST = 3
"""How many of a user's latest items are looked at."""

DECAY = 0.5
"""Weight of an item relative to the next later one."""

KNN_WEIGHT = 0.2
"""Weight of the cosine beside the transitions."""


@dataclass(frozen=True)
class Followed:
    """What is added to scores for what follows the last items.

    Attributes:
        rows: Places of users [entries].
        columns: Items, ascending; no pair of row and column comes twice [entries].
        values: What is added [entries].
    """

    rows: IntArray
    columns: IntArray
    values: FloatArray


_NONE = np.empty(0, dtype=np.int64)
NOTHING_FOLLOWS = Followed(_NONE, _NONE, np.empty(0, dtype=np.float32))


class Following:
    """Sum over the last items i, weighted 1, 1/2, 1/4 from the newest, of P(j | i) + 0.2 cos(i, j).

    P counts how often j follows i within the window, a step of d counting 1/d, and divides by the sum
    of i's row. The cosine is that of item-kNN (Sarwar et al., WWW 2001): users of both over the root
    of the product of users of each; an item is no neighbour of itself.
    """

    def __init__(
        self,
        data: DomainData,
        *,
        window: int = WINDOW,
        last: int = LAST,
        decay: float = DECAY,
        knn_weight: float = KNN_WEIGHT,
    ) -> None:
        """Count transitions and common users in training prefixes; see the constants for the settings."""
        self._last, self._decay = last, decay
        prefixes = [data.sequences[user][:n] for user, n in enumerate(data.n_train)]
        owners = np.repeat(np.arange(len(prefixes)), data.n_train)
        items = np.concatenate([*prefixes, np.empty(0, dtype=np.int64)])
        neighbours = cosines(training_matrix(data))
        self._links = _transitions(owners, items, data.n_items, window) + knn_weight * neighbours

    def scores(self, histories: list[IntArray]) -> FloatArray:
        """Weighted sums over the last items of each history, oldest first [len(histories), n_items]."""
        scores: FloatArray = self._summed(histories, 1.0).toarray()
        return scores

    def entries(self, histories: list[IntArray], weight: float) -> Followed:
        """`weight` times these, where they are not 0."""
        counted = self._summed(histories, weight).tocoo()
        order = np.argsort(counted.col, kind="stable")
        return Followed(counted.row[order], counted.col[order], counted.data[order])

    def _summed(self, histories: list[IntArray], weight: float) -> sparse.csr_matrix:
        recent = [items[-self._last :][::-1] for items in histories]
        lengths = [len(items) for items in recent]
        ages = np.concatenate([np.arange(length) for length in lengths])
        rows = np.repeat(np.arange(len(recent)), lengths)
        entries = (weight * self._decay**ages, (rows, np.concatenate(recent)))
        shape = (len(recent), self._links.shape[0])
        query = sparse.csr_matrix(entries, shape=shape, dtype=np.float32)
        return query @ self._links


def _transitions(owners: IntArray, items: IntArray, n_items: int, window: int) -> sparse.csr_matrix:
    rows, columns, counts = [], [], []
    for step in range(1, window + 1):
        same_user = np.flatnonzero(owners[:-step] == owners[step:])
        rows.append(items[same_user])
        columns.append(items[same_user + step])
        counts.append(np.full(len(same_user), 1 / step, dtype=np.float32))
    pairs = (np.concatenate(rows), np.concatenate(columns))
    matrix = sparse.csr_matrix((np.concatenate(counts), pairs), shape=(n_items, n_items))
    return sparse.diags_array(inverse(matrix.sum(axis=1)), format="csr") @ matrix
