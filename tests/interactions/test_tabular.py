"""Anyone's own tables: csv, JSON lines, Parquet."""

import datetime as dt
import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.errors import PulseError
from pulse_pipeline.interactions import ingest
from pulse_pipeline.schemas import Interactions, RawInteractions
from tests.interactions.shop import TIME

TABLE = pl.DataFrame(
    {
        "reviewer": ["a", "a", "b"],
        "product": ["x", "y", "x"],
        "rating": [5, 1, 3],
        "timestamp": [TIME, TIME + 1, TIME],
    }
)


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet"])
def test_tabular_kinds_read_alike(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"log.{kind}"
    if kind == "parquet":
        TABLE.write_parquet(path)
    else:
        text = TABLE.write_csv() if "csv" in kind else TABLE.write_ndjson()
        path.write_bytes(gzip.compress(text.encode()) if kind.endswith("gz") else text.encode())
    columns = {"user_id": "reviewer", "item_id": "product"}
    config = DomainConfig(name="Own", source="tabular", interactions=path, columns=columns)
    read = ingest.read_interactions(config)
    RawInteractions.validate(read.frame)
    assert read.frame.select("user_id", "item_id", "rating", "timestamp").rows() == [
        ("a", "x", 5.0, TIME),
        ("a", "y", 1.0, TIME + 1),
        ("b", "x", 3.0, TIME),
    ]
    assert read.quarantine.is_empty()
    plain = DomainConfig(name="Own", source="tabular", interactions=path)
    with pytest.raises(PulseError, match=r"no column 'user_id' for user_id.*columns"):
        ingest.read_interactions(plain)


def test_position_orders_where_there_is_no_time(tmp_path: Path) -> None:
    table = {"user_id": ["u"] * 4, "item_id": list("dbca"), "position": [3, 1, 2, 0]}
    pl.DataFrame(table).write_parquet(tmp_path / "log.parquet")
    config = DomainConfig(name="Own", source="tabular", interactions=tmp_path / "log.parquet")
    frame = ingest.clean_interactions(ingest.read_interactions(config).frame, 0).frame
    assert frame["item_id"].to_list() == list("abcd")
    assert frame["split_temporal"].null_count() == 4
    assert frame["split_loo"].to_list() == ["train", "train", "valid", "test"]
    Interactions.validate(frame)


@pytest.mark.parametrize(
    ("rows", "bad_rows", "rule"),
    [
        (b"a,x,1\nb\nc,z,2\n", [2], "row has the header's number of fields"),
        (b'a,x,1\nb,"y,1\nc,z,2\n', [2], "quotes are closed"),
        (b"a,x,1\nb,y,1,9\nc,z,2\n", [2], "row has the header's number of fields"),
        (b"a,x,1\nb,\xff,1\nc,z,2\n", [2], "row is UTF-8"),
        (b'a,x,1\nb,"y ""q""\nmore",1\n\nc,"z" z,2\n', [3], "quotes are closed"),
    ],
)
def test_bad_csv_rows_are_set_aside_one_by_one(
    tmp_path: Path, rows: bytes, bad_rows: list[int], rule: str
) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"user_id,item_id,rating\n" + rows)
    read = ingest.read_interactions(DomainConfig(name="Own", source="tabular", interactions=path))
    assert read.frame["user_id"][0] == "a"
    assert read.quarantine.select("source_row", "rule").rows() == [(row, rule) for row in bad_rows]
    assert len(read.frame) == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("log.csv", b"", "is empty"),
        ("log.csv", b"\n\xff\n", "no column 'user_id'|no header line"),
        ("log.csv", b' "\n', "no header line|no column"),
        ("log.csv", b"user_id,item\n1,2\n", "no column 'item_id'.*user_id, item"),
        ("log.parquet", b"PAR1 no parquet", "cannot be read as Parquet"),
        ("log.xlsx", b"x", "unknown kind of table"),
        ("log.csv.gz", gzip.compress(b"user_id,item_id\n" + b"abc,def\n" * 9999, mtime=0)[:60], "is cut off"),
    ],
)
def test_a_useless_table_is_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(PulseError, match=message) as raised:
        ingest.read_interactions(DomainConfig(name="Own", source="tabular", interactions=path))
    assert "\n" not in str(raised.value)


def test_tabular_items_with_text_columns(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("sku,name,categories,price\ni1,Lamp,Home|Light,$3\ni1,Lamp,,\n")
    (tmp_path / "log.csv").write_text("user_id,sku\nu,i1\n")
    config = DomainConfig(
        name="Own",
        source="tabular",
        interactions=tmp_path / "log.csv",
        items=tmp_path / "items.csv",
        columns={"item_id": "sku", "title": "name"},
    )
    interactions = ingest.read_interactions(config).frame
    items = ingest.read_items(config, interactions).frame
    assert items.select("title", "categories", "price", "text").rows() == [
        ("Lamp", ["Home", "Light"], 3.0, "Lamp. Home, Light")
    ]


@pytest.mark.parametrize("suffix", ["json", "csv", "parquet"])
def test_a_file_name_is_no_pattern(tmp_path: Path, suffix: str) -> None:
    """Beside `set[1]` lies `set1`, which the brackets would match as a pattern."""
    for name, user in (("set[1]", "named"), ("set1", "other")):
        frame = pl.DataFrame({"user_id": [user], "item_id": ["i"]})
        path = tmp_path / f"{name}.{suffix}"
        write = {"json": frame.write_ndjson, "csv": frame.write_csv, "parquet": frame.write_parquet}
        write[suffix](path)
    config = DomainConfig(
        name="Mine", source="tabular", interactions=tmp_path / f"set[1].{suffix}", min_interactions=0
    )
    assert ingest.read_interactions(config).frame["user_id"].to_list() == ["named"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("user_id", [["u"]]),
        ("rating", [[4.0]]),
        ("rating", [{"stars": 4}]),
        ("timestamp", [dt.timedelta(days=1)]),
        ("review_text", [[["nested"]]]),
    ],
)
def test_a_parquet_column_of_a_type_that_cannot_be_ours_is_one_line(
    tmp_path: Path, column: str, values: list[Any]
) -> None:
    path = tmp_path / "mine.parquet"
    pl.DataFrame({"user_id": ["u"], "item_id": ["i"], **{column: values}}).write_parquet(path)
    config = DomainConfig(name="Mine", source="tabular", interactions=path)
    with pytest.raises(PulseError, match=f"column '{column}' .* which cannot be {column}") as raised:
        ingest.read_interactions(config)
    assert "\n" not in str(raised.value)


def test_categorical_columns_are_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    frame = pl.DataFrame({"user_id": ["u"], "item_id": ["i"]})
    frame.with_columns(pl.col("user_id").cast(pl.Categorical)).write_parquet(path)
    config = DomainConfig(name="Mine", source="tabular", interactions=path)
    assert ingest.read_interactions(config).frame["user_id"].to_list() == ["u"]


def test_a_row_with_too_few_fields_is_set_aside_in_a_clean_file_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"user_id,item_id,rating,timestamp\nu,i,4,{TIME}\nu,j,5\n")
    config = DomainConfig(name="Mine", source="tabular", interactions=path)
    read = ingest.read_interactions(config)
    assert read.frame["item_id"].to_list() == ["i"]
    assert read.quarantine["rule"].to_list() == ["row has the header's number of fields"]


def test_a_column_named_twice_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    for rows in ("u,i,j\n", "u,i,j\nv,i\n"):
        path.write_text("user_id,item_id,item_id\n" + rows)
        with pytest.raises(PulseError, match="names two columns 'item_id'"):
            ingest.read_interactions(DomainConfig(name="Mine", source="tabular", interactions=path))


def test_the_items_file_may_have_names_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,product,step\nu,i2,1\nu,i1,0\n")
    items = [
        '{"id": "i1", "name": "Lamp", "categories": "Home|Light", "price": -1}',
        '{"id": "i2", "name": "Rug", "categories": ["Home", "Floor"]}',
        '{"id": "i3", "name": "Not ours"}',
    ]
    (tmp_path / "items.jsonl").write_text("\n".join(items))
    config = DomainConfig(
        name="Mine",
        source="tabular",
        interactions=tmp_path / "log.csv",
        items=tmp_path / "items.jsonl",
        columns={"item_id": "product", "position": "step"},
        item_columns={"item_id": "id", "title": "name"},
    )
    interactions = ingest.read_interactions(config).frame
    assert interactions["item_id"].to_list() == ["i1", "i2"]
    read = ingest.read_items(config, interactions)
    assert read.frame.select("item_id", "title", "categories", "price").rows() == [
        ("i1", "Lamp", ["Home", "Light"], None),
        ("i2", "Rug", ["Home", "Floor"], None),
    ]
    assert read.quarantine.is_empty()


def test_a_row_that_lacks_the_time_that_others_have_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"user_id,item_id,timestamp\nu,i,{TIME}\nu,j,\nu,k,{TIME + 1}\n")
    read = ingest.read_interactions(DomainConfig(name="Mine", source="tabular", interactions=path))
    assert read.frame["item_id"].to_list() == ["i", "k"]
    assert read.quarantine.select("source_row", "rule").rows() == [(2, "timestamp|missing")]


def test_a_row_without_a_place_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("user_id,item_id,position\nu,i,2\nu,j,x\nu,k,1\nu,l,\n")
    read = ingest.read_interactions(DomainConfig(name="Mine", source="tabular", interactions=path))
    assert read.frame["item_id"].to_list() == ["k", "i"]
    assert read.quarantine.select("source_row", "rule").rows() == [
        (2, "position is a number"),
        (4, "position is a number"),
    ]
