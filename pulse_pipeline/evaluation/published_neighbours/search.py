"""From interactions to neighbours: train on what is training under every protocol, then compare users.

Each user's last such item is kept back to say when to stop, so that neither validation nor test items are
looked at; the published training learns from it too.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.published_neighbours.config import PublishedNeighbourSettings
from pulse_pipeline.evaluation.published_neighbours.sasrec import PublishedSASRec
from pulse_pipeline.interactions.neighbours import DECIMALS, two_sides
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray

METHOD = "published neighbours 1"
"""Another one where the same settings come to find other neighbours."""

CUTS_AT_ONCE = 512


def published_neighbours(
    domain: str, interactions: pl.DataFrame, histories: pl.DataFrame, settings: PublishedNeighbourSettings
) -> pl.DataFrame:
    """Find the users whose SASRec vectors lie nearest to those of histories.

    Args:
        domain: The domain's name, for progress.
        interactions: The `interactions` table.
        histories: Columns `user_id`, `target_position`, distinct: a user's history up to, not with, this
            position.
        settings: The model, and how many neighbours.

    Returns:
        As `interactions.neighbours.nearest_neighbours`. Cosines at or below zero make no neighbour.

    Raises:
        PulseError: No user has two items to learn from and one to say when to stop.
    """
    sides = two_sides(interactions, histories)
    # What nobody was trained on has no vector, and that there is such an item must not move the others'.
    items = sides.trained.select(pl.col("item").unique().sort()).with_row_index("place")
    known = _sequences(sides.trained.join(items, on="item"), "user", len(sides.users))
    data = _data(domain, known, len(items))
    if not (data.n_train >= 2).any():
        raise PulseError(
            f"no user of {domain} has three training items, so SASRec has nothing to learn: "
            "lower min_interactions in domains.yaml, or take a larger set"
        )
    model = PublishedSASRec(settings.sasrec).fit(data)
    of_users = model.user_vectors(data, "test")
    owned = _sequences(sides.owned.join(items, on="item"), "cut", len(sides.cuts))
    asked = _data(domain, owned, len(items))
    # One more than is wanted: the user itself is among them.
    pairs = _alike(model.user_vectors(asked, "test"), of_users, settings.k + 1)
    return sides.table(pairs, settings)


def _sequences(rows: pl.DataFrame, of: str, n: int) -> list[IntArray]:
    """The `place` of the items of each of n users or cuts, oldest first."""
    ordered = rows.sort(of, "position").group_by(of, maintain_order=True).agg("place")
    found = [np.empty(0, dtype=np.int64)] * n
    for owner, places in ordered.iter_rows():
        found[owner] = np.array(places, dtype=np.int64)
    return found


def _data(domain: str, sequences: list[IntArray], n_items: int) -> DomainData:
    """Sequences whose last item, where it is not the only one, is for validation."""
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    return DomainData(
        domain=domain,
        protocol="loo",
        user_ids=[str(number) for number in range(len(sequences))],
        item_ids=[str(number) for number in range(n_items)],
        item_vectors=np.zeros((n_items, 0), dtype=np.float32),
        sequences=sequences,
        n_train=lengths - (lengths > 1),
        n_known=lengths,
    )


def _alike(queries: FloatArray, known: FloatArray, most: int) -> Iterator[pl.DataFrame]:
    """The pairs of a cut and a user with the largest cosines, and all that tie with them; blocks of cuts."""
    for start in range(0, len(queries), CUTS_AT_ONCE):
        cosines: NDArray[np.float32] = queries[start : start + CUTS_AT_ONCE] @ known.T
        width = min(most, len(known))
        least = np.partition(cosines, -width, axis=1)[:, -width, None] - 10.0**-DECIMALS
        cut, neighbour = np.nonzero((cosines >= least) & (cosines > 0))
        yield pl.DataFrame(
            {
                "cut": (cut + start).astype(np.uint32),
                "neighbour": neighbour.astype(np.uint32),
                "similarity": np.minimum(cosines[cut, neighbour], 1.0).astype(np.float64),
            }
        )
