"""Who chose alike, and what else they chose: collaborative context for a prompt.

Nothing of a user from the cut on has a say in the rows of that cut:

* The user's side is what lies before the cut.
* A neighbour's side, and what is told of it, is in the training split of *every* protocol of the
  domain, so that one table serves them all.
* How common an item is, is counted on neighbours' sides before the users' first cuts. Counted on all
  of them, the item behind a cut would move the similarities of its own user.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from pulse_pipeline.interactions.neighbour_settings import NeighbourSettings
from pulse_pipeline.provenance import text_hash
from pulse_pipeline.schemas import Neighbours

PRODUCTS_AT_ONCE = 2**20  # multiplications of one block of the similarities, which bound its memory
DECIMALS = 6  # of a similarity: equal histories must tie in spite of rounding, for the order to be fixed


def nearest_neighbours(
    interactions: pl.DataFrame, histories: pl.DataFrame, settings: NeighbourSettings
) -> pl.DataFrame:
    """Find the users with the most similar histories.

    Similarity is the cosine of sets of items, each weighted by log(1 + users / (1 + its users)): two
    who share what few chose are more alike than two who share what all chose (the inverse user
    frequency of Breese, Heckerman and Kadie, UAI 1998, smoothed). Users are looked up in blocks, so
    that memory does not grow with their number squared.

    Args:
        interactions: The `interactions` table.
        histories: Columns `user_id`, `target_position`, distinct: a user's history up to, not with,
            this position.
        settings: How many.

    Returns:
        Up to `k` rows a history that shares an item with anybody, most similar first, ties by the
        hash of the neighbour's id; valid against `schemas.Neighbours`. The items of a neighbour whose
        every item the user has are an empty list.
    """
    sides = two_sides(interactions, histories)
    weights = _weights(sides)
    queries = _unit_vectors(sides.owned, "cut", weights, len(sides.cuts))
    known = _unit_vectors(sides.trained, "user", weights, len(sides.users))
    return sides.table(_alike(queries, known, sides.owners), settings)


@dataclass(frozen=True)
class Sides:
    """Who looks for neighbours, who may be one, and what is known of both; users and items are numbers.

    Attributes:
        users: Ids in the order of their hashes, so that ties need no look at them.
        cuts: Columns `cut`, `user`, `target_position`: histories that neighbours are wanted of.
        owned: Columns `cut`, `item`, `position`: what they hold.
        trained: Columns `user`, `item`, `item_id`, `position`: what may be known of a neighbour.
        n_items: Size of the catalogue.
    """

    users: pl.Series
    cuts: pl.DataFrame
    owned: pl.DataFrame
    trained: pl.DataFrame
    n_items: int

    @property
    def owners(self) -> NDArray[np.integer]:
        """The user of each cut [n_cuts]."""
        return self.cuts["user"].to_numpy()

    def table(self, pairs: Iterable[pl.DataFrame], settings: NeighbourSettings) -> pl.DataFrame:
        """The most similar of pairs.

        Args:
            pairs: Columns `cut`, `neighbour`, `similarity`; all of a cut's are in one of the frames. A user
                may be paired with itself.
            settings: How many are kept.

        Returns:
            As `nearest_neighbours`.
        """
        nearest = [_nearest(block, self.owners, settings.k) for block in pairs]
        told = [_with_items(block, self.trained, self.owned, settings.titles_each) for block in nearest]
        table = pl.concat(told).join(self.cuts, on="cut", maintain_order="left")
        named = table.select(
            self.users.gather(table["user"]).alias("user_id"),
            "target_position",
            "rank",
            self.users.gather(table["neighbour"]).alias("neighbour_id"),
            "similarity",
            "item_ids",
        )
        return Neighbours.validate(named.sort("user_id", "target_position", "rank"), cast=True)


def two_sides(interactions: pl.DataFrame, histories: pl.DataFrame) -> Sides:
    """Take the sides apart.

    Args:
        interactions: The `interactions` table.
        histories: As for `nearest_neighbours`.
    """
    users = pl.Series(sorted(interactions["user_id"].unique(), key=text_hash), dtype=pl.String)
    items = interactions["item_id"].unique().sort()
    rows = _coded(interactions, users, items)
    cuts = _cuts(histories, users)
    owned = cuts.join(rows, on="user").filter(pl.col("position") < pl.col("target_position"))
    return Sides(
        users,
        cuts,
        owned.select("cut", "item", "position"),
        rows.filter("trained").drop("trained"),
        len(items),
    )


def _coded(interactions: pl.DataFrame, users: pl.Series, items: pl.Series) -> pl.DataFrame:
    """Numbers for ids: users in the order of their hashes, so that ties need no look at them."""
    everywhere = (pl.col("split_loo") == "train") & (pl.col("split_temporal").fill_null("train") == "train")
    return (
        interactions.join(_codes("user", users), on="user_id")
        .join(_codes("item", items), on="item_id")
        .select("user", "item", "item_id", "position", trained=everywhere)
    )


def _cuts(histories: pl.DataFrame, users: pl.Series) -> pl.DataFrame:
    known = histories.select("user_id", "target_position").join(_codes("user", users), on="user_id")
    ordered = known.sort("user_id", "target_position")
    return ordered.select("user", "target_position").with_row_index("cut")


def _codes(what: str, ids: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({f"{what}_id": ids}).with_row_index(what)


def _weights(sides: Sides) -> NDArray[np.float64]:
    """Inverse frequency of each item [n_items]."""
    first = sides.cuts.group_by("user").agg(first=pl.col("target_position").min())
    counted = sides.trained.join(first, on="user", how="left").filter(
        pl.col("first").is_null() | (pl.col("position") < pl.col("first"))
    )
    takers = np.bincount(counted.unique(["user", "item"])["item"].to_numpy(), minlength=sides.n_items)
    return np.log1p(len(sides.users) / (1 + takers))


def _unit_vectors(
    taken: pl.DataFrame, of: str, weights: NDArray[np.float64], n_rows: int
) -> sparse.csr_matrix:
    """The sets of items that the column `of` took, as rows of length 1 [n_rows, n_items]."""
    pairs = taken.select(of, "item").unique().sort(of, "item")
    rows, items = pairs[of].to_numpy(), pairs["item"].to_numpy()
    lengths = np.sqrt(np.bincount(rows, weights[items] ** 2, minlength=n_rows))
    return sparse.csr_matrix((weights[items] / lengths[rows], (rows, items)), shape=(n_rows, len(weights)))


def _alike(
    queries: sparse.csr_matrix, known: sparse.csr_matrix, owners: NDArray[np.integer]
) -> Iterator[pl.DataFrame]:
    """Pairs of a cut and a user that share an item, a block of cuts at a time.

    Args:
        queries: Histories [n_cuts, n_items].
        known: What may be known of each user [n_users, n_items].
        owners: The user of each cut [n_cuts].
    """
    by_item = known.T.tocsr()
    takers = np.diff(by_item.indptr)
    products = np.cumsum((queries != 0) @ takers)
    bounds = [0, *(np.flatnonzero(np.diff(products // PRODUCTS_AT_ONCE)) + 1), len(owners)]
    for start, stop in pairwise(bounds):
        similar = (queries[start:stop] @ by_item).tocoo()
        yield pl.DataFrame(
            {
                "cut": (similar.row + start).astype(np.uint32),
                "neighbour": similar.col.astype(np.uint32),
                "similarity": similar.data,
            }
        )


def _nearest(pairs: pl.DataFrame, owners: NDArray[np.integer], k: int) -> pl.DataFrame:
    """Add `rank` to the k most similar others of each cut."""
    others = pairs.filter(pairs["neighbour"] != owners[pairs["cut"].to_numpy()])
    rounded = others.with_columns(pl.col("similarity").round(DECIMALS))
    ranked = rounded.sort("cut", "similarity", "neighbour", descending=[False, True, False])
    nearest = ranked.group_by("cut", maintain_order=True).head(k)
    return nearest.with_columns(rank=pl.int_range(1, pl.len() + 1).over("cut"))


def _with_items(pairs: pl.DataFrame, trained: pl.DataFrame, owned: pl.DataFrame, most: int) -> pl.DataFrame:
    """Add `item_ids`: the newest of each neighbour that the user does not have at the cut."""
    have = owned.select("cut", "item").join(pairs, on="cut", how="semi")
    told = (
        pairs.select("cut", "rank", "neighbour")
        .join(trained, left_on="neighbour", right_on="user")
        .join(have, on=["cut", "item"], how="anti")
        .sort("cut", "rank", "position", descending=[False, False, True])
        .group_by("cut", "rank", maintain_order=True)
        .agg(item_ids=pl.col("item_id").head(most))
    )
    joined = pairs.join(told, on=["cut", "rank"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("item_ids").fill_null([]))
