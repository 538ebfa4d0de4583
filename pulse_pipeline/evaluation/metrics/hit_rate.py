"""HR@k: the share of users whose target is among the first k."""

from pulse_pipeline.thought_space.data import FloatArray, IntArray


def hit_rate(ranks: IntArray, k: int) -> FloatArray:
    """Whether the next item is in the list.

    Args:
        ranks: Ranks of the targets, from 1 [n_users].
        k: Length of the list.

    Returns:
        1 where the target is in the list, else 0 [n_users]; the metric is the mean.
    """
    return (ranks <= k).astype("float32")
