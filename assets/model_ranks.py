"""The ranks behind an evaluation's figures: each lies beside its table, the report gathers them."""

from pathlib import Path

import polars as pl

from assets.materialisation import Materialisation
from assets.project import Project
from pulse_pipeline.files import replacing
from pulse_pipeline.home import Home
from pulse_pipeline.schemas import ModelRanks
from resources.storage import table_path

RANKS_FILE = "ranks.parquet"
RANKED = ("in_domain_evaluation", "cross_domain_evaluation", "seed_evaluation")
"""The evaluations that keep ranks, in the order of precedence."""


def keep_ranks(work: Materialisation, ranks: list[pl.DataFrame]) -> None:
    """Lay the ranks behind the figures beside them, in the home and in MLflow."""
    path = _path(Home.from_environment(), work.asset, work.partition)
    with replacing(path) as aside:
        pl.concat([ModelRanks.create_empty(), *ranks]).write_parquet(aside, compression="zstd")
    work.run.artifact(RANKS_FILE, path.read_bytes())


def all_ranks(project: Project) -> pl.DataFrame:
    """The ranks behind all evaluations of the home, of each model once."""
    home, names = Home.from_environment(), project.registry.names
    partitions = [*names, *(f"{mix}|{name}" for mix in project.registry.mixes for name in names)]
    paths = [_path(home, asset, partition) for asset in RANKED for partition in partitions]
    tables = [pl.read_parquet(path, glob=False) for path in paths if path.exists()]
    return pl.concat([ModelRanks.create_empty(), *tables]).unique(
        pl.exclude("item_id", "rank"), keep="first", maintain_order=True
    )


def _path(home: Home, asset: str, partition: str | None) -> Path:
    return table_path(home, f"model_ranks/{asset}", partition)
