"""Where a result comes from: content hashes of data, fingerprints of settings, the code's commit."""

import hashlib
import json
import subprocess
from functools import cache
from pathlib import Path
from typing import IO, Any, cast

import polars as pl

ROWS_HASHED_AT_ONCE = 2**18


def content_hash(frame: pl.DataFrame) -> str:
    """Hash a table's columns, types and values; equal tables have equal hashes.

    Args:
        frame: Any table; the order of rows and columns counts.

    Returns:
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=16)
    sink = cast("IO[bytes]", _HashSink(digest))
    # Parquet, unlike Arrow, writes values only: what lies in unused slots of a buffer does not count.
    frame.rechunk().write_parquet(
        sink, compression="uncompressed", statistics=False, row_group_size=ROWS_HASHED_AT_ONCE
    )
    return digest.hexdigest()


def text_hash(text: str) -> str:
    """Hash a text, the key under which its vector is cached (32 hexadecimal digits)."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def fingerprint(settings: Any) -> str:
    """Hash settings that are JSON, whatever the order of their keys (16 hexadecimal digits)."""
    canonical = json.dumps(settings, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=8).hexdigest()


def file_hash(path: Path) -> str:
    """Hash a file's bytes with SHA-256, streaming (64 hexadecimal digits)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def git_sha() -> str | None:
    """The commit this code was checked out at, ``-dirty`` added when changed; None outside git."""
    root = Path(__file__).parent
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None


class _HashSink:
    """A file that hashes what is written to it, so that no copy of the table is made."""

    def __init__(self, digest: "hashlib.blake2b") -> None:
        self._digest = digest

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""
