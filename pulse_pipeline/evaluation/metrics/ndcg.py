"""NDCG@k: a hit counts less the further down the list it stands."""

import numpy as np

from pulse_pipeline.thought_space.data import FloatArray, IntArray


def ndcg(ranks: IntArray, k: int) -> FloatArray:
    """Normalised discounted cumulative gain (Järvelin & Kekäläinen, TOIS 2002) of one target a user.

    With one relevant item the ideal gain is 1, so the gain is 1 / log2(rank + 1).

    Args:
        ranks: Ranks of the targets, from 1 [n_users].
        k: Length of the list.

    Returns:
        The gain where the target is in the list, else 0 [n_users]; the metric is the mean.
    """
    return np.where(ranks <= k, 1.0 / np.log2(ranks + 1.0), 0.0).astype(np.float32)
