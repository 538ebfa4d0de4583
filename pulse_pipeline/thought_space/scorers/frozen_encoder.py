"""Score thoughts by a sentence encoder as it is, nothing learned: a variant of the published method."""

import numpy as np
import polars as pl

from pulse_pipeline.embeddings.spec import Encoder
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.geometry import centred, measure
from pulse_pipeline.thought_space.scorers.behaviour import Histories

LAST = 10  # items of a history that make up the user, as in text-kNN


class FrozenEncoderScorer:
    """Cosine of the thoughts' vector and the mean of the last items' vectors, both centred."""

    def __init__(self, data: DomainData, encoder: Encoder) -> None:
        """Prepare a domain whose item vectors come from the same encoder."""
        self._histories, self._encoder = Histories(data), encoder
        self._centre = measure(data.item_vectors[data.listed]).centre
        self._items = centred(data.item_vectors, self._centre)

    def __call__(self, chains: pl.DataFrame) -> pl.Series:
        """Cosines, one a chain; 0 where nothing of the history has a text."""
        histories = self._histories.before(chains)
        users = np.stack([self._items[history[-LAST:]].sum(axis=0) for history in histories])
        lengths = np.linalg.norm(users, axis=1, keepdims=True)
        users = np.divide(users, lengths, out=np.zeros_like(users), where=lengths > 0)
        thoughts = centred(self._encoder.encode(chains["text"].to_list()), self._centre)
        return pl.Series("score", (users * thoughts).sum(axis=1), pl.Float64)
