"""Users as examples: what they had, what was written of them, what is recommended, what they took."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from pulse_pipeline.evaluation.ranking import top_k, user_ranks
from pulse_pipeline.evaluation.report.inputs import Recommended, SampleUser
from pulse_pipeline.rationales.unfinished import as_read
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker

SAMPLES = 2
ITEMS = 5


def sample_users(
    data: DomainData, items: pl.DataFrame, why: Mapping[str, str], model: ThoughtSpace
) -> list[SampleUser]:
    """Users who have a rationale and a next item, spread over the domain and not chosen by any outcome.

    Args:
        data: The domain.
        items: The `items` table.
        why: Rationales by user id that have read no test item.
        model: The model that was trained on the domain alone.
    """
    users = np.array([user for user in data.evaluated_users("test") if data.user_ids[user] in why])
    if len(users) == 0:
        return []
    users = users[np.linspace(0, len(users) - 1, min(SAMPLES, len(users))).astype(int)]
    ranker = ThoughtSpaceRanker(model)
    top = top_k(ranker, data, users, "test", ITEMS)
    ranks = user_ranks(ranker, data, "test", users=users).ranks
    titles = _titles(data, items)
    return [
        SampleUser(
            domain=data.domain,
            user_id=data.user_ids[user],
            history=[titles[item] for item in data.history(user, "test")],
            rationale=as_read(why[data.user_ids[user]]),
            recommendations=[
                Recommended(titles[item], float(score), hit=item == data.target(user, "test"))
                for item, score in zip(top.items[place], top.scores[place], strict=True)
                if item >= 0
            ],
            train_mix=data.domain,
            next_title=titles[data.target(user, "test")],
            next_rank=int(ranks[place]),
            next_of=_ranked(data, user),
        )
        for place, user in enumerate(users)
    ]


def _ranked(data: DomainData, user: int) -> int:
    """How many items compete for this user: the catalogue without what is known of the user."""
    return data.n_items - len(np.setdiff1d(data.history(user, "test"), [data.target(user, "test")]))


def _titles(data: DomainData, items: pl.DataFrame) -> list[str]:
    names = dict(items.select("item_id", pl.coalesce("title", "item_id")).iter_rows())
    return [names[item] for item in data.item_ids]
