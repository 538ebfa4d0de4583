"""Whole files or none: write aside, then rename, so that a reader never meets half a file."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a sibling path to write to; on success it takes the place of `path` in one step.

    Works for a file and for a directory. On any error what was written aside is removed and
    `path` stays as it was.

    Args:
        path: The final place; its parent is made if missing.

    Yields:
        A path beside `path` that does not exist yet, with the same suffix.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}.{uuid.uuid4().hex}{path.suffix}")
    try:
        yield aside
        _swap(aside, path)
    finally:
        _remove(aside)


def _swap(aside: Path, path: Path) -> None:
    if not path.is_dir():
        aside.replace(path)
        return
    # A directory that holds files cannot be replaced in one call: the old one steps aside first.
    old = path.with_name(f".{path.name}.{uuid.uuid4().hex}.old")
    path.replace(old)
    aside.replace(path)
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
