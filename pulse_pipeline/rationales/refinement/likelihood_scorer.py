"""Score thoughts by how well they foretell a choice, as the language model reads it."""

import polars as pl

from pulse_pipeline.rationales.engine import Reader
from pulse_pipeline.rationales.histories import CUT, Histories
from pulse_pipeline.rationales.spec import HistoryBudget

HELD_BACK = 1
ASKED = "What a person chose, newest first:\n{history}\n\nWhat they look for: {thoughts}\n\nNext they chose:"


class LikelihoodScorer:
    """Length-normalised likelihood of the title of the last item before the cut.

    It is the next training item for thoughts that were written without it: their prompts hold `HELD_BACK`
    items back. What is beyond the cut is not looked at. (After arXiv 2510.08626, stage D.)
    """

    def __init__(
        self, interactions: pl.DataFrame, items: pl.DataFrame, budget: HistoryBudget, reader: Reader
    ) -> None:
        """Take a domain and a model."""
        self._histories, self._reader = Histories(interactions, items, budget), reader

    def __call__(self, chains: pl.DataFrame) -> pl.Series:
        """Mean log probability of a token of the title, one a chain."""
        cuts = chains.select("user_id", (pl.col("target_position") - HELD_BACK).alias("target_position"))
        before, chosen = self._histories.before(cuts), self._histories.at(cuts)
        rows = cuts.join(before, on=CUT, how="left", maintain_order="left").join(
            chosen, on=CUT, how="left", maintain_order="left"
        )
        prompts = [
            ASKED.format(history=history or "- nothing yet", thoughts=text)
            for history, text in zip(rows["history"], chains["text"], strict=True)
        ]
        continuations = [f" {name}" for name in rows["name"]]
        return pl.Series("score", self._reader.log_likelihood(prompts, continuations), pl.Float64)
