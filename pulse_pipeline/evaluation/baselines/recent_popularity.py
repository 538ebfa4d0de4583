"""Recent popularity: everyone gets what people took last."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field

from pulse_pipeline.evaluation.baselines.config import BaselineConfig, Search
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.trend import SHARE, latest_counts


class RecentPopularityConfig(BaselineConfig):
    """What counts as recent."""

    search: ClassVar[Search] = {"share": (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)}

    share: float = Field(default=SHARE, gt=0, le=1)
    """Part of all training interactions, the latest, that counts where times are known."""

    last: int = Field(default=3, ge=1)
    """How many of each user's latest training items count where they are not."""


class RecentPopularity:
    """Items by how often they are among the latest training interactions.

    Those of all users by the calendar; where a set has order but no times, each user's latest. Ji et al.
    (SIGIR 2020) show how much popularity gains from looking at what is recent.
    """

    name = "recent popularity"

    def __init__(self, config: RecentPopularityConfig | None = None) -> None:
        """Choose the settings; defaults without."""
        self.config = config or RecentPopularityConfig()

    def fit(self, data: DomainData) -> Self:
        """Count the latest training items."""
        counts = latest_counts(data, self.config.share)
        self._counts = self._latest_of_each(data) if counts is None else counts
        return self

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """The counts, the same for every user [len(users), n_items]."""
        return np.broadcast_to(self._counts, (len(users), data.n_items))

    def _latest_of_each(self, data: DomainData) -> FloatArray:
        latest = [
            data.sequences[user][max(0, n - self.config.last) : n] for user, n in enumerate(data.n_train)
        ]
        items = np.concatenate([*latest, np.empty(0, dtype=np.int64)])
        return np.bincount(items, minlength=data.n_items).astype(np.float32)
