"""People who are known in one domain and arrive in another, where they have no history at all.

What belongs here: who arrives, what is told of them, what they are tested by. The model that ranks for
them is `crossing`, the figures are made in `arrival_evaluation`.

People are parted by the hashes of their ids. Those of the test part are ranked for once; of their doings in
the target nothing is learned, nor counted as popularity. What is fitted is fitted on the others.
"""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pulse_pipeline.provenance import text_hash
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray

TEST_SHARE = 0.4
FOLDS = 5

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Arrivals:
    """The users of two domains, seen from the target.

    Attributes:
        source: The domain they come from.
        target: The domain they come to, everybody in it.
        people: Their indices among the target's users, ascending [n].
        told: What they had in the source, oldest first, as indices of its items.
        chosen: The item of the target that each is tested by [n].
        place: Place of the hash of each one's id between 0 and 1; below `TEST_SHARE` it is a test [n].
        rationales: Vectors of what they will want in the target and why, NaN where nothing is written [n, d].
    """

    source: DomainData
    target: DomainData
    people: IntArray
    told: list[IntArray] = field(repr=False)
    chosen: IntArray = field(repr=False)
    place: FloatArray = field(repr=False)
    rationales: FloatArray = field(repr=False)

    @classmethod
    def between(
        cls,
        source: DomainData,
        target: DomainData,
        told: pl.DataFrame,
        rationales: pl.DataFrame | None = None,
        *,
        drawn: bool = False,
    ) -> Self:
        """Find who arrives.

        Args:
            source: The domain they come from.
            target: The domain they come to.
            told: As `rationales.arrivals.arrivals`: how much of the source was before they came.
            rationales: Columns `user_id` and `vector`; those of bridging rationales.
            drawn: Test by an item of each one's sequence that the hash of the id draws, not by the first.
                For a target whose order is none of time.
        """
        of_source = {user: row for row, user in enumerate(source.user_ids)}
        of_target = {user: row for row, user in enumerate(target.user_ids)}
        lengths = {
            user: length for user, length in told.iter_rows() if user in of_source and user in of_target
        }
        users = sorted(lengths, key=of_target.__getitem__)
        people = np.array([of_target[user] for user in users], dtype=np.int64)
        sequences = [target.sequences[person] for person in people]
        which = [_hashed(f"chosen {user}") if drawn else 0.0 for user in users]
        chosen = [int(items[int(at * len(items))]) for items, at in zip(sequences, which, strict=True)]
        return cls(
            source,
            target,
            people,
            told=[source.sequences[of_source[user]][: lengths[user]] for user in users],
            chosen=np.array(chosen, dtype=np.int64),
            place=np.array([_hashed(user) for user in users], dtype=np.float32),
            rationales=_vectors(users, rationales, target.item_vectors.shape[1]),
        )

    @property
    def tested(self) -> Mask:
        """Who is of the test part [n]."""
        return self.place < TEST_SHARE

    @property
    def folds(self) -> IntArray:
        """Fold of each of the others, -1 for the test part [n]."""
        inside = (self.place - TEST_SHARE) / (1 - TEST_SHARE) * FOLDS
        return np.where(self.tested, -1, inside.astype(np.int64).clip(max=FOLDS - 1))

    def door(self, unknown: Mask) -> DomainData:
        """The target as it is when some of these people stand at its door.

        Args:
            unknown: Who has not come yet [n].

        Returns:
            The same users and catalogue; these have no history and one test item, the chosen one.
        """
        sequences, n_train, n_known = (
            list(self.target.sequences),
            self.target.n_train.copy(),
            self.target.n_known.copy(),
        )
        for person, item in zip(self.people[unknown], self.chosen[unknown], strict=True):
            sequences[person] = np.array([item], dtype=np.int64)
        n_train[self.people[unknown]] = n_known[self.people[unknown]] = 0
        return replace(
            self.target, sequences=sequences, n_train=n_train, n_known=n_known, rationales=None, times=None
        )


def _vectors(users: list[str], rationales: pl.DataFrame | None, dimensions: int) -> FloatArray:
    vectors = np.full((len(users), dimensions), np.nan, dtype=np.float32)
    if rationales is not None:
        found = dict(zip(rationales["user_id"], rationales["vector"].to_numpy(), strict=True))
        for row, user in enumerate(users):
            vectors[row] = found.get(user, vectors[row])
    return vectors


def _hashed(text: str) -> float:
    return int(text_hash(text)[:8], 16) / 2**32
