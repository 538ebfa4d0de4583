"""The few items among which sampled metrics look for a target: one draw for all models.

Sampled metrics flatter models and do not even keep their order (Krichene & Rendle, KDD 2020). They stand
beside the full ranking because papers report them, and only on candidates that every model shares.
"""

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pulse_pipeline import schemas
from pulse_pipeline.errors import PulseError
from pulse_pipeline.reasoner.choices import user_generator
from pulse_pipeline.thought_space.data import DomainData, IntArray

SIZES = (100, 20, 5)
"""How many candidates there are, the target among them; a smaller set is the beginning of a larger one."""


@dataclass(frozen=True)
class Candidates:
    """The test candidates of a domain under one protocol.

    Attributes:
        users: Indices of the test users, ascending.
        items: Item indices, the target first; as wide as the shortest set of all users [n_users, width].
    """

    users: IntArray
    items: IntArray = field(repr=False)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Those of `SIZES` that every user's candidates fill: a metric among fewer would be another one."""
        return tuple(size for size in SIZES if size <= self.items.shape[1])

    def of(self, users: IntArray) -> IntArray:
        """The candidates of some users [len(users), width].

        Raises:
            ValueError: Some of them are no test users.
        """
        if not np.isin(users, self.users).all():
            raise ValueError("there are no candidates for some of these users")
        return self.items[np.searchsorted(self.users, users)]


def drawn_candidates(data: DomainData, seed: int) -> pl.DataFrame:
    """Draw every test user's candidates: the target, then uniform negatives without replacement.

    A negative is neither the target nor an item that the user has or chose later. Under the temporal
    protocol it is an item that somebody had before the test began: others may not have been on sale.

    Args:
        data: The domain, under one protocol; its vectors are not read.
        seed: Seed of the draws. A user's draw does not depend on who else is there.

    Returns:
        A `schemas.Candidates` table.
    """
    on_sale = np.flatnonzero(_on_sale(data))
    users = data.evaluated_users("test")
    sets = [_of_user(data, user, on_sale, seed) for user in users]
    chosen = np.concatenate([np.empty(0, dtype=np.int64), *sets])
    frame = pl.DataFrame(
        {
            "user_id": np.repeat(users, [len(one) for one in sets]),
            "item_ids": pl.Series(data.item_ids, dtype=pl.String).gather(chosen),
        }
    )
    named = pl.Series(data.user_ids, dtype=pl.String)
    table = (
        frame.group_by("user_id", maintain_order=True)
        .agg("item_ids")
        .with_columns(protocol=pl.lit(data.protocol), user_id=named.gather(users))
    )
    return schemas.Candidates.validate(table.select(schemas.Candidates.column_names()), cast=True)


def _of_user(data: DomainData, user: int, on_sale: IntArray, seed: int) -> IntArray:
    target, barred = data.target(user, "test"), data.sequences[user]
    # Enough places of a random order that the barred ones among them may fall out.
    most = min(len(on_sale), max(SIZES) - 1 + len(barred))
    drawn = on_sale[user_generator(seed, data.user_ids[user]).choice(len(on_sale), most, replace=False)]
    negatives = drawn[~np.isin(drawn, barred)][: max(SIZES) - 1]
    return np.append(target, negatives)


def _on_sale(data: DomainData) -> NDArray[np.bool_]:
    """Which items may be a negative [n_items]; under leave-one-out there is no time, so all."""
    if data.protocol == "loo":
        return np.ones(data.n_items, dtype=np.bool_)
    on_sale = np.zeros(data.n_items, dtype=np.bool_)
    for sequence, n_known in zip(data.sequences, data.n_known, strict=True):
        on_sale[sequence[:n_known]] = True
    return on_sale


def read_candidates(table: pl.DataFrame, data: DomainData) -> Candidates:
    """Look the drawn items up in a domain's arrays.

    Args:
        table: A `schemas.Candidates` table that holds the domain's protocol.
        data: The domain.

    Raises:
        PulseError: The candidates were drawn for other users, targets or items than there are now.
    """
    users = data.evaluated_users("test")
    order = pl.DataFrame({"user_id": [data.user_ids[user] for user in users]}, schema={"user_id": pl.String})
    here = table.filter(pl.col("protocol") == data.protocol)
    lists = order.join(here, on="user_id", how="left", maintain_order="left")["item_ids"]
    width = int(lists.list.len().fill_null(0).min() or 0)  # type: ignore[arg-type]
    index = pl.DataFrame({"item_ids": data.item_ids}, schema={"item_ids": pl.String}).with_row_index("item")
    flat = lists.list.head(width).explode().to_frame() if width else index.clear().select("item_ids")
    items = flat.join(index, on="item_ids", how="left", maintain_order="left")["item"]
    found = items.fill_null(-1).cast(pl.Int64).to_numpy().reshape(len(users), width)
    targets = np.array([data.target(user, "test") for user in users], dtype=np.int64)
    if len(here) != len(users) or (len(users) and (not width or (found < 0).any())):
        raise PulseError(_stale(data))
    if len(users) and (not np.array_equal(found[:, 0], targets) or _any_in_history(found, users, data)):
        raise PulseError(_stale(data))
    return Candidates(users, found)


def _any_in_history(found: IntArray, users: IntArray, data: DomainData) -> bool:
    histories = [data.history(user, "test") for user in users]
    rows = np.repeat(np.arange(len(users)), [len(history) for history in histories])
    known = rows * data.n_items + np.concatenate([np.empty(0, dtype=np.int64), *histories])
    negatives = np.arange(len(users))[:, None] * data.n_items + found[:, 1:]
    return bool(np.isin(negatives, known).any())


def _stale(data: DomainData) -> str:
    return (
        f"the candidates of {data.domain} were drawn from other interactions: materialise them again "
        "(`pulse run --select candidates`)"
    )
