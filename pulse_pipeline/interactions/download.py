"""One file over HTTP: resumed where it broke off, checked, and in place only when whole.

pooch was tried first: it checks hashes but downloads to a file of a random name that it deletes on
failure, so that nothing is left to resume.
"""

import errno
import hashlib
import json
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from pulse_pipeline.errors import PulseError
from pulse_pipeline.files import replacing
from pulse_pipeline.progress import track

RETRIES = 4
_BUSY = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Checksum:
    """What a file's bytes must hash to.

    Attributes:
        algorithm: The hash function.
        digest: Its value, in lower-case hexadecimal digits.
    """

    algorithm: Literal["md5", "sha256"]
    digest: str


class NotThereError(PulseError):
    """The server has no such file."""


class _TryAgainError(Exception):
    """This attempt failed in a way that another may mend."""


def client() -> httpx.Client:
    """A client that follows redirects, as data hubs send large files from elsewhere."""
    return httpx.Client(follow_redirects=True, timeout=30.0, headers={"Accept-Encoding": "identity"})


def download(
    http: httpx.Client, url: str, target: Path, *, expected: Checksum | None = None, pause: float = 0.5
) -> None:
    """Download a file, going on from an earlier attempt's part where the server allows.

    Args:
        http: From `client`.
        url: The file's address.
        target: Where it goes; until it is whole and checked, its bytes wait in ``<target>.part``.
        expected: The published checksum; where None, one that the server sends along is used.
        pause: Seconds before the first retry, doubled each time.

    Raises:
        NotThereError: The server does not know the address.
        PulseError: Server not reached, refused, disk full, or the bytes are not those published.
    """
    part = _part(target)
    part.parent.mkdir(parents=True, exist_ok=True)
    failures, furthest = 0, _size(part)
    while True:
        try:
            sent_along = _attempt(http, url, part)
            break
        except (httpx.TransportError, _TryAgainError) as error:
            # Every byte gained counts as success, so that a weak line gets through in the end.
            failures = 1 if _size(part) > furthest else failures + 1
            furthest = max(furthest, _size(part))
            if failures > RETRIES:
                raise PulseError(_unreached(url, error)) from error
            time.sleep(pause * 2 ** (failures - 1))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PulseError(f"{url} cannot be fetched: {error}") from error
        except OSError as error:
            raise PulseError(_unwritten(part, error)) from error
    _check(part, url, expected or sent_along)
    part.replace(target)
    _state(part).unlink(missing_ok=True)


def fetch_text(http: httpx.Client, url: str, pause: float = 0.5) -> str | None:
    """A short text, such as a published checksum; None where the server has none.

    Raises:
        PulseError: The server cannot be reached.
    """
    for failures in range(RETRIES + 1):
        try:
            response = http.get(url)
        except httpx.TransportError as error:
            if failures == RETRIES:
                raise PulseError(_unreached(url, error)) from error
            time.sleep(pause * 2**failures)
        else:
            return response.text if response.is_success else None
    return None


def _attempt(http: httpx.Client, url: str, part: Path) -> Checksum | None:
    """Fetch what is missing of `part`; returns the checksum that the server sends along."""
    have, validator = _resumable(part, url)
    headers = {"Range": f"bytes={have}-", "If-Range": validator} if have else {}
    with http.stream("GET", url, headers=headers) as response:
        if response.status_code == 416:
            if response.headers.get("Content-Range") == f"bytes */{have}":
                return _sent_along(response)
            part.unlink()
            raise _TryAgainError("the file on the server has become shorter")
        _refuse_errors(response, url)
        if response.status_code != 206:
            have = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink(missing_ok=True)
            raise _TryAgainError("the server sent another range than it was asked for")
        if have == 0:
            _start(part, url, response)
        _receive(response, part, have)
        return _sent_along(response)


def _resumable(part: Path, url: str) -> tuple[int, str]:
    """How many bytes can be kept and the mark of the version they belong to; 0 without a mark."""
    try:
        state = json.loads(_state(part).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return 0, ""
    if state.get("url") != url or not state.get("validator"):
        return 0, ""
    return _size(part), str(state["validator"])


def _start(part: Path, url: str, response: httpx.Response) -> None:
    """Begin anew, and note the version. The old part goes first, or a crash could mix the two."""
    part.unlink(missing_ok=True)
    etag = response.headers.get("ETag", "")
    # A weak ETag does not promise the same bytes, and servers must not resume on one (RFC 9110, 13.1.5).
    validator = response.headers.get("Last-Modified", "") if etag.startswith("W/") or not etag else etag
    with replacing(_state(part)) as aside:
        aside.write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")


def _receive(response: httpx.Response, part: Path, have: int) -> None:
    length = int(response.headers.get("Content-Length", 0))
    free = shutil.disk_usage(part.parent).free
    if length > free:
        raise OSError(errno.ENOSPC, f"{length:,} bytes to come, {free:,} free")
    # Appended in place, not written aside: what is there when the line breaks is the next start.
    label = f"fetch {part.name.removesuffix('.part')}"
    with part.open("ab") as file, track(label, have + length, "bytes") as task:
        task.advance(have)
        # As they arrive: a larger chunk would be lost where the line breaks before it is full.
        for chunk in response.iter_raw():
            file.write(chunk)
            task.advance(len(chunk))
    if length and _size(part) != have + length:
        raise _TryAgainError(f"{_size(part):,} of {have + length:,} bytes came")


def _refuse_errors(response: httpx.Response, url: str) -> None:
    status = response.status_code
    if status in (404, 410):
        raise NotThereError(f"{url} does not exist")
    if status in _BUSY:
        raise _TryAgainError(f"the server answers {status} {response.reason_phrase}")
    if status not in (200, 206):
        raise PulseError(f"{url}: the server answers {status} {response.reason_phrase}; check the address")


def _sent_along(response: httpx.Response) -> Checksum | None:
    """The SHA-256 that the Hugging Face hub sends with files it keeps in large-file storage."""
    for answer in (*response.history, response):
        linked = answer.headers.get("X-Linked-ETag", "").strip('"')
        if re.fullmatch(r"[0-9a-f]{64}", linked):
            return Checksum("sha256", linked)
    return None


def _check(part: Path, url: str, checksum: Checksum | None) -> None:
    if checksum is None:
        return
    with part.open("rb") as file:
        found = hashlib.file_digest(file, checksum.algorithm).hexdigest()
    if found != checksum.digest:
        part.unlink()
        _state(part).unlink(missing_ok=True)
        raise PulseError(
            f"{url}: {checksum.algorithm} is {found}, published is {checksum.digest}; "
            "what came was deleted, run the command again"
        )


def _unreached(url: str, error: Exception) -> str:
    host = httpx.URL(url).host
    return (
        f"{host} cannot be reached ({str(error) or type(error).__name__}); check the connection and run the "
        "command again, it goes on where it stopped"
    )


def _unwritten(part: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"the disk of {part.parent} is full ({error.strerror}); make room and run the command again"
    return f"{part} cannot be written ({error.strerror}); check its rights"


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _state(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
