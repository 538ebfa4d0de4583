"""Why this item for this user: what of the history and of the rationale speaks for it."""

from dataclasses import dataclass

import numpy as np

from pulse_pipeline.evaluation.ranking import serving_view
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker, Use

MOST_REASONS = 3


@dataclass(frozen=True)
class Evidence:
    """One item of the user's history that speaks for the explained item.

    Attributes:
        item: Index of the history's item.
        similarity: Cosine of the two items in the Thought Space.
    """

    item: int
    similarity: float


@dataclass(frozen=True)
class Explanation:
    """Why an item is ranked where it is.

    Attributes:
        item: Index of the item.
        rank: Its place among the user's unseen items, from 1.
        rank_without_rationale: Its place if the user had no rationale.
        evidence: Items of the history that are most like it, nearest first; none if none is.
        score: What its score is made of, by the names of `scoring.Parts`.
    """

    item: int
    rank: int
    rank_without_rationale: int
    evidence: list[Evidence]
    score: dict[str, float]


class Explainer:
    """Explains the ranking of one model in one domain, from everything that its users have."""

    def __init__(self, model: ThoughtSpace, data: DomainData) -> None:
        """Prepare a domain for serving."""
        self._data = serving_view(data)
        self._rankers = {use: ThoughtSpaceRanker(model, rationales=use) for use in ("own", "none")}
        items = self._rankers["own"].item_matrix(self._data)
        norms = np.linalg.norm(items, axis=1, keepdims=True)
        self._items = np.divide(items, norms, out=np.zeros_like(items), where=norms > 0)

        self.rationale_weight = self._rankers["own"].rationale_weight(self._data)
        """How much of what the model lets in of rationales enters the ranking; 0 where they pay nothing."""

    def explain(self, user: int, item: int) -> Explanation:
        """Explain one item for one user.

        Args:
            user: Index of the user.
            item: Index of the item.
        """
        return Explanation(
            item=item,
            rank=self._rank("own", user, item),
            rank_without_rationale=self._rank("none", user, item),
            evidence=self.evidence(user, item),
            score=self._score(user, item),
        )

    def evidence(self, user: int, item: int) -> list[Evidence]:
        """Items of the user's history that are most like an item, nearest first."""
        history = np.unique(self._data.sequences[user])
        # An item does not speak for itself, and what is unlike it speaks against it.
        history = history[history != item]
        similarity = self._items[history] @ self._items[item]
        nearest = np.argsort(-similarity, kind="stable")[:MOST_REASONS]
        nearest = nearest[similarity[nearest] > 0]
        return [Evidence(int(history[place]), float(similarity[place])) for place in nearest]

    def _score(self, user: int, item: int) -> dict[str, float]:
        parts = self._rankers["own"].parts(self._data, user, "test")
        return {name: float(scores[item]) for name, scores in vars(parts).items()}

    def _rank(self, use: Use, user: int, item: int) -> int:
        scores = self._rankers[use].score(self._data, np.array([user]), "test")[0]
        ahead = scores > scores[item]
        ahead[self._data.sequences[user]] = False
        return int(ahead.sum()) + 1
