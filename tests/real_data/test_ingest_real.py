"""Ingest of real data, as far as it is at hand: the counts that the data's own notes state."""

import os
from pathlib import Path

import polars as pl
import pytest

from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.errors import PulseError
from pulse_pipeline.interactions import ingest
from pulse_pipeline.schemas import Interactions, Items

DATA = Path(__file__).parents[2] / os.environ.get("PULSE_TEST_DATA", "../shared/data")
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the real data is not here; set PULSE_TEST_DATA to its folder"
)


def raw_amazon(name: str, with_items: bool = True) -> DomainConfig:
    folder = DATA / "amazon-2018" / "raw"
    items = folder / f"meta_{name}.json.gz" if with_items else None
    return DomainConfig(
        name=name, source="amazon-2018", interactions=folder / f"{name}_5.json.gz", items=items
    )


def normalised(folder: str, **settings: object) -> DomainConfig:
    path = DATA / folder
    files = {"interactions": path / "interactions.parquet", "items": path / "items.parquet"}
    return DomainConfig.model_validate({"name": path.name, "source": "tabular", **files, **settings})


def ingested(config: DomainConfig) -> tuple[dict[str, int], ingest.Ingested]:
    read = ingest.read_interactions(config)
    assert read.quarantine.is_empty()
    cleaned = ingest.clean_interactions(read.frame, config.min_interactions, config.name)
    Interactions.validate(cleaned.frame)
    items = ingest.read_items(config, cleaned.frame)
    Items.validate(items.frame)
    assert items.frame.height == cleaned.counts["items"]
    return cleaned.counts, items


@pytest.mark.parametrize(
    ("config", "rows", "users", "n_items", "with_text"),
    [
        (raw_amazon("Gift_Cards"), 2941, 453, 147, 147),
        (raw_amazon("Magazine_Subscriptions"), 2027, 294, 132, 128),
        (raw_amazon("All_Beauty", with_items=False), 686, 137, 24, 0),
        (normalised("amazon-2018/Office_Products"), 2342, 385, 218, 218),
        (normalised("amazon-2018/Industrial_and_Scientific"), 1744, 275, 149, 149),
        (normalised("movielens/ml-100k", min_interactions=0), 100_000, 943, 1682, 1682),
        (
            normalised("amazon-2014/Beauty", columns={"title": "textual_id"}),
            198_502,
            22_363,
            12_101,
            12_100,  # the keywords of one item are blank
        ),
    ],
    ids=lambda value: value.name if isinstance(value, DomainConfig) else None,
)
def test_counts(config: DomainConfig, rows: int, users: int, n_items: int, with_text: int) -> None:
    counts, items = ingested(config)
    assert (counts["rows_out"], counts["users"], counts["items"]) == (rows, users, n_items)
    assert items.frame["has_text"].sum() == with_text


def test_no_markup_is_left_in_magazine_titles() -> None:
    _, items = ingested(raw_amazon("Magazine_Subscriptions"))
    assert not items.frame["text"].str.contains(r"<[a-z/]|&[a-z]+;").any()


def test_nothing_is_left_of_appliances() -> None:
    with pytest.raises(PulseError, match="Appliances: nothing is left of 2,277 interactions"):
        ingested(raw_amazon("Appliances", with_items=False))


def test_positions_are_those_of_the_source_where_there_are_no_times() -> None:
    config = normalised("amazon-2018/Video_Games", min_interactions=0)
    read = ingest.read_interactions(config)
    frame = ingest.clean_interactions(read.frame, 0).frame
    source = pl.read_parquet(config.interactions or "")
    joined = frame.join(source, on=["user_id", "item_id", "position"], how="inner")
    assert joined.height == frame.height == source.height
    assert frame["split_temporal"].null_count() == frame.height
