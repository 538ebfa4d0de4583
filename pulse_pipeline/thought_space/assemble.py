"""Tables to arrays: one domain under one protocol."""

import numpy as np
import polars as pl

from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Protocol, RationaleVectors

PROTOCOLS: tuple[Protocol, ...] = ("loo", "temporal")
SPLIT_COLUMNS: dict[Protocol, str] = {"loo": "split_loo", "temporal": "split_temporal"}


def has_protocol(interactions: pl.DataFrame, protocol: Protocol) -> bool:
    """Whether the domain can be split this way; a temporal split needs times."""
    return interactions[SPLIT_COLUMNS[protocol]].null_count() == 0


def assemble(
    domain: str,
    protocol: Protocol,
    interactions: pl.DataFrame,
    item_embeddings: pl.DataFrame,
    rationale_embeddings: pl.DataFrame | None = None,
) -> DomainData:
    """Build the arrays that training and evaluation read.

    Args:
        domain: The domain's name.
        protocol: Whose split to use.
        interactions: The `interactions` table.
        item_embeddings: The `item_embeddings` table; its order becomes the catalogue's.
        rationale_embeddings: The `rationale_embeddings` table of valid rationales, if any.

    Raises:
        ValueError: The protocol does not apply to this domain.
    """
    if not has_protocol(interactions, protocol):
        raise ValueError(f"{domain} has no times, so no {protocol} split")
    users = _users(interactions, item_embeddings, SPLIT_COLUMNS[protocol])
    rationales = (
        None if rationale_embeddings is None else _rationale_vectors(users, rationale_embeddings, item_embeddings)
    )
    return DomainData(
        domain=domain,
        protocol=protocol,
        user_ids=users["user_id"].to_list(),
        item_ids=item_embeddings["item_id"].to_list(),
        item_vectors=item_embeddings["vector"].to_numpy(),
        sequences=[np.asarray(sequence, dtype=np.int64) for sequence in users["sequence"].to_list()],
        n_train=_integers(users["n_train"]),
        n_known=_integers(users["n_known"]),
        rationales=rationales,
    )


def _users(interactions: pl.DataFrame, item_embeddings: pl.DataFrame, split: str) -> pl.DataFrame:
    """One row a user: item indices in order and how many of them are known at each phase."""
    index = item_embeddings.lazy().select("item_id").with_row_index("item")
    return (
        interactions.lazy()
        .join(index, on="item_id")
        .sort("user_id", "position")
        .group_by("user_id", maintain_order=True)
        .agg(
            sequence=pl.col("item"),
            n_train=(pl.col(split) == "train").sum(),
            n_known=(pl.col(split) != "test").sum(),
        )
        .collect()
    )


def _rationale_vectors(
    users: pl.DataFrame, rationale_embeddings: pl.DataFrame, item_embeddings: pl.DataFrame
) -> RationaleVectors:
    dimensions = item_embeddings["vector"].to_numpy().shape[1]

    def at(kind: str, before_last: int) -> FloatArray:
        wanted = users.select("user_id", target_position=(pl.col("n_train").cast(pl.Int32) - before_last))
        written = rationale_embeddings.filter(pl.col("kind") == kind).select(
            "user_id", "target_position", "vector"
        )
        found = wanted.join(written, on=["user_id", "target_position"], how="left", maintain_order="left")
        vectors = np.full((len(users), dimensions), np.nan, dtype=np.float32)
        present = found["vector"].is_not_null().to_numpy()
        vectors[present] = found["vector"].drop_nulls().to_numpy()
        return vectors

    return RationaleVectors(
        serving=at("foresight", 0), training=at("foresight", 1), hindsight=at("hindsight", 1)
    )


def _integers(column: pl.Series) -> IntArray:
    return column.cast(pl.Int64).to_numpy()
