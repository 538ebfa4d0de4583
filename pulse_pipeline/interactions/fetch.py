"""Public data sets, downloaded into the home: what ``pulse fetch`` does.

Sources know their addresses and files here; `download` moves the bytes and `archives` unpacks them.
"""

import json
import os
import re
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml
from filelock import FileLock, Timeout

from pulse_pipeline.errors import PulseError
from pulse_pipeline.files import replacing
from pulse_pipeline.home import Home
from pulse_pipeline.interactions.archives import unpack
from pulse_pipeline.interactions.download import Checksum, NotThereError, client, download, fetch_text
from pulse_pipeline.provenance import file_hash

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Upstream:
    """Where a source's files lie.

    Attributes:
        base_url: The root of all addresses; a mirror has the same layout below its own.
        files: Addresses below the root, with ``{name}``.
        known: Some names that exist, for whoever mistypes one.
    """

    base_url: str
    files: tuple[str, ...]
    known: tuple[str, ...]


UPSTREAMS = {
    "amazon-2018": Upstream(
        "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_v2",
        ("categoryFilesSmall/{name}_5.json.gz", "metaFiles2/meta_{name}.json.gz"),
        (
            "Gift_Cards",
            "Magazine_Subscriptions",
            "Industrial_and_Scientific",
            "Office_Products",
            "Video_Games",
        ),
    ),
    "amazon-2023": Upstream(
        "https://huggingface.co/datasets/McAuley-Lab/Amazon-Reviews-2023/resolve/main",
        ("raw/review_categories/{name}.jsonl", "raw/meta_categories/meta_{name}.jsonl"),
        ("Gift_Cards", "Magazine_Subscriptions", "All_Beauty", "Office_Products", "Video_Games"),
    ),
    "movielens": Upstream(
        "https://files.grouplens.org/datasets/movielens",
        ("{name}.zip",),
        ("ml-latest-small", "ml-1m", "ml-10m", "ml-25m", "ml-32m"),
    ),
}

# The ratings and the films of a MovieLens archive; ml-100k has neither and no reader.
_MOVIELENS_FILES = (("ratings.csv", "ratings.dat"), ("movies.csv", "movies.dat"))


def fetch(
    source: str, names: list[str], home: Home, *, base_url: str | None = None, pause: float = 0.5
) -> list[Path]:
    """Download data sets; what is already there is only checked.

    Args:
        source: A key of `UPSTREAMS`.
        names: Categories or data sets of the source.
        home: Files go to ``<home>/data/<source>/<name>/``, their hashes to ``data/checksums.json``.
        base_url: A mirror; by default ``PULSE_FETCH_URL_<SOURCE>`` (such as
            ``PULSE_FETCH_URL_AMAZON_2018``), else the publisher.
        pause: Seconds before the first retry of a broken connection.

    Returns:
        For each name two paths: interactions, items.

    Raises:
        PulseError: Unknown source or name, no connection, disk full, wrong checksum.
    """
    if source not in UPSTREAMS:
        raise PulseError(f"'{source}' is not a source to fetch from; there are: {', '.join(UPSTREAMS)}")
    for name in names:
        if not _NAME.fullmatch(name):
            raise PulseError(f"'{name}' cannot be a name of {source}; some are: {_some(source)}")
    root = _root(source, base_url)
    paths: list[Path] = []
    with _alone(home), client() as http:
        for name in names:
            addresses = [f"{root}/{file.format(name=name)}" for file in UPSTREAMS[source].files]
            one = _Fetch(source, name, home, http, pause)
            paths += one.archive(addresses[0]) if source == "movielens" else one.plain(addresses)
    return paths


def snippet(source: str, name: str, paths: list[Path]) -> str:
    """The entry of ``domains.yaml`` for a fetched data set, to go below ``domains:``.

    Args:
        source: As given to `fetch`.
        name: One of the names given to `fetch`.
        paths: The two paths that `fetch` returned for it.
    """
    interactions, items = paths
    entry = {name: {"source": source, "interactions": str(interactions), "items": str(items)}}
    return textwrap.indent(yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=10_000), "  ")


def _root(source: str, base_url: str | None) -> str:
    variable = f"PULSE_FETCH_URL_{source.upper().replace('-', '_')}"
    root = base_url or os.environ.get(variable) or UPSTREAMS[source].base_url
    if not root.startswith(("http://", "https://")):
        raise PulseError(f"'{root}' is not a web address; set {variable} to one that begins with https://")
    return root.rstrip("/")


def _some(source: str) -> str:
    return ", ".join(UPSTREAMS[source].known)


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Two fetches at once would append to the same parts."""
    home.made().data.mkdir(exist_ok=True)
    try:
        with FileLock(home.data / ".fetch.lock", timeout=0):
            yield
    except Timeout as error:
        raise PulseError(f"another fetch into {home.data} is running; wait for it to end") from error


@dataclass(frozen=True)
class _Fetch:
    """One data set on its way into the home."""

    source: str
    name: str
    home: Home
    http: httpx.Client
    pause: float

    def plain(self, addresses: list[str]) -> list[Path]:
        """Files that are used as they come."""
        folder = self.home.data / self.source / self.name
        targets = [folder / address.rsplit("/", 1)[1] for address in addresses]
        for address, target in zip(addresses, targets, strict=True):
            self._get(address, target, lambda: None)
        return targets

    def archive(self, address: str) -> list[Path]:
        """A zip, unpacked beside itself."""
        zipped = self.home.data / self.source / f"{self.name}.zip"
        folder = zipped.with_suffix("")
        fresh = self._get(address, zipped, lambda: self._published_md5(address))
        if fresh or not folder.is_dir():
            unpack(zipped, folder)
        return [self._one_of(folder, names) for names in _MOVIELENS_FILES]

    def _get(self, address: str, target: Path, published: Callable[[], Checksum | None]) -> bool:
        """Download or check a file; True if it is new."""
        book = _Checksums(self.home)
        if target.exists() and book.knows(target):
            book.verify(target)
            return False
        try:
            download(self.http, address, target, expected=published(), pause=self.pause)
        except NotThereError as error:
            raise PulseError(
                f"{self.source} has no '{self.name}' ({address} is not there); some are: {_some(self.source)}"
            ) from error
        book.record(target, address)
        return True

    def _published_md5(self, address: str) -> Checksum | None:
        text = fetch_text(self.http, f"{address}.md5", self.pause) or ""
        found = re.search(r"\b[0-9a-f]{32}\b", text.lower())
        return Checksum("md5", found[0]) if found else None

    def _one_of(self, folder: Path, names: tuple[str, ...]) -> Path:
        for name in names:
            if (folder / name).is_file():
                return folder / name
        raise PulseError(
            f"{self.source} {self.name} holds none of {', '.join(names)}; some others: {_some(self.source)}"
        )


class _Checksums:
    """``data/checksums.json``: the SHA-256 that each file had when it came."""

    def __init__(self, home: Home) -> None:
        self._root = home.data
        self._path = home.data / "checksums.json"

    def knows(self, target: Path) -> bool:
        return self._key(target) in self._read()

    def verify(self, target: Path) -> None:
        if file_hash(target) != self._read()[self._key(target)]["sha256"]:
            raise PulseError(f"{target} has changed since it was downloaded; delete it to download it again")

    def record(self, target: Path, address: str) -> None:
        book = self._read()
        book[self._key(target)] = {"sha256": file_hash(target), "url": address}
        with replacing(self._path) as aside:
            aside.write_text(json.dumps(book, indent=2, sort_keys=True) + "\n", encoding="utf-8")

    def _read(self) -> dict[str, dict[str, str]]:
        if not self._path.exists():
            return {}
        try:
            book: dict[str, dict[str, str]] = json.loads(self._path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise PulseError(f"{self._path} is not JSON ({error}); delete it to record anew") from error
        return book

    def _key(self, target: Path) -> str:
        return target.relative_to(self._root).as_posix()
