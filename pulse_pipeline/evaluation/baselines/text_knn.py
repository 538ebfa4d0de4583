"""Text-kNN: items whose texts are like those of the history; no interaction of anyone else is used.

This is the baseline that a zero-shot model has to beat: it needs nothing from the target domain but
its item texts.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.geometry import unit

LAST = 10
NO_TEXT = -2.0  # below every cosine: an item of which nothing is known is never recommended first


class TextKNN:
    """Cosine between an item's text vector and the weighted mean of the last items' vectors.

    An item without text has a zero vector. It adds nothing to a user's mean, and its score is
    `NO_TEXT`, below all others.

    Attributes:
        centred: Whether the catalogue's mean vector is taken off first, so that what all texts of a
            domain share no longer counts.
        last: How many of the latest items make up the user.
        decay: Weight of an item relative to the next later one; 1 is the plain mean.
    """

    def __init__(self, *, centred: bool = True, last: int = LAST, decay: float = 1.0) -> None:
        """Choose the variant."""
        self.centred = centred
        self.last = last
        self.decay = decay

    @property
    def name(self) -> str:
        """``text-kNN`` or ``text-kNN centred``."""
        return "text-kNN centred" if self.centred else "text-kNN"

    def fit(self, data: DomainData) -> Self:
        """Take the catalogue's vectors; of interactions only which items there were before the cut."""
        vectors = unit(data.item_vectors)
        self._has_text: NDArray[np.bool_] = np.any(vectors != 0, axis=1)
        seen = self._has_text & data.listed
        if self.centred and seen.any():
            mean = vectors[seen].mean(axis=0)
            vectors = np.where(self._has_text[:, None], unit(vectors - mean), 0.0).astype(np.float32)
        self._vectors = vectors
        self._weights = (self.decay ** np.arange(self.last)[::-1]).astype(np.float32)
        return self

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Cosines in -1 to 1, and `NO_TEXT` for items without text [len(users), n_items]."""
        recent = [data.history(user, phase)[-self.last :] for user in users]
        means = np.stack([self._weights[self.last - len(items) :] @ self._vectors[items] for items in recent])
        scores: FloatArray = unit(means) @ self._vectors.T
        scores[:, ~self._has_text] = NO_TEXT
        return scores.astype(np.float32, copy=False)
