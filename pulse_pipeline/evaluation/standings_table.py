"""Standings as rows of a table and back: item and user ids instead of indices."""

import numpy as np
import polars as pl

from pulse_pipeline.evaluation.candidates import SIZES
from pulse_pipeline.evaluation.metrics import LISTED
from pulse_pipeline.evaluation.standings import Standings
from pulse_pipeline.thought_space.data import DomainData, IntArray


def standings_table(ranked: Standings, data: DomainData) -> pl.DataFrame:
    """One row a user: protocol, user_id, rank, rank_of_100, rank_of_20, rank_of_5, found, wanted, top."""
    rows, places = np.nonzero(ranked.top >= 0)
    listed = (
        pl.DataFrame({"row": rows, "item": ranked.top[rows, places]})
        .with_columns(top=pl.Series(data.item_ids, dtype=pl.String).gather(ranked.top[rows, places]))
        .group_by("row", maintain_order=True)
        .agg("top")
    )
    frame = pl.DataFrame(
        {
            "row": np.arange(len(ranked.users)),
            "user_id": pl.Series(data.user_ids, dtype=pl.String).gather(ranked.users),
            "rank": ranked.ranks,
            **{f"rank_of_{size}": ranked.among.get(size) for size in SIZES},
            "found": ranked.found,
            "wanted": ranked.wanted,
        }
    )
    return (
        frame.join(listed, on="row", how="left", maintain_order="left")
        .with_columns(
            pl.col("top").fill_null([]), pl.col("found").arr.to_list(), protocol=pl.lit(data.protocol)
        )
        .drop("row")
    )


def read_standings(rows: pl.DataFrame, data: DomainData) -> Standings:
    """Read one model's standings.

    Args:
        rows: As `standings_table` lays them out, under the domain's protocol.
        data: The domain.

    Raises:
        ValueError: They are not those of the domain's test users and items.
    """
    users = data.evaluated_users("test")
    order = pl.DataFrame({"user_id": pl.Series(data.user_ids, dtype=pl.String).gather(users)})
    rows = order.join(rows, on="user_id", how="left", maintain_order="left")
    if rows["rank"].null_count():
        raise ValueError(f"ranks of {data.domain} are missing for some of its users")
    among = {
        size: _integers(rows[f"rank_of_{size}"])
        for size in SIZES
        if len(rows) and not rows[f"rank_of_{size}"].null_count()
    }
    found = np.array(rows["found"].to_list(), dtype=np.int64)
    return Standings(
        users, _integers(rows["rank"]), among, found, _integers(rows["wanted"]), _top(rows["top"], data)
    )


def _top(lists: pl.Series, data: DomainData) -> IntArray:
    index = pl.DataFrame({"top": data.item_ids}, schema={"top": pl.String}).with_row_index("item")
    places = pl.int_range(pl.len()).over("row").alias("place")
    listed = (
        pl.DataFrame({"top": lists})
        .with_row_index("row")
        .explode("top")
        .drop_nulls("top")
        .with_columns(places)
        .join(index, on="top", how="left", maintain_order="left")
    )
    if listed["item"].null_count():
        raise ValueError(f"lists of {data.domain} hold items that are not in its catalogue")
    top = np.full((len(lists), LISTED), -1, dtype=np.int64)
    top[listed["row"].to_numpy(), listed["place"].to_numpy()] = listed["item"].to_numpy()
    return top


def _integers(column: pl.Series) -> IntArray:
    return column.cast(pl.Int64).to_numpy()
