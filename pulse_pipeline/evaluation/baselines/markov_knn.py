"""Markov+KNN: what tends to follow the last items, and what the same people took.

Nothing is trained, and it is better than many published models.
"""

from typing import Self

from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.following import Following


class MarkovKNN:
    """The counts of `thought_space.following`, alone."""

    name = "Markov+KNN"

    def fit(self, data: DomainData) -> Self:
        """Count transitions and common users in training prefixes."""
        self._following = Following(data)
        return self

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Weighted sums over the last items [len(users), n_items]."""
        return self._following.scores([data.history(user, phase) for user in users])
