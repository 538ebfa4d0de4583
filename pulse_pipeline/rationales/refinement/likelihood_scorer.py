"""Score thoughts by how well they foretell a choice, as the language model reads it."""

import polars as pl

from pulse_pipeline.rationales.engine import Reader
from pulse_pipeline.rationales.prompts import histories
from pulse_pipeline.rationales.spec import HistoryBudget
from pulse_pipeline.rationales.untrusted import plain

ASKED = "What a person chose, newest first:\n{history}\n\nWhat they look for: {thoughts}\n\nNext they chose:"


class LikelihoodScorer:
    """Length-normalised likelihood of the title of the last item before the cut.

    That item is the next training item for a history that ends before it. The thoughts have seen it; what
    is beyond the cut is not looked at. (A variant of the published method, arXiv 2510.08626.)
    """

    def __init__(
        self, interactions: pl.DataFrame, items: pl.DataFrame, budget: HistoryBudget, reader: Reader
    ) -> None:
        """Take a domain and a model."""
        self._interactions, self._items, self._budget, self._reader = interactions, items, budget, reader

    def __call__(self, chains: pl.DataFrame) -> pl.Series:
        """Mean log probability of a token of the title, one a chain."""
        cuts = chains.select("user_id", (pl.col("target_position") - 1).alias("target_position"))
        shown = histories(self._interactions, self._items, cuts.unique(), self._budget)
        titles = self._interactions.join(self._items.select("item_id", "title", "text"), on="item_id").select(
            "user_id",
            target_position="position",
            title=plain(pl.coalesce("title", "text"), self._budget.item_characters),
        )
        keys = ["user_id", "target_position"]
        rows = cuts.join(shown, on=keys, how="left", maintain_order="left").join(
            titles, on=keys, how="left", maintain_order="left"
        )
        prompts = [
            ASKED.format(history=history or "- nothing yet", thoughts=text)
            for history, text in zip(rows["history"], chains["text"], strict=True)
        ]
        continuations = [f" {title}" for title in rows["title"]]
        return pl.Series("score", self._reader.log_likelihood(prompts, continuations), pl.Float64)
