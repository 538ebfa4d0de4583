"""What is asked of the model, as a table: prompts with the keys that name their answers."""

import re
from typing import Protocol

import polars as pl

from pulse_pipeline.provenance import text_hash

REQUESTS = pl.Schema(
    [
        ("key", pl.String),
        ("history_hash", pl.String),
        ("system", pl.String),
        ("user", pl.String),
        ("evidence", pl.String),
        ("secrets", pl.List(pl.String)),
    ]
)
"""Columns of every table of requests, after those that name what is asked about.

* `key`: hash of the spec's fingerprint, the kind, `history_hash` and the sample's number.
* `history_hash`: hash of `evidence`, with what is masked there spelled out.
* `system`, `user`: the prompt.
* `evidence`: what strangers wrote of it: a history, the chosen item and the neighbours' items where they
  are shown; or an item and its reviews.
* `secrets`: what the answer must not name.
"""


def request_key(spec_fingerprint: str, kind: str, history_hash: str, sample: int = 0) -> str:
    """Name the answer to a request by all that decides it (32 hexadecimal digits)."""
    return text_hash(f"{spec_fingerprint} {kind} {history_hash} {sample}")


def filled(template: str, **slots: str) -> str:
    """Put texts into a template's slots, all at once: a review may hold the name of a slot."""
    names = "|".join(slots)
    return re.sub(rf"\{{({names})\}}", lambda slot: slots[slot[1]], template)


class Render(Protocol):
    """Makes requests of the rows that say what is wanted."""

    def __call__(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Render the prompt of each row.

        Args:
            wanted: Columns that name what is asked about, such as a user and a position.

        Returns:
            Those columns and `REQUESTS`, in the same order. Rows with equal evidence have equal keys.
        """
