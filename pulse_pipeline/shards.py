"""A growing table on disk: every append is one Parquet file, whole or absent."""

import uuid
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pulse_pipeline.files import replacing


@dataclass(frozen=True)
class ShardStore:
    """Append-only Parquet shards in a folder.

    Two processes may append at once: file names never clash and readers see finished files only.

    Attributes:
        folder: Where the shards lie.
        schema: Columns of the table, for a store that is still empty.
    """

    folder: Path
    schema: pl.Schema

    def append(self, frame: pl.DataFrame) -> None:
        """Write `frame` as a shard of its own; an empty frame writes nothing."""
        if frame.is_empty():
            return
        with replacing(self.folder / f"shard-{uuid.uuid4().hex}.parquet") as aside:
            frame.match_to_schema(self.schema).write_parquet(aside, compression="zstd")

    def scan(self) -> pl.LazyFrame:
        """All rows of all shards, in no particular order."""
        shards = sorted(self.folder.glob("shard-*.parquet"))
        if not shards:
            return pl.LazyFrame(schema=self.schema)
        return pl.scan_parquet(shards, glob=False)
