"""Opening raw files, plain or gzip, with faults told as one line that says how to mend them."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, cast

from pulse_pipeline.errors import PulseError
from pulse_pipeline.progress import track

GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def existing_file(path: Path | None, domain: str, key: str) -> Path:
    """Check that a configured file is there.

    Args:
        path: The file, as configured.
        domain: The domain's name, for the message.
        key: The key in ``domains.yaml``, for the message.

    Returns:
        The path.

    Raises:
        PulseError: It is not configured, missing or no file.
    """
    if path is None:
        raise PulseError(f"{domain}: no `{key}` file is named; add the key to the domain in domains.yaml")
    if not path.exists():
        raise PulseError(f"{domain}: {key} file {path} is not there; fetch it or correct domains.yaml")
    if not path.is_file():
        raise PulseError(f"{domain}: {key} path {path} is a folder; name the file in domains.yaml")
    return path


def is_gzip(path: Path) -> bool:
    """Whether a file holds gzip data, by its first bytes or, failing these, by its name."""
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC or path.suffix == ".gz"


@contextmanager
def damage_reported(path: Path) -> Iterator[None]:
    """Turn what cut or damaged compression raises into one line.

    Raises:
        PulseError: The file is cut off, damaged, no gzip file or may not be read.
    """
    try:
        yield
    except PermissionError as error:
        raise PulseError(f"{path} may not be read; correct its permissions") from error
    except gzip.BadGzipFile as error:
        raise PulseError(f"{path} is not gzip data or is damaged ({error}); fetch it again") from error
    except (EOFError, zlib.error, OSError) as error:
        # polars and zlib word a missing end differently, and both may hide behind OSError.
        cut = isinstance(error, EOFError) or "end of file" in str(error) or "end-of-file" in str(error)
        fault = "is cut off: the gzip data end too early" if cut else f"cannot be read ({error})"
        raise PulseError(f"{path} {fault}; fetch it again") from error


def line_blocks(path: Path, n_lines: int) -> Iterator[list[bytes]]:
    """Read a plain or gzip file in blocks of lines, and report the progress.

    Args:
        path: The file.
        n_lines: Lines a block; the last one may be shorter.

    Yields:
        Lines with their ends, without a byte order mark.

    Raises:
        PulseError: The file is cut off, damaged or may not be read.
    """
    with damage_reported(path), path.open("rb") as raw:
        plain = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if is_gzip(path) else raw
        mark = BYTE_ORDER_MARK
        with track(f"reading {path.name}", path.stat().st_size, "bytes") as task:
            while block := list(islice(plain, n_lines)):
                block[0], mark = block[0].removeprefix(mark), b""
                yield block
                task.advance(raw.tell() - task.done)
