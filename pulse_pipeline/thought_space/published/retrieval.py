"""Whether the two sides find each other: retrieval among held-out users, nothing of whom was learned from."""

import polars as pl

from pulse_pipeline.thought_space import retrieval
from pulse_pipeline.thought_space.published.space import PublishedSpace


def recalls(space: PublishedSpace, pairs: pl.DataFrame) -> dict[str, float]:
    """What finds its partner among pairs.

    Args:
        space: The space.
        pairs: Columns `behaviour`, `rationale`.

    Returns:
        As `thought_space.retrieval.recalls`.
    """
    behaviours = space.vectors(space.behaviours, pairs["behaviour"].to_list())
    rationales = space.vectors(space.rationales, pairs["rationale"].to_list())
    return retrieval.recalls(behaviours, rationales)
