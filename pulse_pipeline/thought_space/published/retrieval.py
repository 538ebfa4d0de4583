"""Whether the two sides find each other: retrieval among held-out users, nothing of whom was learned from."""

import numpy as np
import polars as pl

from pulse_pipeline.thought_space.data import FloatArray
from pulse_pipeline.thought_space.published.space import PublishedSpace

CUTOFFS = (1, 10)


def recalls(space: PublishedSpace, pairs: pl.DataFrame) -> dict[str, float]:
    """Share of pairs whose partner is among the k nearest, both ways; chance is k over their number.

    Args:
        space: The space.
        pairs: Columns `behaviour`, `rationale`.

    Returns:
        ``behaviour_to_rationale@k`` and ``rationale_to_behaviour@k``.
    """
    behaviours = space.vectors(space.behaviours, pairs["behaviour"].to_list())
    rationales = space.vectors(space.rationales, pairs["rationale"].to_list())
    cosines = behaviours @ rationales.T
    ways = {"behaviour_to_rationale": cosines, "rationale_to_behaviour": cosines.T}
    return {f"{name}@{k}": _recall(table, k) for name, table in ways.items() for k in CUTOFFS}


def _recall(cosines: FloatArray, k: int) -> float:
    """Ties are pessimistic: equal vectors for all find nothing."""
    ranks = (cosines >= cosines.diagonal()[:, None]).sum(axis=1)
    return float(np.mean(ranks <= k))
