"""EASE: the linear item-to-item model that has a closed form, and is hard to beat."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field
from scipy.linalg import lapack

from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.baselines.config import BaselineConfig, Search
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.matrices import common_users, history_matrix, training_matrix


class EASEConfig(BaselineConfig):
    """Regularisation, and how much memory the model may take."""

    search: ClassVar[Search] = {"l2": (10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0)}

    l2: float = Field(default=100.0, gt=0)
    """Weight of the squared weights; in the unit of users."""

    max_items: int = Field(default=15_000, ge=1)
    """Largest number of items in the model, the most often taken ones; the others score 0.

    While fitting, three matrices of 4 bytes x max_items squared are held, afterwards one: at most 2.7 GB
    and 0.9 GB."""


class EASE:
    r"""Weights B, zero on the diagonal, that best rebuild who took what from what else they took.

    .. math:: B_{ij} = -P_{ij} / P_{jj}, \quad P = (X^T X + \lambda I)^{-1}

    Source: Steck (WWW 2019).
    """

    name = "EASE"

    def __init__(self, config: EASEConfig | None = None) -> None:
        """Choose the settings; defaults without."""
        self.config = config or EASEConfig()

    def fit(self, data: DomainData) -> Self:
        """Solve for the weights from training prefixes."""
        took = training_matrix(data)
        users = np.asarray(took.sum(axis=0)).ravel()
        order = np.argsort(-users, kind="stable")[: self.config.max_items]
        self._kept = np.sort(order[users[order] > 0])
        self._weights = item_weights(common_users(took[:, self._kept]).toarray(), self.config.l2)
        return self

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Sums of weights over the whole history [len(users), n_items]."""
        scores = np.zeros((len(users), data.n_items), dtype=np.float32)
        scores[:, self._kept] = history_matrix(data, users, phase)[:, self._kept] @ self._weights
        return scores


def item_weights(gram: FloatArray, l2: float) -> FloatArray:
    """EASE's B of a Gram matrix, by Cholesky factors.

    Args:
        gram: X^T X, which is overwritten where memory order allows [n, n].
        l2: The regularisation.

    Returns:
        Weights from a row's item to a column's [n, n].

    Raises:
        PulseError: The regularised Gram matrix has no inverse in single precision.
    """
    n = len(gram)
    gram[np.diag_indices(n)] += np.float32(l2)
    # Symmetric, so the transpose is the same matrix in the memory order that LAPACK wants: no copy.
    factor, failed = lapack.spotrf(gram.T, lower=1, overwrite_a=1)
    if failed:
        raise PulseError(f"EASE: the Gram matrix cannot be inverted with l2 {l2}; raise it")
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(inverse, -1)
    scale = -1 / inverse.diagonal()
    lower += lower.T
    lower *= scale
    return lower
