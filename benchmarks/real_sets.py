"""Normalised Parquet of a real set as a domain, for benchmarks and for tests against published figures."""

from pathlib import Path

import numpy as np
import polars as pl

from pulse_pipeline.thought_space.data import DomainData


def leave_one_out(folder: Path, min_interactions: int) -> DomainData:
    """Read normalised Parquet into a domain without item vectors.

    Items and users with fewer interactions are dropped until none is left; users with less than
    three cannot be split and go too.
    """
    rows = pl.read_parquet(folder / "interactions.parquet").unique(
        ["user_id", "item_id"], keep="first", maintain_order=True
    )
    before = -1
    while len(rows) != before:
        before = len(rows)
        rows = rows.filter(
            (pl.len().over("item_id") >= min_interactions) & (pl.len().over("user_id") >= min_interactions)
        )
    item_ids = sorted(rows["item_id"].unique())
    index = pl.DataFrame({"item_id": item_ids, "item": np.arange(len(item_ids))})
    users = (
        rows.join(index, on="item_id")
        .sort("user_id", "position")
        .group_by("user_id", maintain_order=True)
        .agg("item")
        .filter(pl.col("item").list.len() >= 3)
    )
    lengths = users["item"].list.len().to_numpy().astype(np.int64)
    return DomainData(
        domain=folder.name,
        protocol="loo",
        user_ids=users["user_id"].to_list(),
        item_ids=item_ids,
        item_vectors=np.zeros((len(item_ids), 1), dtype=np.float32),
        sequences=[sequence.to_numpy() for sequence in users["item"]],
        n_train=lengths - 2,
        n_known=lengths - 1,
    )
