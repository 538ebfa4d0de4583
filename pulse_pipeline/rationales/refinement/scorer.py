"""What a tree asks of a scorer. Scorers stand one a file, those that need vectors in `thought_space`."""

from typing import Protocol

import polars as pl


class Scorer(Protocol):
    """Tells good chains of thoughts from bad ones."""

    def __call__(self, chains: pl.DataFrame) -> pl.Series:
        """Score chains.

        Args:
            chains: Columns `user_id`, `target_position` and `text`, the thoughts as one text.

        Returns:
            One number a chain, higher is better; within one user only the order counts.
        """
