"""How the published tree of thoughts is grown (arXiv 2510.08626, stage D).

Its prompt also names what similar users chose, and it samples from the 51 likeliest tokens; ours shows the
history alone, and the nucleus of .95 leaves little beyond them.
"""

import polars as pl

from pulse_pipeline.rationales.cuts import learned_positions
from pulse_pipeline.rationales.spec import RationaleSettings, Refinement, Sampling, TreeShape

SHAPE = TreeShape(breadth=3, depth=3, beam=2)
SAMPLING = Sampling(temperature=1.0, top_p=0.95, max_tokens=61, min_characters=20, max_characters=150)


def as_published(settings: RationaleSettings) -> RationaleSettings:
    """The same model and prompts, grown and sampled as published."""
    refinement = Refinement(
        shape=SHAPE, sampling=SAMPLING, prompt=settings.refinement.prompt, scorer=settings.refinement.scorer
    )
    return settings.model_copy(update={"refinement": refinement})


def answered_cuts(interactions: pl.DataFrame) -> pl.DataFrame:
    """Where chains can be held against an answer: before the training item that rationales speak about.

    Args:
        interactions: The `interactions` table, or the part of it that `cuts.drawn_users` gives.

    Returns:
        Columns `user_id`, `kind`, `target_position`.
    """
    return (
        learned_positions(interactions)
        .select("user_id", pl.lit("refined").alias("kind"), pl.col("spoken").alias("target_position"))
        .sort("user_id")
    )
