"""Interactions as sparse matrices of users x items, and how alike two items are by their users."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pulse_pipeline.thought_space.data import DomainData, IntArray, Phase

Weights = NDArray[np.float32]


def training_matrix(data: DomainData) -> sparse.csr_matrix:
    """Which items each user took in training, 1 or 0 [n_users, n_items]."""
    return _took([data.sequences[user][:n] for user, n in enumerate(data.n_train)], data.n_items)


def history_matrix(data: DomainData, users: IntArray, phase: Phase) -> sparse.csr_matrix:
    """Which items each of some users has when `phase` begins, 1 or 0 [len(users), n_items]."""
    return _took([data.history(user, phase) for user in users], data.n_items)


def common_users(took: sparse.csr_matrix) -> sparse.csr_matrix:
    """How many users two items share; on the diagonal, how many each has [n_items, n_items]."""
    return (took.T @ took).tocsr()


def cosines(took: sparse.csr_matrix) -> sparse.csr_matrix:
    """Users of both items over the root of the product of users of each (Sarwar et al., WWW 2001).

    An item is no neighbour of itself.

    Args:
        took: Users x items, 1 or 0.

    Returns:
        Symmetric, zero on the diagonal [n_items, n_items].
    """
    common = common_users(took)
    scale = sparse.diags_array(np.sqrt(inverse(common.diagonal())), format="csr")
    common.setdiag(0)
    return scale @ common @ scale


def inverse(values: object) -> Weights:
    """1 / value, and 0 for 0 [n]."""
    flat = np.asarray(values, dtype=np.float32).ravel()
    return np.divide(1, flat, out=np.zeros_like(flat), where=flat > 0)


def _took(sequences: list[IntArray], n_items: int) -> sparse.csr_matrix:
    rows = np.repeat(np.arange(len(sequences)), [len(items) for items in sequences])
    columns = np.concatenate([*sequences, np.empty(0, dtype=np.int64)])
    ones = np.ones(len(columns), dtype=np.float32)
    took = sparse.csr_matrix((ones, (rows, columns)), shape=(len(sequences), n_items))
    took.data[:] = 1  # someone who took an item twice is still one user of it
    return took
