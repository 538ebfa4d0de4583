"""Tables to arrays: one domain under one protocol."""

import numpy as np
import polars as pl

from pulse_pipeline.rationales.cuts import spoken_positions
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Protocol, RationaleVectors

PROTOCOLS: tuple[Protocol, ...] = ("loo", "temporal")
SPLIT_COLUMNS: dict[Protocol, str] = {"loo": "split_loo", "temporal": "split_temporal"}


def has_protocol(interactions: pl.DataFrame, protocol: Protocol) -> bool:
    """Whether the domain can be split this way.

    A temporal split needs times, and a user on both sides of the cut: without one there is nobody to
    evaluate.
    """
    split = SPLIT_COLUMNS[protocol]
    if protocol == "loo":
        return True
    if interactions[split].null_count():
        return False
    later = pl.col(split) == "test"
    both = interactions.group_by("user_id").agg(later.any() & ~later.all())
    return bool(both[split].any())


def assemble(
    domain: str,
    protocol: Protocol,
    interactions: pl.DataFrame,
    item_embeddings: pl.DataFrame,
    rationale_embeddings: pl.DataFrame | None = None,
    *,
    texts_only: bool = False,
) -> DomainData:
    """Build the arrays that training and evaluation read.

    Args:
        domain: The domain's name.
        protocol: Whose split to use.
        interactions: The `interactions` table.
        item_embeddings: The `item_embeddings` table; its order becomes the catalogue's.
        rationale_embeddings: The `rationale_embeddings` table of valid rationales, if any.
        texts_only: Leave out what the LM thought of items where it, or that there is any, tells what people
            did here, which a model that comes from elsewhere must not know.

    Raises:
        ValueError: The protocol does not apply to this domain.
    """
    if interactions[SPLIT_COLUMNS[protocol]].null_count():
        raise ValueError(f"{domain} has no times, so no {protocol} split")
    users = _users(interactions, item_embeddings, SPLIT_COLUMNS[protocol])
    item_vectors = item_embeddings["vector"].to_numpy()
    rationales = (
        None
        if rationale_embeddings is None
        else _rationale_vectors(users, rationale_embeddings, item_vectors.shape[1])
    )
    return DomainData(
        domain=domain,
        protocol=protocol,
        user_ids=users["user_id"].to_list(),
        item_ids=item_embeddings["item_id"].to_list(),
        item_vectors=item_vectors,
        sequences=[np.asarray(sequence, dtype=np.int64) for sequence in users["sequence"].to_list()],
        n_train=_integers(users["n_train"]),
        n_known=_integers(users["n_known"]),
        rationales=rationales,
        item_thoughts=_item_thoughts(item_embeddings, texts_only),
        disliked=_disliked(users["disliked"]),
        times=_times(users["times"]),
    )


def _users(interactions: pl.DataFrame, item_embeddings: pl.DataFrame, split: str) -> pl.DataFrame:
    """One row a user: item indices in order, how many are known at each phase, which were rated low.

    A rating is low below the middle of the scale that training items were rated on.
    """
    index = item_embeddings.lazy().select("item_id").with_row_index("item")
    given = pl.col("rating").filter(pl.col(split) == "train")
    low = pl.lit(interactions.select((given.min() + given.max()) / 2).item(), pl.Float32)
    return (
        interactions.lazy()
        .join(index, on="item_id")
        .sort("user_id", "position")
        .group_by("user_id", maintain_order=True)
        .agg(
            sequence=pl.col("item"),
            n_train=(pl.col(split) == "train").sum(),
            n_known=(pl.col(split) != "test").sum(),
            disliked=pl.col("item").filter(pl.col("rating") < low),
            times=pl.col("timestamp"),
        )
        .join(spoken_positions(interactions).lazy(), on="user_id", how="left", maintain_order="left")
        # Under a protocol that does not train on the item, what was written about it stays unread.
        .with_columns(spoken=pl.when(pl.col("spoken") < pl.col("n_train")).then("spoken").fill_null(-1))
        .collect()
    )


def _disliked(items: pl.Series) -> list[IntArray] | None:
    if not items.list.len().sum():
        return None
    return [np.asarray(one, dtype=np.int64) for one in items.to_list()]


def _times(times: pl.Series) -> list[IntArray] | None:
    if times.explode().null_count():
        return None
    return [np.asarray(one, dtype=np.int64) for one in times.to_list()]


def _item_thoughts(item_embeddings: pl.DataFrame, texts_only: bool) -> FloatArray | None:
    """Vectors of what was written about items, NaN rows for items without; None where there is nothing."""
    needed = {"thought", "text_alone"} if texts_only else {"thought"}
    if not needed <= set(item_embeddings.columns):
        return None
    present = item_embeddings["thought"].is_not_null()
    if texts_only:
        present &= item_embeddings["text_alone"].fill_null(value=False)
    thoughts = item_embeddings["thought"].filter(present)
    return _spread(thoughts, present, thoughts.to_numpy().shape[1]) if present.any() else None


def _rationale_vectors(
    users: pl.DataFrame, rationale_embeddings: pl.DataFrame, dimensions: int
) -> RationaleVectors:
    def written(kind: str, positions: pl.Expr) -> FloatArray:
        wanted = users.select("user_id", target_position=positions.cast(pl.Int32))
        texts = rationale_embeddings.filter(pl.col("kind") == kind)
        keys = ["user_id", "target_position"]
        found = wanted.join(texts.select(*keys, "vector"), on=keys, how="left", maintain_order="left")
        return _spread(found["vector"].drop_nulls(), found["vector"].is_not_null(), dimensions)

    return RationaleVectors(
        serving=written("foresight", pl.col("n_train")),
        training=written("foresight", pl.col("spoken")),
        hindsight=written("hindsight", pl.col("spoken")),
        spoken=_integers(users["spoken"]),
    )


def _spread(vectors: pl.Series, rows: pl.Series, dimensions: int) -> FloatArray:
    """Put vectors, an Array column, into the rows that are true; the others are NaN."""
    spread = np.full((len(rows), dimensions), np.nan, dtype=np.float32)
    if len(vectors):
        spread[rows.to_numpy()] = vectors.to_numpy()
    return spread


def _integers(column: pl.Series) -> IntArray:
    return column.cast(pl.Int64).to_numpy()
