"""Representative users: rationales for a few, inherited by those who choose alike.

After EIMF (Qiao et al., arXiv 2411.09410): sequences are clustered and a language model writes about typical
ones only. Here the members of a cluster inherit the text of the user nearest to its centre.
"""

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import normalize

from pulse_pipeline.rationales.cuts import cut_points, foresight_roles

DIMENSIONS = 32
SEED = 0


def representatives(interactions: pl.DataFrame, share: float) -> pl.DataFrame:
    """Cluster users by what they chose before every cut, and name one of each cluster.

    Nothing that any rationale, protocol or target must not know decides who represents whom.

    Args:
        interactions: The `interactions` table, or the part of it that `drawn_users` gives.
        share: Share of the users who represent all, above 0 and at most 1.

    Returns:
        Columns `user_id`, `representative`, by user: the users who have any rationale to be written. At most
        ``ceil(share * users)`` of them represent; one who does represents itself.
    """
    earliest = cut_points(interactions).group_by("user_id").agg(end=pl.col("target_position").min())
    known = interactions.join(earliest, on="user_id").filter(pl.col("position") < pl.col("end"))
    users = known["user_id"].unique().sort()
    wanted = math.ceil(share * len(users))
    if wanted >= len(users):
        return pl.DataFrame({"user_id": users, "representative": users})
    vectors = _behaviour(known, users)
    clusters = MiniBatchKMeans(wanted, random_state=SEED, n_init=3, batch_size=max(1024, 3 * wanted))
    distances = clusters.fit(vectors).transform(vectors)
    members = pl.DataFrame(
        {
            "user_id": users,
            "cluster": clusters.labels_,
            "distance": distances[np.arange(len(users)), clusters.labels_],
        }
    )
    # Whoever is written for under every protocol first: the others' members would inherit nothing there.
    roles = foresight_roles(interactions).group_by("user_id").agg(roles=pl.len())
    nearest = (
        members.join(roles, on="user_id")
        .sort("roles", "distance", "user_id", descending=[True, False, False])
        .group_by("cluster", maintain_order=True)
        .agg(representative=pl.col("user_id").first())
    )
    return members.join(nearest, on="cluster").select("user_id", "representative").sort("user_id")


def _behaviour(known: pl.DataFrame, users: pl.Series) -> NDArray[np.float64]:
    """Unit vectors of users by what they chose [n_users, d]."""
    items = known["item_id"].unique().sort()
    rows, columns = (
        known.select(pl.col(name).replace_strict(values, range(len(values))))[name].to_numpy()
        for name, values in (("user_id", users), ("item_id", items))
    )
    chosen = sparse.csr_matrix((np.ones(len(known)), (rows, columns)), shape=(len(users), len(items)))
    chosen.data[:] = 1.0
    width = min(DIMENSIONS, min(chosen.shape) - 1)
    if width < 1:
        return np.asarray(chosen.toarray())
    reduced = TruncatedSVD(width, random_state=SEED).fit_transform(normalize(chosen))
    return np.asarray(normalize(reduced))


def inherited(table: pl.DataFrame, interactions: pl.DataFrame, represented: pl.DataFrame) -> pl.DataFrame:
    """The rows that members inherit.

    A member inherits foresight, each role from the same role of its representative: what serves under one
    protocol from what serves there. Hindsight is never inherited: it speaks of the representative's own
    choice.

    Args:
        table: The `rationales` table of the representatives.
        interactions: As `representatives` was given.
        represented: What it gave.

    Returns:
        Rows like the table's, with the member's `user_id` and `target_position` and the representative's
        text and provenance; `inherited_from` names the representative.
    """
    roles = foresight_roles(interactions)
    theirs = roles.rename({"user_id": "representative", "target_position": "written_at"})
    # Where two roles of a member share a position, the text that knows the least serves both.
    wanted = (
        represented.filter(pl.col("user_id") != pl.col("representative"))
        .join(roles, on="user_id")
        .join(theirs, on=["representative", "role"])
        .sort("user_id", "target_position", "written_at")
        .unique(["user_id", "target_position"], keep="first", maintain_order=True)
        .select("user_id", "target_position", "representative", "written_at")
    )
    texts = table.filter(pl.col("kind") == "foresight").rename(
        {"user_id": "representative", "target_position": "written_at"}
    )
    rows = wanted.join(texts, on=["representative", "written_at"], maintain_order="left")
    return rows.with_columns(inherited_from=pl.col("representative")).select(table.columns)
