"""The k best by real scores, among more that are best by rough ones, and for whom that is certain."""

import numpy as np
from numpy.typing import NDArray

from pulse_pipeline.evaluation.selection import Best
from pulse_pipeline.thought_space.data import FloatArray, IntArray
from pulse_pipeline.thought_space.factors import RoughScores


def settled(kept: Best, rough: RoughScores, k: int) -> tuple[IntArray, FloatArray, NDArray[np.bool_]]:
    """Score in full what was kept.

    Args:
        kept: The best by rough scores, at least k of each row.
        rough: Those scores.
        k: How many are wanted.

    Returns:
        Columns and real scores of the k best of what was kept, best first, of equal ones the earlier column,
        -1 and -inf where there are fewer [m, k], [m, k]; and the rows in which no other can be among them,
        whatever the error [m].
    """
    real = np.where(kept.columns < 0, -np.inf, rough.real(kept.columns))
    order = np.lexsort((kept.columns, -real), axis=1)[:, :k]
    columns = np.take_along_axis(kept.columns, order, axis=1)
    scores = np.take_along_axis(real, order, axis=1)
    # What was not kept is no better by rough scores than the last that was; where fewer were kept than
    # could have been there is nothing else.
    sure = (scores[:, -1] > kept.scores[:, -1] + rough.error) | (kept.columns[:, -1] < 0)
    return columns, scores, sure
