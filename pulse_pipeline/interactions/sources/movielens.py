"""MovieLens: `ratings.csv` + `movies.csv` (ml-latest), `ratings.dat` + `movies.dat` (ml-1m, ml-10m)."""

from pathlib import Path

import polars as pl

from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.errors import PulseError
from pulse_pipeline.interactions.sources.csv_rows import WRONG_WIDTH, read_csv
from pulse_pipeline.interactions.sources.open_file import damage_reported, existing_file
from pulse_pipeline.interactions.sources.raw_table import (
    SOURCE_ROW,
    RawTable,
    Reject,
    about_items,
    quarantine,
)

RATINGS = {"userId": "user_id", "movieId": "item_id", "rating": "rating", "timestamp": "timestamp"}
MOVIES = {"movieId": "item_id", "title": "title", "genres": "categories"}
NO_GENRES = "(no genres listed)"


def read_interactions(config: DomainConfig) -> RawTable:
    """Read ratings.

    Args:
        config: The domain; `interactions` names the ratings file or its folder.

    Returns:
        One row a rating.

    Raises:
        PulseError: The file is missing or has other columns.
    """
    path = _locate(config.interactions, "ratings", config.name, "interactions")
    rows, rejects = _read(path, RATINGS)
    return RawTable(rows.lazy(), rejects, (path,), required=("rating", "timestamp"))


def read_items(config: DomainConfig, item_ids: pl.Series) -> RawTable:
    """Read movies: titles with the year, genres as categories.

    Args:
        config: The domain; `items` names the movies file or its folder.
        item_ids: The movies that are wanted.

    Returns:
        One row for each movie that is wanted.

    Raises:
        PulseError: The file is missing or has other columns.
    """
    path = _locate(config.items, "movies", config.name, "items")
    rows, rejects = _read(path, MOVIES)
    genres = pl.col("categories").replace(NO_GENRES, None).str.split("|")
    ours = rows.lazy().filter(about_items("item_id", item_ids)).with_columns(categories=genres)
    return RawTable(ours, rejects, (path,))


def _locate(path: Path | None, stem: str, domain: str, key: str) -> Path:
    if path is None or not path.is_dir():
        return existing_file(path, domain, key)
    for suffix in (".csv", ".dat"):
        if (path / (stem + suffix)).is_file():
            return path / (stem + suffix)
    raise PulseError(
        f"{domain}: {path} holds neither {stem}.csv nor {stem}.dat; correct `{key}` in domains.yaml"
    )


def _read(path: Path, columns: dict[str, str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    if path.suffix == ".dat":
        return _read_dat(path, list(columns.values()))
    rows, rejects = read_csv(path)
    missing = [name for name in columns if name not in rows.columns]
    if missing:
        raise PulseError(f"{path} has no column {missing[0]}; a MovieLens file has {','.join(columns)}")
    return rows.select(SOURCE_ROW, *(pl.col(name).alias(ours) for name, ours in columns.items())), rejects


def _read_dat(path: Path, columns: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read fields parted by `::`, Latin-1, without a header."""
    with damage_reported(path):
        text = path.read_text(encoding="latin-1")
    lines = pl.DataFrame(
        {"line": [line for line in text.split("\n") if line.strip()]}, schema={"line": pl.String}
    )
    lines = lines.with_columns(pl.col("line").str.strip_chars_end("\r")).with_row_index(SOURCE_ROW, offset=1)
    fields = lines.with_columns(pl.col(SOURCE_ROW).cast(pl.Int64), fields=pl.col("line").str.split("::"))
    whole = pl.col("fields").list.len() == len(columns)
    rejects = [Reject(row, WRONG_WIDTH, line) for row, line, _ in fields.filter(~whole).iter_rows()]
    parts = (pl.col("fields").list.get(i).replace("", None).alias(name) for i, name in enumerate(columns))
    return fields.filter(whole).select(SOURCE_ROW, *parts), quarantine(path.name, rejects)
