"""The published score in the published space (arXiv 2510.08626, stage D): it looks at the answer."""

import polars as pl

from pulse_pipeline.rationales.histories import CUT
from pulse_pipeline.thought_space.published.pairs import BehaviourTexts
from pulse_pipeline.thought_space.published.space import PublishedSpace


class PublishedScorer:
    """Cosine of R(thoughts) and B(history with the chosen training item), by the two tuned encoders.

    It cannot run where the next item is not known, so never at serving, and teaches copying.
    """

    def __init__(self, space: PublishedSpace, interactions: pl.DataFrame, items: pl.DataFrame) -> None:
        """Prepare a domain.

        Args:
            space: Trained on the domain.
            interactions: The `interactions` table.
            items: The `items` table.
        """
        self._space = space
        self._texts = BehaviourTexts(interactions, items, space.config.budget)

    def __call__(self, chains: pl.DataFrame) -> pl.Series:
        """Cosines, one a chain.

        Raises:
            ValueError: The item at a chain's cut is no training item.
        """
        cuts = chains.select(CUT).unique(maintain_order=True)
        places = cuts.with_row_index("place")
        behaviours = self._space.vectors(self._space.behaviours, self._texts(cuts).to_list())
        thoughts = self._space.vectors(self._space.rationales, chains["text"].to_list())
        own = chains.select(CUT).join(places, on=CUT, how="left", maintain_order="left")["place"].to_numpy()
        return pl.Series("score", (behaviours[own] * thoughts).sum(axis=1), pl.Float64)
