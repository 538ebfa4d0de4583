"""Amazon's layouts: every record is a row or is kept aside with the rule it broke."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.errors import PulseError
from pulse_pipeline.interactions import ingest
from pulse_pipeline.schemas import Items, Quarantine, RawInteractions
from tests.interactions.shop import TIME, amazon, review, write_lines


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
        (gzip.compress(b"x" * 9999, mtime=0)[:12] + b"\x00\x01garbage", "fetch it again"),
        (gzip.compress(b"", mtime=0), "holds no interactions"),
        (gzip.compress(b'{"userId": 1}\n' * 3, mtime=0), r"none of the 3 records.*user_id\|nullability"),
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
