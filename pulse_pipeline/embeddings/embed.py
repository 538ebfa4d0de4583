"""Vectors of texts: each distinct text is encoded once, ever, for one encoder revision."""

from pathlib import Path

import polars as pl

from pulse_pipeline.embeddings.spec import Encoder, EncoderSpec
from pulse_pipeline.progress import track
from pulse_pipeline.shards import ShardStore

BATCH_TEXTS = 512  # what a killed run can lose at most


def vector_store(cache: Path, spec: EncoderSpec) -> ShardStore:
    """The cache of one encoder revision's vectors, keyed by text hash."""
    vector = pl.Array(pl.Float32, spec.dimensions)
    schema = pl.Schema([("text_hash", pl.String), ("vector", vector)])
    return ShardStore(cache / "embeddings" / spec.fingerprint(), schema)


def embed(
    texts: pl.DataFrame, spec: EncoderSpec, encoder: Encoder, store: ShardStore, label: str
) -> pl.DataFrame:
    """Add the vector of each row's text.

    Args:
        texts: Any columns, `text` and `text_hash` among them.
        spec: The encoder's name and revision, recorded in every row.
        encoder: The encoder itself, used only for texts that the store does not hold.
        store: As `vector_store` gives it.
        label: What the progress is shown under.

    Returns:
        `texts` without `text`, with `vector` (Array[f32, d]), `encoder`, `encoder_revision`, in the
        order given. A row without text has a zero vector: it points nowhere.
    """
    known = store.scan().select("text_hash").collect()
    missing = texts.filter(pl.col("text") != "").unique("text_hash").join(known, on="text_hash", how="anti")
    _encode(missing, encoder, store, label)
    vectors = (
        store.scan()
        .join(texts.lazy().select("text_hash"), on="text_hash", how="semi")
        .unique("text_hash", keep="any")
    )
    nothing = pl.lit([0.0] * spec.dimensions, store.schema["vector"])
    return (
        texts.lazy()
        .join(vectors, on="text_hash", how="left", maintain_order="left")
        .with_columns(
            pl.col("vector").fill_null(nothing),
            encoder=pl.lit(spec.model),
            encoder_revision=pl.lit(spec.revision),
        )
        .drop("text")
        .collect()
    )


def _encode(missing: pl.DataFrame, encoder: Encoder, store: ShardStore, label: str) -> None:
    if missing.is_empty():
        return
    # Texts of like length share a batch, so that little of it is padding.
    by_length = missing.sort(pl.col("text").str.len_chars(), "text_hash", descending=[True, False])
    with track(label, len(missing), "texts") as task:
        for batch in by_length.iter_slices(BATCH_TEXTS):
            vectors = encoder.encode(batch["text"].to_list())
            shard = batch.select("text_hash", pl.Series("vector", vectors, store.schema["vector"]))
            store.append(shard)
            task.advance(len(batch))
