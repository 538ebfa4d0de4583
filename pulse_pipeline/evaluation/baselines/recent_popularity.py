"""Recent popularity: everyone gets what people took last."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field

from pulse_pipeline.evaluation.baselines.config import BaselineConfig, Search
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase


class RecentPopularityConfig(BaselineConfig):
    """What counts as recent."""

    search: ClassVar[Search] = {"last": (1, 2, 3, 5, 10)}

    last: int = Field(default=3, ge=1)
    """How many of each user's latest training items count."""


class RecentPopularity:
    """Items by how often they are among the latest training items of a user.

    Recent is a user's latest, not the calendar's: sets that have order but no times have it too.
    Ji et al. (SIGIR 2020) show how much popularity gains from looking at what is recent.
    """

    name = "recent popularity"

    def __init__(self, config: RecentPopularityConfig | None = None) -> None:
        """Choose the settings; defaults without."""
        self.config = config or RecentPopularityConfig()

    def fit(self, data: DomainData) -> Self:
        """Count each user's latest training items."""
        latest = [
            data.sequences[user][max(0, n - self.config.last) : n] for user, n in enumerate(data.n_train)
        ]
        items = np.concatenate([*latest, np.empty(0, dtype=np.int64)])
        self._counts = np.bincount(items, minlength=data.n_items).astype(np.float32)
        return self

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """The counts, the same for every user [len(users), n_items]."""
        return np.broadcast_to(self._counts, (len(users), data.n_items))
