"""Ranks as a table: what two runs are compared by, user by user."""

from collections.abc import Iterable

import polars as pl

from pulse_pipeline.evaluation.evaluate import Evaluated
from pulse_pipeline.schemas import ModelRanks
from pulse_pipeline.thought_space.data import DomainData


def rank_table(evaluated: Iterable[Evaluated], data: DomainData) -> pl.DataFrame:
    """Lay the ranks of models out as a `schemas.ModelRanks` table.

    Args:
        evaluated: Models on the domain's test targets.
        data: The domain, under the protocol they were evaluated by.
    """
    tables = [ModelRanks.create_empty(), *(_ranks_of(one, data) for one in evaluated)]
    return ModelRanks.validate(pl.concat(tables))


def _ranks_of(one: Evaluated, data: DomainData) -> pl.DataFrame:
    identity = one.metrics.row(0, named=True)
    users = one.ranks.users
    frame = pl.DataFrame(
        {
            "user_id": [data.user_ids[user] for user in users],
            "item_id": [data.item_ids[data.target(user, "test")] for user in users],
            "rank": one.ranks.ranks,
        }
    ).with_columns(
        pl.lit(identity[name]).alias(name) for name in ("dataset", "protocol", "model", "train_mix", "seed")
    )
    return ModelRanks.validate(frame.select(ModelRanks.column_names()), cast=True)
