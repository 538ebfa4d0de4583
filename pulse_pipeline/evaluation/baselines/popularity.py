"""Popularity: everyone gets what most people took."""

from typing import Self

import numpy as np

from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase


class Popularity:
    """Items by how often they occur in training prefixes."""

    name = "popularity"

    def fit(self, data: DomainData) -> Self:
        """Count the training interactions of each item."""
        self._counts = training_counts(data).astype(np.float32)
        return self

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """The counts, the same for every user [len(users), n_items]."""
        return np.broadcast_to(self._counts, (len(users), data.n_items))


def training_counts(data: DomainData) -> IntArray:
    """How often each item occurs in training prefixes [n_items]."""
    prefixes = [data.sequences[user][:n] for user, n in enumerate(data.n_train)]
    if not prefixes:
        return np.zeros(data.n_items, dtype=np.int64)
    return np.bincount(np.concatenate(prefixes), minlength=data.n_items)
