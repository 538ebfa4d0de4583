"""NDCG@10 on validation items: what settings and epochs are chosen by."""

import numpy as np

from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.evaluation.ranking import Ranker, user_ranks
from pulse_pipeline.thought_space.data import DomainData, IntArray

METRIC, CUTOFF = "NDCG", 10


def validation_users(data: DomainData, most: int, seed: int) -> IntArray:
    """Users to validate on: all who have a validation item, or a seeded sample of them, ascending."""
    users = data.evaluated_users("valid")
    if len(users) <= most:
        return users
    return np.sort(np.random.default_rng(seed).choice(users, most, replace=False))


def validation_ndcg(ranker: Ranker, data: DomainData, users: IntArray) -> float:
    """Mean NDCG@10 of some users' validation items among all items they have not seen.

    Args:
        ranker: The model.
        data: The domain.
        users: Users who have a history and a validation item.

    Returns:
        0 where there is no user.
    """
    if not len(users):
        return 0.0
    ranks = user_ranks(ranker, data, "valid", users=users).ranks
    return float(METRICS[METRIC](ranks, CUTOFF).mean())
