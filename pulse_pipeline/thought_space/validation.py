"""NDCG@10 on the validation items of a mix, small and fast, to choose an epoch by."""

import numpy as np
import torch
from torch import Tensor

from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker, Use

CUTOFF = 10
USERS_A_BATCH = 256


class Validation:
    """Ranks each validation item among the whole catalogue, seen items masked."""

    def __init__(
        self,
        model: ThoughtSpace,
        domains: list[DomainData],
        config: ThoughtSpaceConfig,
        *,
        told: bool = False,
    ) -> None:
        """Choose the users once, so that epochs compare, and prepare the domains that have any.

        Args:
            model: The model, which goes on learning.
            domains: What it is judged on.
            config: Names the most users of a domain, and the seed of the draw.
            told: Draw from the users who have a rationale to be served with.
        """
        self._model = model
        rng = np.random.default_rng(config.seed)
        drawn = [(data, _sample(data, config.validation_users, rng, told=told)) for data in domains]
        self._domains = [(data, users) for data, users in drawn if len(users)]
        self._spaces = {data.domain: model.space(data) for data, _ in self._domains}

    @property
    def names(self) -> list[str]:
        """The domains that have validation items."""
        return [data.domain for data, _ in self._domains]

    @property
    def has_dislikes(self) -> bool:
        """Whether users of any domain rated items low."""
        return any(data.disliked is not None for data, _ in self._domains)

    def ndcg(self) -> float:
        """Mean over the domains; 0 where there is none."""
        gains = self.gains(abroad=False, rationales="own")
        return float(np.mean([gain.mean() for gain in gains])) if gains else 0.0

    def gains(self, *, abroad: bool, rationales: Use) -> list[FloatArray]:
        """NDCG@10 of each user, a domain an array.

        Args:
            abroad: Treat the domains as foreign.
            rationales: Whose rationales are served.
        """
        ranker = ThoughtSpaceRanker(self._model, rationales=rationales, abroad=abroad, spaces=self._spaces)
        return [_gains(ranker, data, users) for data, users in self._domains]

    def domain_gains(self, domain: str, ranker: ThoughtSpaceRanker) -> list[FloatArray]:
        """NDCG@10 of each user of one domain; nothing where it has no validation items."""
        return [_gains(ranker, data, users) for data, users in self._domains if data.domain == domain]

    def ranker(self) -> ThoughtSpaceRanker:
        """The model as it is now, with the domains as they are prepared."""
        return ThoughtSpaceRanker(self._model, spaces=self._spaces)


def _gains(ranker: ThoughtSpaceRanker, data: DomainData, users: IntArray) -> FloatArray:
    found = []
    for start in range(0, len(users), USERS_A_BATCH):
        batch = users[start : start + USERS_A_BATCH]
        scores = torch.from_numpy(ranker.score(data, batch, "valid"))
        targets = torch.tensor([data.target(user, "valid") for user in batch])
        for row, user in enumerate(batch):
            seen = data.history(user, "valid")
            scores[row, torch.from_numpy(seen[seen != int(targets[row])])] = float("-inf")
        found.append(gain(ranks(scores, targets)))
    return np.asarray(torch.cat(found).numpy(), dtype=np.float32)


def ranks(scores: Tensor, targets: Tensor) -> Tensor:
    """Rank of each target, from 1; among equal scores the worst.

    Args:
        scores: Scores of all items [m, n].
        targets: Column of each target [m].

    Returns:
        Ranks [m].
    """
    return (scores >= scores.gather(1, targets[:, None])).sum(dim=1)


def gain(rank: Tensor) -> Tensor:
    """NDCG@10 of a single relevant item: 1 / log2(rank + 1) within the first ten, else 0 [m]."""
    return torch.where(rank <= CUTOFF, 1.0 / torch.log2(rank + 1.0), 0.0)


def _sample(data: DomainData, most: int, rng: np.random.Generator, *, told: bool) -> IntArray:
    users = data.evaluated_users("valid")
    if told:
        users = users[data.has_rationale[users]]
    return users if len(users) <= most else np.sort(rng.choice(users, most, replace=False))
