"""Files of one JSON object a line: fast while all is well, careful where a line is not.

Polars reads a whole file at about a million lines a second but gives up at the first line that is
not what the schema says. Then the file is read again in blocks with loose types; only a block that
fails again is taken apart line by line. So a good file costs nothing for the care, and a bad line
costs one block.
"""

import glob
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pulse_pipeline.interactions.sources.open_file import damage_reported, line_blocks
from pulse_pipeline.interactions.sources.raw_table import SOURCE_ROW, Reject, quarantine

BLOCK_LINES = 20_000
NOT_JSON = "line is JSON"
NOT_OBJECT = "line is a JSON object"

Schema = Mapping[str, pl.DataType]


def read_json_lines(
    path: Path, schema: Schema, only: pl.Expr | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read a `.json`, `.jsonl` or `.gz` file of one object a line.

    Args:
        path: The file.
        schema: The keys to read, with their types: strings, numbers or lists of strings. A key
            that a record lacks is null.
        only: Rows to keep, so that a file that is larger than memory can be read for a part of it.

    Returns:
        The rows with `SOURCE_ROW`, and the lines that hold no object. Where a value is not of its
        column's type all number columns come as strings, for the contract to cast and judge.

    Raises:
        PulseError: The file is cut off or damaged.
    """
    try:
        with damage_reported(path):
            rows = (
                # A file name is a name, not a pattern.
                pl.scan_ndjson(glob.escape(str(path)), schema=dict(schema))
                .with_row_index(SOURCE_ROW, offset=1)
                .filter(pl.lit(True) if only is None else only)
                .collect(engine="streaming")
            )
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        loose = {name: _loose(dtype) for name, dtype in schema.items()}
        return _read_carefully(path, loose, pl.lit(True) if only is None else only)
    return rows.with_columns(pl.col(SOURCE_ROW).cast(pl.Int64)), quarantine(path.name)


def _loose(dtype: pl.DataType) -> pl.DataType:
    return dtype if isinstance(dtype, pl.List) else pl.String()


def _read_carefully(path: Path, schema: Schema, only: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    frames = [pl.DataFrame(schema={**schema, SOURCE_ROW: pl.Int64()})]
    rejects: list[Reject] = []
    for first_row, lines in _blocks(path):
        frame, bad = _parse_block(lines, first_row, schema)
        frames.append(frame.filter(only))
        rejects += bad
    return pl.concat(frames), quarantine(path.name, rejects)


def _blocks(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the number of a block's first record, and its lines without the blank ones."""
    row = 1
    for block in line_blocks(path, BLOCK_LINES):
        lines = [line for line in block if line.strip()]
        yield row, lines
        row += len(lines)


def _parse_block(lines: list[bytes], first_row: int, schema: Schema) -> tuple[pl.DataFrame, list[Reject]]:
    try:
        frame = pl.read_ndjson(io.BytesIO(b"".join(lines)), schema=dict(schema))
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        return _parse_lines(lines, first_row, schema)
    numbers = pl.int_range(first_row, first_row + frame.height, dtype=pl.Int64, eager=True)
    return frame.with_columns(numbers.alias(SOURCE_ROW)), []


def _parse_lines(lines: list[bytes], first_row: int, schema: Schema) -> tuple[pl.DataFrame, list[Reject]]:
    columns: dict[str, list[Any]] = {name: [] for name in (*schema, SOURCE_ROW)}
    rejects: list[Reject] = []
    for row, line in enumerate(lines, first_row):
        record, rule = _parse_line(line)
        if record is None:
            rejects.append(Reject(row, rule, line.decode(errors="replace").rstrip("\r\n")))
            continue
        columns[SOURCE_ROW].append(row)
        for name, dtype in schema.items():
            value = record.get(name)
            columns[name].append(_texts(value) if isinstance(dtype, pl.List) else _text(value))
    return pl.DataFrame(columns, schema={**schema, SOURCE_ROW: pl.Int64()}), rejects


def _parse_line(line: bytes) -> tuple[dict[str, Any] | None, str]:
    """The object on a line; without one, the rule that the line broke."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested without end
        return None, NOT_JSON
    return (record, "") if isinstance(record, dict) else (None, NOT_OBJECT)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode(errors="replace").decode()  # half a surrogate pair is valid JSON but no text


def _texts(value: Any) -> list[str | None] | None:
    if value is None:
        return None
    return [_text(element) for element in value] if isinstance(value, list) else [_text(value)]
