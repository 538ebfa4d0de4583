"""Novelty@k: how surprising the recommended items are, in bits."""

import numpy as np

from pulse_pipeline.thought_space.data import FloatArray, IntArray


def novelty(lists: IntArray, counts: IntArray, n_users: int) -> FloatArray:
    """Mean self-information of the recommended (Zhou et al., PNAS 2010).

    An item that c of n users have carries log2((n + 1) / (c + 1)) bits; the added one keeps an item
    that nobody has finite.

    Args:
        lists: Recommended items, -1 where a list is short [n_evaluated, k].
        counts: Training interactions of each item [n_items].
        n_users: Users of the domain.

    Returns:
        Bits an item [n_evaluated], 0 for an empty list; the metric is the mean.
    """
    bits = np.log2((n_users + 1) / (np.minimum(counts, n_users) + 1))
    there = lists >= 0
    told = np.where(there, bits[lists], 0.0).sum(axis=1)
    return np.asarray(told / np.maximum(there.sum(axis=1), 1), dtype=np.float32)
