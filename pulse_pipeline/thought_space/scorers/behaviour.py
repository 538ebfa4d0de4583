"""What a user has done, as vectors that thoughts can be held against."""

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
