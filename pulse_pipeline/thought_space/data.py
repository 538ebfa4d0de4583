"""A domain as arrays: what the Thought Space trains on and what every model is evaluated on."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
Protocol = Literal["loo", "temporal"]
Phase = Literal["valid", "test"]


@dataclass(frozen=True)
class RationaleVectors:
    """Vectors of rationales, one row a user, NaN where the user has none.

    Attributes:
        serving: Foresight, written from all training items; for validation, test and serving [n_users, d].
        training: Foresight, written from the items before the spoken one; to predict it [n_users, d].
        hindsight: Written with the spoken item in sight, its title masked; only ever supervision
            [n_users, d].
        spoken: Position of the training item that `training` and `hindsight` speak about, -1 where
            there is none [n_users].
    """

    serving: FloatArray
    training: FloatArray
    hindsight: FloatArray
    spoken: IntArray


@dataclass(frozen=True)
class DomainData:
    """One domain under one protocol.

    A user's sequence falls into three runs: the first `n_train` items, then validation items up
    to `n_known`, then test items. Under leave-one-out the last two runs hold one item each.

    Attributes:
        domain: The domain's name.
        protocol: The protocol that the prefix lengths belong to.
        user_ids: Users, in the order of all per-user arrays.
        item_ids: Catalogue, in the order of `item_vectors`.
        item_vectors: Encoder vectors of item texts; a zero row where an item has no text [n_items, d].
        sequences: Item indices of each user in stable order.
        n_train: How many items of each sequence are training [n_users].
        n_known: How many are training or validation [n_users].
        rationales: Vectors of the users' rationales; None where none were written.
        item_thoughts: Encoder vectors of what the LM wrote about each item, a NaN row where it wrote
            nothing; None where it wrote of none [n_items, d].
        disliked: Items of each user's sequence that the user rated low; None where nothing was rated low.
        times: When each interaction of each sequence happened, in one unit; None where times are unknown.
    """

    domain: str
    protocol: Protocol
    user_ids: list[str]
    item_ids: list[str]
    item_vectors: FloatArray
    sequences: list[IntArray] = field(repr=False)
    n_train: IntArray = field(repr=False)
    n_known: IntArray = field(repr=False)
    rationales: RationaleVectors | None = None
    item_thoughts: FloatArray | None = field(default=None, repr=False)
    disliked: list[IntArray] | None = field(default=None, repr=False)
    times: list[IntArray] | None = field(default=None, repr=False)

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        return len(self.item_ids)

    @property
    def has_rationale(self) -> NDArray[np.bool_]:
        """Which users have a rationale to be served with [n_users]."""
        if self.rationales is None:
            return np.zeros(len(self.user_ids), dtype=np.bool_)
        return np.logical_not(np.isnan(self.rationales.serving).any(axis=1))

    @property
    def listed(self) -> NDArray[np.bool_]:
        """Which items' texts may be looked at as a whole, to centre and to flatten them [n_items].

        Under leave-one-out there is no time, so all. Under the temporal protocol those that somebody
        had before the first cut: the others may not have been on sale. They are ranked all the same.
        """
        if self.protocol == "loo":
            return np.ones(self.n_items, dtype=np.bool_)
        listed = np.zeros(self.n_items, dtype=np.bool_)
        for sequence, n_train in zip(self.sequences, self.n_train, strict=True):
            listed[sequence[:n_train]] = True
        return listed

    def history_lengths(self, phase: Phase) -> IntArray:
        """How many items of each user are known when `phase` begins [n_users]."""
        return self.n_train if phase == "valid" else self.n_known

    def evaluated_users(self, phase: Phase) -> IntArray:
        """Indices of the users who have a history and a target in `phase`."""
        lengths = np.array([len(sequence) for sequence in self.sequences])
        known = self.history_lengths(phase)
        end = self.n_known if phase == "valid" else lengths
        return np.flatnonzero((known > 0) & (known < end))

    def history(self, user: int, phase: Phase) -> IntArray:
        """The items that `user` is known to have when `phase` begins."""
        return self.sequences[user][: self.history_lengths(phase)[user]]

    def dislikes(self, user: int, items: IntArray) -> NDArray[np.bool_]:
        """Which items of a history `user` rated low [len(items)]."""
        if self.disliked is None:
            return np.zeros(len(items), dtype=np.bool_)
        return np.isin(items, self.disliked[user])

    def target(self, user: int, phase: Phase) -> int:
        """The first item of `phase`, which models have to find."""
        return int(self.sequences[user][self.history_lengths(phase)[user]])
