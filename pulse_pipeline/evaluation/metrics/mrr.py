"""MRR@k: the mean of one over the target's place, cut off at k."""

import numpy as np

from pulse_pipeline.thought_space.data import FloatArray, IntArray


def mrr(ranks: IntArray, k: int) -> FloatArray:
    """Reciprocal rank, 0 beyond the list's end.

    Args:
        ranks: Ranks of the targets, from 1 [n_users].
        k: Length of the list.

    Returns:
        1 / rank where the target is in the list, else 0 [n_users]; the metric is the mean.
    """
    return np.where(ranks <= k, 1.0 / ranks, 0.0).astype(np.float32)
