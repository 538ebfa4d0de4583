"""BM25: items whose texts share rare words with those of the history; no encoder, no interactions."""

from typing import Self

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase

LAST = 10
SATURATION = 1.2
LENGTH_SHARE = 0.75


class BM25:
    r"""The texts of the last items as a query against each item's text.

    .. math:: s_j = \sum_w q_w \log\Bigl(1 + \frac{N - n_w + .5}{n_w + .5}\Bigr)
              \frac{f_{wj} (k + 1)}{f_{wj} + k (1 - b + b\, l_j / \bar l)}

    with f how often word w is in item j's text, l its length, n how many of N texts hold w, q how many of the
    last 10 items' texts do. Source: Robertson & Zaragoza, Foundations and Trends in IR, 2009; k = 1.2,
    b = .75. The control of the claim that vectors of texts hold more than shared words.
    """

    name = "BM25"

    def __init__(self, texts: list[str]) -> None:
        """Take the text of each item, in the order of the catalogue; empty where there is none."""
        self._texts = texts

    def fit(self, data: DomainData) -> Self:
        """Count words; how rare one is, is told by texts that may be looked at as a whole."""
        if not any(text.strip() for text in self._texts):
            self._words = self._weights = sparse.csr_matrix((data.n_items, 1), dtype=np.float32)
            return self
        counts = CountVectorizer(token_pattern=r"(?u)\b\w+\b").fit_transform(self._texts).astype(np.float32)
        self._words = (counts > 0).astype(np.float32)
        listed = self._words[data.listed]
        holding = np.asarray(listed.sum(axis=0)).ravel()
        rarity = np.log1p((listed.shape[0] - holding + 0.5) / (holding + 0.5))
        lengths = np.asarray(counts.sum(axis=1)).ravel()
        usual = max(float(lengths[data.listed].mean()), 1e-9) if data.listed.any() else 1.0
        norm = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * lengths / usual)
        found = counts.tocoo()
        found.data = found.data * (SATURATION + 1) / (found.data + norm[found.row]) * rarity[found.col]
        self._weights = found.tocsr()
        return self

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Sums over the words of the last items [len(users), n_items]."""
        recent = [data.history(user, phase)[-LAST:] for user in users]
        rows = np.repeat(np.arange(len(recent)), [len(items) for items in recent])
        last = sparse.csr_matrix(
            (np.ones(len(rows), dtype=np.float32), (rows, np.concatenate(recent))),
            shape=(len(recent), data.n_items),
        )
        scores: FloatArray = (last @ self._words @ self._weights.T).toarray()
        return scores
