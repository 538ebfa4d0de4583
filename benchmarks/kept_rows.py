"""Rows of figures, kept as JSON and renewed by what they are about."""

import json
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

from pulse_pipeline.files import replacing

Row = dict[str, Any]


def renew(path: Path, rows: list[Row], stale: Callable[[Row], bool]) -> None:
    """Write rows behind those that stand in a file and are not stale."""
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    kept = [row for row in before if not stale(row)]
    with replacing(path) as aside:
        aside.write_text(json.dumps(kept + rows, indent=1) + "\n", encoding="utf-8")


def same(rows: list[Row], *keys: str) -> Callable[[Row], bool]:
    """Whether a row is about the same as one of these: equal under two keys or more."""
    about = itemgetter(*keys)
    renewed = {about(row) for row in rows}
    return lambda row: about(row) in renewed
