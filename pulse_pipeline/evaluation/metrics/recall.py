"""Recall@k: the share of what a user chose later that the list holds."""

from pulse_pipeline.thought_space.data import FloatArray, IntArray


def recall(found: IntArray, wanted: IntArray) -> FloatArray:
    """All later items count, not only the next one.

    Under leave-one-out there is one, so that this equals HR; under the temporal protocol HR asks for
    the next item and recall for all that follow.

    Args:
        found: How many of a user's later items are among the first k [n_users].
        wanted: How many later items there are, at least 1 [n_users].

    Returns:
        Shares [n_users]; the metric is the mean.
    """
    return (found / wanted).astype("float32")
