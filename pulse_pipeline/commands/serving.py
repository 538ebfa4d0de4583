"""``pulse recommend`` and ``pulse explain``: read the home, rank, say why. No language model is called."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pulse_pipeline.commands.tables import read_table
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.explanations.answering import answer, because
from pulse_pipeline.evaluation.explanations.explainer import Explainer
from pulse_pipeline.evaluation.ranking import serving_view, top_k
from pulse_pipeline.home import Home
from pulse_pipeline.rationales.latest import inheriting_users, latest_rationales
from pulse_pipeline.thought_space import checkpoint
from pulse_pipeline.thought_space.assemble import assemble
from pulse_pipeline.thought_space.data import DomainData, Protocol
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker

PROTOCOL: Protocol = (
    "loo"  # serving uses the model that has learned from all but the last two items of each user
)


@dataclass(frozen=True)
class Served:
    """A domain loaded for serving."""

    data: DomainData
    model: ThoughtSpace
    titles: dict[str, str]
    rationales: dict[str, str]
    inheriting: set[str]

    @cached_property
    def everything(self) -> DomainData:
        """The domain with all that its users have as their history."""
        return serving_view(self.data)

    @cached_property
    def ranker(self) -> ThoughtSpaceRanker:
        """The model, which prepares the catalogue once for all requests."""
        return ThoughtSpaceRanker(self.model)

    @cached_property
    def explainer(self) -> Explainer:
        """What says why, prepared likewise."""
        return Explainer(self.model, self.data)

    def user(self, user_id: str) -> int:
        """A user's index.

        Raises:
            PulseError: Nobody has this id.
        """
        try:
            return self.data.user_ids.index(user_id)
        except ValueError:
            examples = ", ".join(self.data.user_ids[:3])
            raise PulseError(
                f"{self.data.domain} has no user {user_id!r}; there are {examples} and others"
            ) from None

    def item(self, item_id: str) -> int:
        """An item's index.

        Raises:
            PulseError: Nothing has this id.
        """
        try:
            return self.data.item_ids.index(item_id)
        except ValueError:
            examples = ", ".join(self.data.item_ids[:3])
            raise PulseError(
                f"{self.data.domain} has no item {item_id!r}; there are {examples} and others"
            ) from None

    def title(self, item: int) -> str:
        """An item's title, or its id where it has none."""
        item_id = self.data.item_ids[item]
        return self.titles.get(item_id) or item_id


def load(home: Home, domain: str) -> Served:
    """Load a domain's tables and its own model.

    Raises:
        PulseError: A table or the model is not there yet.
    """
    interactions, embeddings, vectors = (
        read_table(home, name, domain) for name in ("interactions", "item_embeddings", "rationale_embeddings")
    )
    data = assemble(domain, PROTOCOL, interactions, embeddings, vectors)
    folder = home.models / domain / PROTOCOL
    if not folder.is_dir():
        raise PulseError(f"{domain} has no model yet: run `pulse run --domains {domain}`")
    rationales = read_table(home, "rationales", domain)
    items = read_table(home, "items", domain).select("item_id", "title")
    return Served(
        data=data,
        model=checkpoint.load(folder),
        titles={item: title for item, title in items.iter_rows() if title},
        rationales=latest_rationales(rationales),
        inheriting=inheriting_users(rationales),
    )


def recommend(served: Served, user_id: str, k: int) -> dict[str, Any]:
    """The best unseen items of a user, each with what speaks for it."""
    user = served.user(user_id)
    top = top_k(served.ranker, served.everything, np.array([user]), "test", k)
    items = [
        {
            "rank": rank,
            "item_id": served.data.item_ids[item],
            "title": served.title(item),
            "score": float(score),
            "because_of": because(served.explainer.evidence(user, int(item)), served.data, served.titles),
        }
        for rank, (item, score) in enumerate(zip(top.items[0], top.scores[0], strict=True), start=1)
        if item >= 0
    ]
    return {
        "domain": served.data.domain,
        "user_id": user_id,
        "rationale": served.rationales.get(user_id),
        "rationale_is_inherited": user_id in served.inheriting,
        "rationale_weight": served.explainer.rationale_weight,
        "recommendations": items,
    }


def explain(served: Served, user_id: str, item_id: str) -> dict[str, Any]:
    """Why one item for one user, from the history and the rationale; names catalogue items only."""
    return answer(
        served.explainer,
        served.data,
        served.user(user_id),
        served.item(item_id),
        titles=served.titles,
        rationale=served.rationales.get(user_id),
        inherited=user_id in served.inheriting,
    )
