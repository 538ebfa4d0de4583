"""CSV files with a header: fast while all is well, careful where a row is not.

Every column is read as text; the contract casts. Polars refuses a file with one bad row; then the
file is read again record by record, and the bad ones are set aside. A quote that never closes
costs its own line, not the rest of the file.
"""

import csv
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import polars as pl

from pulse_pipeline.errors import PulseError
from pulse_pipeline.interactions.sources.open_file import damage_reported, line_blocks
from pulse_pipeline.interactions.sources.raw_table import SOURCE_ROW, Reject, quarantine

NOT_UTF8 = "row is UTF-8"
NOT_QUOTED = "quotes are closed"
WRONG_WIDTH = "row has the header's number of fields"
BLOCK_LINES = 20_000
LONGEST_RECORD_LINES = 500
OPEN_QUOTE = "unexpected end of data"  # how the csv module words it
_DUPLICATED = re.compile(r"_duplicated_\d+$")  # what polars makes of a name that stands there twice


def read_csv(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read a `.csv` or `.csv.gz` file.

    Args:
        path: The file; its first line names the columns.

    Returns:
        The rows as text with `SOURCE_ROW`, and the records that are no rows. An empty field is null.

    Raises:
        PulseError: The file is empty, cut off or damaged, or names a column twice.
    """
    try:
        with damage_reported(path):
            rows = pl.scan_csv(path, infer_schema=False, glob=False).collect()
    except pl.exceptions.NoDataError as error:
        raise PulseError(f"{path} is empty; it needs a header line that names the columns") from error
    except pl.exceptions.ComputeError:
        return _read_carefully(path)
    _check_names([_DUPLICATED.sub("", name) for name in rows.columns], path)
    if rows.width and rows.to_series(rows.width - 1).null_count():
        # A row with too few fields looks as if its last ones were empty.
        return _read_carefully(path)
    return rows.with_columns(_numbers(rows.height).alias(SOURCE_ROW)), quarantine(path.name)


def _check_names(names: list[str], path: Path) -> None:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise PulseError(f"{path} names two columns '{twice}'; give each its own name")


def _numbers(n: int) -> pl.Series:
    return pl.int_range(1, n + 1, dtype=pl.Int64, eager=True)


def _read_carefully(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    blocks = line_blocks(path, BLOCK_LINES)
    lines = (line.decode(errors="surrogateescape") for line in chain.from_iterable(blocks))
    records = _records(lines)
    header, fault, text = next(records, ([], "", ""))
    if fault or not header:
        raise PulseError(f"{path} has no header line that can be read ({text!r}); name the columns there")
    _check_names(header, path)
    columns: list[list[str | None]] = [[] for _ in header]
    numbers: list[int] = []
    rejects: list[Reject] = []
    for row, (fields, fault, record) in enumerate(records, start=1):
        broken = fault or _broken_rule(fields, len(header), record)
        if broken:
            rejects.append(Reject(row, broken, _printable(record)))
            continue
        numbers.append(row)
        for column, value in zip(columns, fields, strict=True):
            column.append(value or None)
    data = {name: pl.Series(values, dtype=pl.String) for name, values in zip(header, columns, strict=True)}
    rows = pl.DataFrame({**data, SOURCE_ROW: pl.Series(numbers, dtype=pl.Int64)})
    return rows, quarantine(path.name, rejects)


def _broken_rule(fields: list[str], width: int, record: str) -> str:
    if len(fields) != width:
        return WRONG_WIDTH
    # Bytes that are no UTF-8 came through as lone surrogates.
    return "" if record.isascii() or _printable(record) == record else NOT_UTF8


def _printable(record: str) -> str:
    return (
        record.rstrip("\r\n").encode(errors="replace").decode() if not record.isascii() else record.rstrip()
    )


def _records(lines: Iterable[str]) -> Iterator[tuple[list[str], str, str]]:
    """Yield each record's fields, the rule it broke ("" for none) and its text; blank lines are skipped."""
    source = iter(lines)
    pending: deque[str] = deque()
    while pending or (pending := deque(islice(source, 1))):
        if not pending[0].strip():
            pending.popleft()
            continue
        fields, fault, span = _parse(pending, source)
        yield fields, fault, "".join(pending.popleft() for _ in range(span))


def _parse(pending: deque[str], source: Iterator[str]) -> tuple[list[str], str, int]:
    """Parse the record that begins with the first pending line; a quoted field may span lines."""
    span = 1
    while True:
        try:
            return next(csv.reader(islice(pending, span), strict=True)), "", span
        except csv.Error as error:
            if OPEN_QUOTE not in str(error) or span == LONGEST_RECORD_LINES:
                return [], NOT_QUOTED, 1
        if span == len(pending):
            following = next(source, None)
            if following is None:
                return [], NOT_QUOTED, 1
            pending.append(following)
        span += 1
