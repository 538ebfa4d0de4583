"""Text-kNN that weighs late items more; how much more is chosen on validation items."""

from typing import ClassVar, Self

from pydantic import Field

from pulse_pipeline.evaluation.baselines.config import BaselineConfig, Search
from pulse_pipeline.evaluation.baselines.text_knn import LAST, TextKNN
from pulse_pipeline.evaluation.validation import validation_ndcg, validation_users
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase


class RecencyTextKNNConfig(BaselineConfig):
    """What is tried."""

    search: ClassVar[Search] = {"last": (3, 5, 10, 20, 50)}

    decays: tuple[float, ...] = Field(default=(1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4), min_length=1)
    """Tried weights of an item relative to the next later one, mildest first (1 = plain mean)."""

    last: int = Field(default=LAST, ge=1)
    """How many of the latest items make up the user."""

    validation_users: int = Field(default=2000, ge=1)
    """Most users that a decay is tried on, a seeded sample."""

    seed: int = 0
    """Seed of the sample."""


class RecencyTextKNN:
    """Centred text-kNN whose user is a mean that decays with an item's age.

    Nothing is trained but one number, chosen by NDCG@10 on validation items; of equal decays the
    mildest is taken. What a learned model of recency and texts adds has to show against this.

    Attributes:
        config: The settings.
        decay: The decay that was chosen.
    """

    name = "text-kNN recency"

    def __init__(self, config: RecencyTextKNNConfig | None = None) -> None:
        """Choose the settings; defaults without."""
        self.config = config or RecencyTextKNNConfig()

    def fit(self, data: DomainData) -> Self:
        """Try every decay on validation items and keep the best."""
        users = validation_users(data, self.config.validation_users, self.config.seed)
        last = self.config.last
        tried = [TextKNN(last=last, decay=decay).fit(data) for decay in self.config.decays]
        self._best = max(tried, key=lambda one: validation_ndcg(one, data, users))
        self.decay = self._best.decay
        return self

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """As `TextKNN` with the chosen decay [len(users), n_items]."""
        return self._best.score(data, users, phase)
