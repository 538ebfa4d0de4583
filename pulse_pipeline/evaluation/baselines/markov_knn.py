"""Markov+KNN: what tends to follow the last items, and what the same people took.

Nothing is trained, and it is better than many published models.
"""

from typing import ClassVar, Self

from pydantic import Field

from pulse_pipeline.evaluation.baselines.config import BaselineConfig, Search
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.following import DECAY, KNN_WEIGHT, LAST, WINDOW, Following


class MarkovKNNConfig(BaselineConfig):
    """How far following reaches, and how much the items of the same people count beside it."""

    search: ClassVar[Search] = {
        "window": (1, 2, 3, 5),
        "last": (1, 2, 3, 5, 10),
        "decay": (0.3, 0.5, 0.7, 0.9),
        "knn_weight": (0.0, 0.1, 0.2, 0.5, 1.0),
    }

    window: int = Field(default=WINDOW, ge=1)
    """Steps within which one item counts as following another."""

    last: int = Field(default=LAST, ge=1)
    """How many of a user's latest items are looked at."""

    decay: float = Field(default=DECAY, gt=0, le=1)
    """Weight of an item relative to the next later one."""

    knn_weight: float = Field(default=KNN_WEIGHT, ge=0)
    """Weight of the cosine beside the transitions."""


class MarkovKNN:
    """The counts of `thought_space.following`, alone."""

    name = "Markov+KNN"

    def __init__(self, config: MarkovKNNConfig | None = None) -> None:
        """Choose the settings; defaults without."""
        self.config = config or MarkovKNNConfig()

    def fit(self, data: DomainData) -> Self:
        """Count transitions and common users in training prefixes."""
        self._following = Following(data, **self.config.model_dump())
        return self

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Weighted sums over the last items [len(users), n_items]."""
        return self._following.scores([data.history(user, phase) for user in users])
