"""The control: chains are scored by chance, so that what is left is the gain of sampling more."""

import polars as pl

from pulse_pipeline.provenance import text_hash


def random_scorer(chains: pl.DataFrame) -> pl.Series:
    """Score by a hash of the text: the same on every run, and nothing to do with what it says."""
    return pl.Series("score", [int(text_hash(text)[:8], 16) / 2**32 for text in chains["text"]], pl.Float64)
