"""A world whose rationales are known: what users like, in vectors and in words."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pulse_pipeline.evaluation.explanations.served import Served
from tests.thought_space.conftest import planted


@dataclass
class LinearRanker:
    """Scores are the dot product of the item and what is said of the user, each without what all share."""

    says: np.ndarray
    name = "linear"

    def score(self, data, users, phase):
        said = self.says - self.says.mean(axis=0)
        items = data.item_vectors - data.item_vectors.mean(axis=0)
        return (said[users] @ items.T).astype(np.float32)


def spoken_of(n_users=120, **changes):
    """All users, each with a text of its own beside the planted vectors."""
    data = planted(n_users=n_users, **changes)
    texts = [f"User {user} likes calm things. They also like number {user}." for user in range(n_users)]
    return Served(data, np.arange(n_users), texts)


def with_rationales(served, vectors):
    data = served.data
    told = replace(data.rationales, serving=vectors.astype(np.float32))
    return Served(replace(data, rationales=told), served.users, served.texts)


def items(titles, texts=None):
    return pl.DataFrame(
        {
            "item_id": [f"i{n}" for n in range(len(titles))],
            "title": titles,
            "brand": None,
            "categories": [["Films"]] * len(titles),
            "text": texts or [title or "" for title in titles],
        },
        schema_overrides={"brand": pl.String, "title": pl.String},
    )
