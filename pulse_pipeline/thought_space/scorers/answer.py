"""The published score (arXiv 2510.08626, stage D), for the faithful arm only: it looks at the answer."""

import polars as pl

from pulse_pipeline.embeddings.spec import Encoder
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scorers.behaviour import Histories
from pulse_pipeline.thought_space.scorers.thought_space import ThoughtSpaceScorer


class AnswerScorer:
    """Cosine of the thoughts and the behaviour that includes the chosen training item.

    It cannot run where the next item is not known, so never at serving, and teaches copying.
    """

    def __init__(self, model: ThoughtSpace, data: DomainData, encoder: Encoder) -> None:
        """Prepare a domain, as `ThoughtSpaceScorer` does."""
        self._scorer, self._histories = ThoughtSpaceScorer(model, data, encoder), Histories(data)

    def __call__(self, chains: pl.DataFrame) -> pl.Series:
        """Cosines, one a chain.

        Raises:
            ValueError: The item at a chain's cut is no training item.
        """
        return self._scorer.against(chains, self._histories.with_answers(chains))
