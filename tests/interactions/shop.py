"""A small shop in Amazon's layout, written line by line."""

import gzip
import json
from pathlib import Path
from typing import Any

from pulse_pipeline.domains import DomainConfig

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
