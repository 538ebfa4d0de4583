"""The stage's door: every upstream format becomes the same tables, and bad records are kept aside."""

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.errors import PulseError
from pulse_pipeline.interactions import ingest
from pulse_pipeline.schemas import Interactions, Items, Quarantine, RawInteractions

TIME = 1_400_000_000


def review(user: str = "u1", item: str = "i1", **changes: Any) -> dict[str, Any]:
    known = {"overall": 5.0, "reviewerID": user, "asin": item, "unixReviewTime": TIME, "reviewText": "fine"}
    return {key: value for key, value in {**known, **changes}.items() if value != "ABSENT"}


def write_lines(path: Path, records: list[Any]) -> Path:
    lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
    data = b"".join(line + b"\n" for line in lines)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def amazon(path: Path, items: Path | None = None, **settings: Any) -> DomainConfig:
    return DomainConfig(name="Shop", source="amazon-2018", interactions=path, items=items, **settings)


@pytest.fixture(params=["reviews.json", "reviews.json.gz"])
def reviews_path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (review(overall="five"), "rating|dtype"),
        (review(overall=11), "rating|max"),
        (review(overall="ABSENT"), "rating|missing"),
        (review(unixReviewTime=700_000_000), "timestamp|min"),
        (review(unixReviewTime=1_588_687_728_923), "timestamp|max"),
        (review(unixReviewTime="last week"), "timestamp|dtype"),
        (review(unixReviewTime="ABSENT"), "timestamp|missing"),
        (review(reviewerID="ABSENT"), "user_id|nullability"),
        (review(reviewerID=None), "user_id|nullability"),
        (review(reviewerID=["u1"]), "identifiers_are_scalars"),
        (review(asin=""), "item_id|min_length"),
        (b"not json at all", "line is JSON"),
        (
            b'{"overall": NaN, "reviewerID": "u", "asin": "i", "unixReviewTime": 1400000000}',
            "rating|max, rating|nan",
        ),
        (b'{"overall": 5.0, "reviewerID": "u', "line is JSON"),
        (b'{"reviewText": "\xff"}', "line is JSON"),
        (b"[1, 2]", "line is a JSON object"),
        (b"[" * 100_000, "line is JSON"),
    ],
)
def test_a_bad_record_is_quarantined_and_the_good_ones_stay(reviews_path: Path, bad: Any, rule: str) -> None:
    write_lines(reviews_path, [review("u1"), bad, review("u2")])
    read = ingest.read_interactions(amazon(reviews_path))
    RawInteractions.validate(read.frame)
    Quarantine.validate(read.quarantine)
    assert read.frame["user_id"].to_list() == ["u1", "u2"]
    assert read.frame["rating"].to_list() == [5.0, 5.0]
    assert read.frame["timestamp"].to_list() == [TIME, TIME]
    assert read.quarantine.select("source_file", "source_row", "rule").rows() == [
        (reviews_path.name, 2, rule)
    ]
    assert read.source_files == [reviews_path]


def test_the_quarantine_keeps_the_record_as_it_was(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.json", [review(), review(overall="five"), b"half a li"])
    quarantine = ingest.read_interactions(amazon(path)).quarantine
    records = dict(quarantine.select("source_row", "record").iter_rows())
    assert json.loads(records[2])["rating"] == "five"
    assert records[3] == "half a li"


def test_numbers_written_as_text_are_numbers(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.json", [review(overall="4.0", unixReviewTime=str(TIME), reviewerID=7)])
    read = ingest.read_interactions(amazon(path))
    assert read.frame.select("user_id", "rating", "timestamp").rows() == [("7", 4.0, TIME)]
    assert read.quarantine.is_empty()


def test_one_bad_line_among_many_blocks_costs_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulse_pipeline.interactions.sources.json_lines.BLOCK_LINES", 7)
    records: list[Any] = [review(f"u{n}") for n in range(50)]
    records[23] = b"{broken"
    records.insert(10, b"")
    read = ingest.read_interactions(amazon(write_lines(tmp_path / "r.json", records)))
    assert read.frame["user_id"].to_list() == [f"u{n}" for n in range(50) if n != 23]
    assert read.quarantine["source_row"].to_list() == [24]  # blank lines are not counted


@pytest.mark.parametrize("cut", [0.3, 0.9, 0.999])
def test_cut_gzip_is_one_line_that_says_so(tmp_path: Path, cut: float) -> None:
    whole = gzip.compress(b"".join(json.dumps(review(f"u{n}")).encode() + b"\n" for n in range(3000)))
    path = tmp_path / "reviews.json.gz"
    path.write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(PulseError, match=r"reviews\.json\.gz is cut off.*fetch it again") as raised:
        ingest.read_interactions(amazon(path))
    assert "\n" not in str(raised.value)


def test_cut_gzip_with_a_bad_line_is_still_cut(tmp_path: Path) -> None:
    whole = gzip.compress(
        b"broken\n" + b"".join(json.dumps(review(f"u{n}")).encode() + b"\n" for n in range(9000))
    )
    path = tmp_path / "reviews.json.gz"
    path.write_bytes(whole[:-1000])
    with pytest.raises(PulseError, match="is cut off"):
        ingest.read_interactions(amazon(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"x" * 9999)[:12] + b"\x00\x01garbage", "fetch it again"),
        (gzip.compress(b""), "holds no interactions"),
        (gzip.compress(b'{"userId": 1}\n' * 3), r"none of the 3 records.*user_id\|nullability"),
        (b"plain text, not gzip\n", "not gzip data"),
    ],
)
def test_a_useless_file_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "reviews.json.gz"
    path.write_bytes(content)
    with pytest.raises(PulseError, match=message) as raised:
        ingest.read_interactions(amazon(path))
    assert "\n" not in str(raised.value)


def test_a_missing_file_names_domain_and_key(tmp_path: Path) -> None:
    with pytest.raises(PulseError, match=r"Shop: interactions file .*gone\.json is not there"):
        ingest.read_interactions(amazon(tmp_path / "gone.json"))
    with pytest.raises(PulseError, match="is a folder"):
        ingest.read_interactions(amazon(tmp_path))


def test_items_are_one_row_each_and_complete(tmp_path: Path) -> None:
    metadata = [
        {"asin": "i1", "title": "Good <b>Book</b>", "price": "", "category": [], "description": []},
        {
            "asin": "i1",
            "title": "Good Book",
            "brand": "B",
            "price": "$1,012.50",
            "category": ["A &amp; B", ""],
        },
        {
            "asin": "i2",
            "title": '<span class="a-size-medium',
            "price": "$1.00 - $2.00",
            "description": "text",
        },
        {"asin": "elsewhere", "title": "Not ours"},
        {"title": "Nobody's"},
    ]
    reviews = write_lines(tmp_path / "r.json", [review(item=item) for item in ("i3", "i2", "i1", "i1")])
    config = amazon(reviews, write_lines(tmp_path / "m.json.gz", metadata))
    interactions = ingest.clean_interactions(ingest.read_interactions(config).frame, 0).frame
    read = ingest.read_items(config, interactions)
    Items.validate(read.frame)
    assert read.frame.select(
        "item_id", "title", "brand", "categories", "price", "text", "has_text"
    ).rows() == [
        ("i1", "Good Book", "B", ["A & B"], 1012.5, "Good Book. B. A & B", True),
        ("i2", None, None, [], None, "text", True),
        ("i3", None, None, [], None, "", False),
    ]
    assert read.quarantine.select("source_file", "source_row", "rule").rows() == [
        ("m.json.gz", 5, "item_id|nullability")
    ]


def test_without_metadata_items_are_known_by_id_only(tmp_path: Path) -> None:
    config = amazon(write_lines(tmp_path / "r.json", [review(item="b"), review(item="a")]))
    read = ingest.read_items(config, ingest.read_interactions(config).frame)
    assert read.frame.select("item_id", "has_text", "text").rows() == [("a", False, ""), ("b", False, "")]
    assert read.source_files == []


def test_amazon_2023(tmp_path: Path) -> None:
    known = {
        "rating": 4.0,
        "title": "T",
        "text": "X",
        "asin": "v",
        "parent_asin": "p",
        "timestamp": 1_588_687_728_923,
    }
    rows = [{**known, "user_id": "u1"}, {**known, "user_id": "u2", "timestamp": "soon"}]
    metadata = {
        "parent_asin": "p",
        "title": "Lamp",
        "store": "S",
        "price": 9.5,
        "main_category": "Home",
        "categories": [],
        "description": [],
        "features": ["bright", "small"],
    }
    config = DomainConfig(
        name="Shop",
        source="amazon-2023",
        interactions=write_lines(tmp_path / "r.jsonl.gz", rows),
        items=write_lines(
            tmp_path / "m.jsonl.gz", [metadata, {**metadata, "price": "from 3", "categories": None}]
        ),
    )
    read = ingest.read_interactions(config)
    assert read.frame.rows() == [("u1", "p", 4.0, 1_588_687_728, "T", "X")]
    assert read.quarantine["rule"].to_list() == ["timestamp|dtype"]
    items = ingest.read_items(config, read.frame).frame
    assert items.select("price", "text").rows() == [(9.5, "Lamp. S. Home. bright small")]


CSV = (
    "userId,movieId,rating,timestamp\n1,10,4.5,1400000000\n1,11,x,1400000001\n2,10,3.0,1400000002\n"
    "2,10\n2,11,1,1,1\n"
)
MOVIES = 'movieId,title,genres\n10,"Odd, The (1999)",Drama|Comedy\n11,Café (2000),(no genres listed)\n'
DAT = "1::10::4.5::1400000000\n1::11::x::1400000001\n2::10::3.0::1400000002\n2::10\n2::11::1::1::1\n"


@pytest.mark.parametrize("layout", ["csv", "dat"])
@pytest.mark.parametrize("by_folder", [True, False])
def test_movielens(tmp_path: Path, layout: str, by_folder: bool) -> None:
    if layout == "csv":
        (tmp_path / "ratings.csv").write_text(CSV)
        (tmp_path / "movies.csv").write_text(MOVIES, encoding="utf-8")
    else:
        (tmp_path / "ratings.dat").write_text(DAT)
        movies = "10::Odd, The (1999)::Drama|Comedy\n11::Café (2000)::(no genres listed)\n"
        (tmp_path / "movies.dat").write_text(movies, encoding="latin-1")

    def path(stem: str) -> Path:
        return tmp_path if by_folder else tmp_path / f"{stem}.{layout}"

    config = DomainConfig(
        name="Films", source="movielens", interactions=path("ratings"), items=path("movies")
    )
    read = ingest.read_interactions(config)
    assert read.frame.select("user_id", "item_id", "rating").rows() == [("1", "10", 4.5), ("2", "10", 3.0)]
    assert sorted(read.quarantine["source_row"]) == [2, 4, 5]
    everything = pl.DataFrame({"item_id": ["10", "11"]})
    items = ingest.read_items(config, everything).frame
    assert items.select("title", "categories").rows() == [
        ("Odd, The (1999)", ["Drama", "Comedy"]),
        ("Café (2000)", []),
    ]


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
        ("log.csv.gz", gzip.compress(b"user_id,item_id\n" + b"abc,def\n" * 9999)[:60], "is cut off"),
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


def test_demo_reads_through_the_same_door() -> None:
    config = DomainConfig(name="Demo_Films", source="demo")
    read = ingest.read_interactions(config)
    interactions = ingest.clean_interactions(read.frame, config.min_interactions, config.name).frame
    items = ingest.read_items(config, interactions).frame
    assert read.quarantine.is_empty()
    assert items["has_text"].all()
    assert set(items["item_id"]) == set(interactions["item_id"])


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
