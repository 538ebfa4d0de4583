"""The rationales that users are served with under one protocol, and the users they are judged on."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pulse_pipeline.provenance import text_hash
from pulse_pipeline.thought_space.data import DomainData, IntArray


@dataclass(frozen=True)
class Served:
    """Users with a test target and a rationale written from their training items.

    Attributes:
        data: The domain, under one protocol, with its rationales' vectors.
        users: Indices of the users, ascending [n].
        texts: Their rationales [n].
    """

    data: DomainData
    users: IntArray
    texts: list[str] = field(repr=False)

    @property
    def cuts(self) -> pl.DataFrame:
        """Columns `user_id`, `target_position`: how far each rationale has read [n]."""
        return pl.DataFrame(
            {
                "user_id": [self.data.user_ids[user] for user in self.users],
                "target_position": self.data.n_train[self.users],
            },
            schema_overrides={"target_position": pl.Int32},
        )

    def sample(self, most: int) -> "Served":
        """A fixed draw of users: those whose ids' hashes are the smallest, as rationales are drawn."""
        if len(self.users) <= most:
            return self
        order = sorted(range(len(self.users)), key=lambda row: text_hash(self.data.user_ids[self.users[row]]))
        rows = sorted(order[:most])
        return Served(self.data, self.users[rows], [self.texts[row] for row in rows])


def served(data: DomainData, rationales: pl.DataFrame) -> Served:
    """Pick the valid foresight that `data.rationales.serving` holds the vectors of.

    Args:
        data: The domain, under one protocol.
        rationales: The `rationales` table.
    """
    written = foresight_of(data, rationales).filter("valid")
    texts = dict(written.select("user_id", "rationale").iter_rows())
    there = data.has_rationale
    users = [user for user in data.evaluated_users("test") if there[user] and data.user_ids[user] in texts]
    chosen = np.array(users, dtype=np.int64)
    return Served(data, chosen, [texts[data.user_ids[user]] for user in chosen])


def foresight_of(data: DomainData, rationales: pl.DataFrame) -> pl.DataFrame:
    """The foresight written to serve users of one protocol, the rejected too.

    Args:
        data: The domain, under the protocol.
        rationales: The `rationales` table.

    Returns:
        Rows of `rationales`, one a user.
    """
    cuts = pl.DataFrame(
        {"user_id": data.user_ids, "target_position": data.n_train},
        schema_overrides={"target_position": pl.Int32},
    )
    written = rationales.filter(kind="foresight")
    return written.join(cuts, on=["user_id", "target_position"], how="semi")
