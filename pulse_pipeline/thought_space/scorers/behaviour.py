"""What a user has done, as vectors that thoughts can be held against."""

import numpy as np
import polars as pl

from pulse_pipeline.thought_space.data import DomainData, IntArray


class Histories:
    """Finds the history that a chain of thoughts was written from."""

    def __init__(self, data: DomainData) -> None:
        """Index a domain's users."""
        self._data = data
        self._row = {user: row for row, user in enumerate(data.user_ids)}

    def before(self, chains: pl.DataFrame) -> list[IntArray]:
        """Item indices before each chain's cut, oldest first."""
        cuts = chains.select("user_id", "target_position").iter_rows()
        return [self._data.sequences[self._row[user]][:cut] for user, cut in cuts]

    def with_answers(self, chains: pl.DataFrame) -> list[IntArray]:
        """The same with the item that was chosen at the cut.

        Raises:
            ValueError: A cut's item is no training item: it must not be looked at.
        """
        rows = np.array([self._row[user] for user in chains["user_id"]], dtype=np.int64)
        cuts = chains["target_position"].to_numpy()
        if (cuts >= self._data.n_train[rows]).any():
            raise ValueError("only training items may be looked at as answers")
        return [self._data.sequences[row][: cut + 1] for row, cut in zip(rows, cuts, strict=True)]
