"""The answer of `pulse explain`: what it holds and how it is told."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pulse_pipeline.evaluation.explanations.explainer import Evidence, Explainer
from pulse_pipeline.rationales.unfinished import as_read
from pulse_pipeline.thought_space.data import DomainData

UNUSED = "not part of the ranking, as it brought no gain on validation items"


def answer(
    explainer: Explainer,
    data: DomainData,
    user: int,
    item: int,
    *,
    titles: Mapping[str, str],
    rationale: str | None,
    inherited: bool,
) -> dict[str, Any]:
    """Why one item for one user, from the history and the rationale; names catalogue items only.

    Args:
        explainer: Explains the domain's model.
        data: The domain.
        user: Index of the user.
        item: Index of the item.
        titles: Titles by item id; an item without one is called by its id.
        rationale: What the language model wrote about the user.
        inherited: Whether it was written about somebody who chooses alike.
    """
    explanation = explainer.explain(user, item)
    history = data.sequences[user]
    has_it = item in history
    item_id = data.item_ids[item]
    return {
        "domain": data.domain,
        "user_id": data.user_ids[user],
        "item_id": item_id,
        "title": titles.get(item_id) or item_id,
        "already_has_it": has_it,
        "rank": explanation.rank,
        "rank_without_rationale": explanation.rank_without_rationale,
        # An item that the user has is ranked among the others and itself.
        "of_items": data.n_items - len(np.unique(history)) + int(has_it),
        "because_of": because(explanation.evidence, data, titles),
        "score": {name: round(part, 3) for name, part in explanation.score.items()},
        "rationale": rationale,
        "rationale_is_inherited": inherited,
        "rationale_weight": explainer.rationale_weight,
    }


def because(found: list[Evidence], data: DomainData, titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """Items of the history that speak for an item, as JSON."""
    named = ((data.item_ids[evidence.item], evidence.similarity) for evidence in found)
    return [
        {"item_id": item_id, "title": titles.get(item_id) or item_id, "similarity": round(similarity, 3)}
        for item_id, similarity in named
    ]


def lines(answered: Mapping[str, Any]) -> list[str]:
    """An `answer` as people read it."""
    told = [
        f"{answered['title']} ranks {answered['rank']} of {answered['of_items']} for {answered['user_id']}"
        f" ({answered['rank_without_rationale']} without the rationale).",
        f"Nearest in the history: {listed(answered['because_of'])}.",
        f"Its score: {_added_up(answered)}.",
        f"Rationale, in the words of the language model: {rationale(answered) or 'none yet'}",
    ]
    if answered["already_has_it"]:
        told.insert(1, "The user has it already.")
    return told


def _added_up(answered: Mapping[str, Any]) -> str:
    """The parts of a score; those that give the item nothing are left out."""
    score, why = answered["score"], " and why" if answered["rationale_weight"] else ""
    named = {
        "thought": f"from what the user does{why}",
        "item": "from the item alone",
        "following": "from what follows the last items",
        "trend": "from what is taken lately",
    }
    told = [f"{score[part]:.2f} {words}" for part, words in named.items() if score[part]]
    return ", ".join(told) or "0"


def listed(evidence: list[dict[str, Any]]) -> str:
    """What `because` gives, as people read it."""
    titles = (f"{item['title']} ({item['similarity']:.2f})" for item in evidence)
    return ", ".join(titles) or "nothing in the history"


def rationale(answered: Mapping[str, Any]) -> str:
    """An answer's rationale as people read it; empty where there is none."""
    if not answered["rationale"]:
        return ""
    origin = " (written for somebody who chooses alike)" if answered["rationale_is_inherited"] else ""
    silent = "" if answered["rationale_weight"] else f" ({UNUSED})"
    return f"{as_read(answered['rationale'])}{origin}{silent}"
