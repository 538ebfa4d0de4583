"""Ranking for people who arrive: what others took here who came from the same place, above all alike ones.

A newcomer has no history in the target, but people who came earlier have one on both sides. Each of them
votes with what they took here, weighted by how alike the two are in what they had in the source; the item
texts add what the newcomer's own history, or a rationale about it, says about the target's items directly.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pulse_pipeline.evaluation.arrivals import FOLDS, Arrivals, Mask
from pulse_pipeline.evaluation.baselines.popularity import training_counts
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.progress import track
from pulse_pipeline.thought_space import geometry
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.scoring import shuffled

Use = Literal["own", "none", "shuffled"]

BLOCK = 256  # people validated at once
SMALLEST_CHANCE = 1e-9  # of an item that nobody took


@dataclass(frozen=True)
class Weights:
    """What is fitted.

    Attributes:
        sharpness: Votes weigh exp(sharpness x cosine of what two had in the source); 0 counts all alike.
        everybody: Weight of popularity with everybody in the target, beside 1 of the votes.
        history: Weight of the cosine between an item's text and those of the history in the source.
        rationale: Weight of the cosine between an item's text and the rationale.
    """

    sharpness: float = 0.0
    everybody: float = 1.0
    history: float = 0.0
    rationale: float = 0.0


AMONG_ARRIVALS = Weights(everybody=0.0)
"""Popularity among those who came from the same place, which knows nothing of the one who comes."""

Grids = Sequence[tuple[str, tuple[float, ...]]]

GRIDS: Grids = (
    ("sharpness", (0.0, 2.0, 4.0, 8.0)),
    ("everybody", (1.0, 0.25, 4.0)),
    ("history", (0.0, 1.0, 2.0, 4.0, 8.0)),
    ("rationale", (0.0, 1.0, 2.0, 4.0, 8.0)),
)
"""The values tried of each weight, the mildest first, in the order in which weights are fitted."""


class SourceText:
    """Cosine between an item's text and the mean of those in the source, each domain centred by its own."""

    def __init__(self, arrivals: Arrivals) -> None:
        """Centre both catalogues."""
        self.name = "text-kNN from the source"
        source, self.items = _centred(arrivals.source), _centred(arrivals.target)
        self._row = {int(user): row for row, user in enumerate(arrivals.people)}
        self.had = geometry.unit(np.stack([source[items].mean(axis=0) for items in arrivals.told]))

    def rows(self, users: IntArray) -> IntArray:
        """Which of the people some users of the target are [len(users)]."""
        return np.array([self._row[user] for user in users], dtype=np.int64)

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Cosines [len(users), n_items]."""
        return self.had[self.rows(users)] @ self.items.T


class Crossing:
    """Scores log(votes of alike people + everybody x popularity) + text cosines.

    score(j) = log(sum_v w(u, v) y(v, j) + everybody p(j)) + history cos(h_u, j) + rationale cos(r_u, j),
    w(u, v) = exp(sharpness cos(h_u, h_v)): a Nadaraya-Watson estimate over the people who came before, as in
    user-kNN across domains (Winoto & Tang, New Generation Computing 2008). y(v, j) is 1 over the root of how
    many items v took; votes and p are scaled to sum to 1 over items. h is the mean of the item vectors in the
    source, centred by the source's texts; an item's vector is centred by the target's.

    Attributes:
        name: What the results call it.
        weights: As fitted.
    """

    def __init__(
        self,
        name: str,
        arrivals: Arrivals,
        rationales: Use = "own",
        seed: int = 0,
        weights: Weights | None = None,
        *,
        grids: Grids = GRIDS,
    ) -> None:
        """Choose the weights by cross-validation over those who are no test, then count all of them.

        One weight after the other is set to the value with the best NDCG@10, the mildest of equals.

        Args:
            name: What the results call it.
            arrivals: The people.
            rationales: Each one's own, none, or another's (a control).
            seed: Seed of the shuffle.
            weights: Takes these and fits none.
            grids: The values tried of each weight; those of others stay as `Weights` has them.
        """
        self.name = name
        self._texts = SourceText(arrivals)
        self._written = _reasons(arrivals, rationales, seed)
        self.weights = weights or Weights()
        if weights is None:
            self._fit(arrivals, grids)
        self._count(arrivals, arrivals.tested, arrivals.door(arrivals.tested))

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Score the target for people who stand at its door [len(users), n_items]."""
        weights, had, items = self.weights, self._texts.had, self._texts.items
        rows = self._texts.rows(users)
        alike = np.exp(weights.sharpness * (had[rows] @ had[self._known].T))
        votes = _shares(alike @ self._took)
        scores = np.log(votes + weights.everybody * self._popular + SMALLEST_CHANCE)
        about = weights.history * had[rows] + weights.rationale * self._written[rows]
        return np.asarray(scores + about @ items.T, dtype=np.float32)

    def _fit(self, arrivals: Arrivals, grids: Grids) -> None:
        folds = [arrivals.folds == fold for fold in range(FOLDS)]
        parts = [(fold, arrivals.door(fold | arrivals.tested)) for fold in folds if fold.any()]
        grids = [(name, values) for name, values in grids if name != "rationale" or self._written.any()]
        label = f"{self.name} {arrivals.source.domain} to {arrivals.target.domain}"
        with track(label, sum(len(values) for _, values in grids), "settings") as progress:
            for name, values in grids if parts else []:
                tried = [replace(self.weights, **{name: value}) for value in values]
                found = []
                for self.weights in tried:
                    found.append(self._validated(arrivals, parts))
                    progress.advance()
                self.weights = tried[int(np.argmax(found))]

    def _validated(self, arrivals: Arrivals, parts: Sequence[tuple[Mask, DomainData]]) -> float:
        ranks = []
        for fold, door in parts:
            self._count(arrivals, fold | arrivals.tested, door)
            for block in np.array_split(np.flatnonzero(fold), -(-int(fold.sum()) // BLOCK)):
                scores = self.score(door, arrivals.people[block], "test")
                chosen = scores[np.arange(len(block)), arrivals.chosen[block]]
                ranks.append((scores >= chosen[:, None]).sum(axis=1))
        return float(METRICS["NDCG"](np.concatenate(ranks), 10).mean())

    def _count(self, arrivals: Arrivals, unknown: Mask, door: DomainData) -> None:
        self._known = np.flatnonzero(~unknown)
        taken = [door.sequences[user][: door.n_train[user]] for user in arrivals.people[self._known]]
        lengths = np.array([len(items) for items in taken], dtype=np.int64)
        values = np.repeat(1 / np.sqrt(lengths.clip(min=1)), lengths)
        places = (np.repeat(np.arange(len(taken)), lengths), np.concatenate([*taken, np.empty(0, np.int64)]))
        self._took = sparse.csr_matrix((values, places), shape=(len(taken), door.n_items))
        self._popular = _shares(training_counts(door).astype(np.float64))


def _reasons(arrivals: Arrivals, use: Use, seed: int) -> FloatArray:
    """Unit vectors of rationales, zero rows where there is none [n, d]."""
    vectors, zero = arrivals.rationales, np.zeros_like(arrivals.rationales)
    there = np.logical_not(np.isnan(vectors).any(axis=1))
    learned = there & ~arrivals.tested
    if use == "none" or not learned.any():
        return zero
    # What all rationales share is phrasing; of the test part's not even the mean is looked at.
    centre = vectors[learned].mean(axis=0)
    used = shuffled(vectors, seed) if use == "shuffled" else vectors
    return np.where(there[:, None], geometry.unit(np.nan_to_num(used) - centre), zero)


def _centred(data: DomainData) -> FloatArray:
    return geometry.centred(data.item_vectors, geometry.measure(data.item_vectors[data.listed]).centre)


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True).clip(min=1e-12))
