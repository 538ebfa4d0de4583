import hashlib
import io
import json
import random
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from pulse_pipeline.domains import load_registry
from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home
from pulse_pipeline.interactions.archives import unpack
from pulse_pipeline.interactions.fetch import fetch, snippet
from pulse_pipeline.progress import Task, listening

PAYLOAD = random.Random(0).randbytes(1_500_000)
REVIEWS = "/categoryFilesSmall/Gift_Cards_5.json.gz"
META = "/metaFiles2/meta_Gift_Cards.json.gz"
MOVIES = "/ml-latest-small.zip"


@dataclass
class Site:
    """A server's files and faults, and the requests it got."""

    files: dict[str, bytes] = field(default_factory=dict)
    url: str = ""
    cuts: dict[str, list[int]] = field(default_factory=dict)
    """How many bytes of each answer to send before the connection is cut."""
    ranges: bool = True
    etag: str | None = '"one"'
    statuses: list[int] = field(default_factory=list)
    """Answers to give before the real one."""
    redirect_headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    sent: int = 0
    after_cut: Callable[["Site"], None] = lambda site: None

    def ranges_of(self, path: str) -> list[str | None]:
        return [asked for where, asked in self.asked if where == path]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        site = self.site
        site.asked.append((self.path, self.headers["Range"]))
        body = site.files.get(self.path.removeprefix("/cdn"))
        if site.statuses:
            self.finish_with(site.statuses.pop(0))
        elif site.redirect_headers and not self.path.startswith("/cdn"):
            self.finish_with(302, {"Location": "/cdn" + self.path, **site.redirect_headers})
        elif body is None:
            self.finish_with(404)
        else:
            self.finish_with_body(body)

    def finish_with_body(self, body: bytes) -> None:
        wanted = self.headers["Range"]
        resumes = wanted and self.site.ranges and self.headers["If-Range"] == self.site.etag
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if resumes else 0
        if start and start >= len(body):
            return self.finish_with(416, {"Content-Range": f"bytes */{len(body)}"})
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        if self.site.etag:
            self.send_header("ETag", self.site.etag)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        return self.send_body(body[start:])

    def send_body(self, body: bytes) -> None:
        cuts = self.site.cuts.get(self.path)
        size = cuts.pop(0) if cuts else len(body)
        self.wfile.write(body[:size])
        self.site.sent += len(body[:size])
        if size < len(body):
            self.wfile.flush()
            self.close_connection = True
            self.site.after_cut(self.site)

    def finish_with(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": "0", **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site(files={REVIEWS: PAYLOAD, META: b"meta" * 1000})
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("SiteHandler", (Handler,), {"site": site}))
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def gift_cards(site: Site, home: Home) -> list[Path]:
    return fetch("amazon-2018", ["Gift_Cards"], home, base_url=site.url, pause=0.01)


def left_over(home: Home) -> list[str]:
    return [path.name for path in home.root.rglob("*") if ".part" in path.name or path.suffix == ".gz"]


def test_a_cut_connection_is_taken_up_where_it_broke(site: Site, home: Home) -> None:
    site.cuts = {REVIEWS: [700_000]}
    reviews, meta = gift_cards(site, home)
    assert reviews == home.data / "amazon-2018" / "Gift_Cards" / "Gift_Cards_5.json.gz"
    assert reviews.read_bytes() == PAYLOAD
    assert meta.read_bytes() == site.files[META]
    assert site.ranges_of(REVIEWS) == [None, "bytes=700000-"]
    assert site.sent == len(PAYLOAD) + len(site.files[META])
    assert [path.name for path in reviews.parent.iterdir()].count("Gift_Cards_5.json.gz.part") == 0


def test_a_later_run_goes_on_from_the_part(site: Site, home: Home) -> None:
    site.cuts = {REVIEWS: [400_000] + [0] * 20}
    with pytest.raises(PulseError, match="goes on where it stopped"):
        gift_cards(site, home)
    assert not (home.data / "amazon-2018" / "Gift_Cards" / "Gift_Cards_5.json.gz").exists()
    site.cuts, site.asked = {}, []
    assert gift_cards(site, home)[0].read_bytes() == PAYLOAD
    assert site.ranges_of(REVIEWS) == ["bytes=400000-"]


def test_a_part_that_is_already_whole(site: Site, home: Home) -> None:
    site.cuts = {REVIEWS: [len(PAYLOAD)]}
    folder = home.data / "amazon-2018" / "Gift_Cards"
    folder.mkdir(parents=True)
    (folder / "Gift_Cards_5.json.gz.part").write_bytes(PAYLOAD)
    state = {"url": site.url + REVIEWS, "validator": '"one"'}
    (folder / "Gift_Cards_5.json.gz.part.json").write_text(json.dumps(state))
    assert gift_cards(site, home)[0].read_bytes() == PAYLOAD
    assert site.ranges_of(REVIEWS) == [f"bytes={len(PAYLOAD)}-"]


def test_many_cuts_are_survived_as_long_as_bytes_come(site: Site, home: Home) -> None:
    site.cuts = {REVIEWS: [100_000] * 12}
    assert gift_cards(site, home)[0].read_bytes() == PAYLOAD
    assert len(site.ranges_of(REVIEWS)) == 13


def test_a_server_without_ranges_starts_over(site: Site, home: Home) -> None:
    site.ranges = False
    site.cuts = {REVIEWS: [700_000]}
    assert gift_cards(site, home)[0].read_bytes() == PAYLOAD
    assert site.sent == 700_000 + len(PAYLOAD) + len(site.files[META])


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_mark_nothing_is_resumed(site: Site, home: Home, etag: str | None) -> None:
    site.etag = etag
    site.cuts = {REVIEWS: [700_000]}
    assert gift_cards(site, home)[0].read_bytes() == PAYLOAD
    assert site.ranges_of(REVIEWS) == [None, None]


@pytest.mark.parametrize("size", [200_000, 900_000, 2_000_000])
def test_a_file_that_changed_meanwhile_is_fetched_anew(site: Site, home: Home, size: int) -> None:
    changed = random.Random(1).randbytes(size)

    def change(site: Site) -> None:
        site.etag = '"two"'
        site.files[REVIEWS] = changed

    site.cuts = {REVIEWS: [700_000]}
    site.after_cut = change
    assert gift_cards(site, home)[0].read_bytes() == changed


def test_a_file_that_shrank_under_its_old_mark(site: Site, home: Home) -> None:
    def shrink(site: Site) -> None:
        site.files[REVIEWS] = PAYLOAD[:500_000]

    site.cuts = {REVIEWS: [700_000]}
    site.after_cut = shrink
    assert gift_cards(site, home)[0].read_bytes() == PAYLOAD[:500_000]


def test_a_busy_server_is_asked_again(site: Site, home: Home) -> None:
    site.statuses = [503, 429]
    assert gift_cards(site, home)[0].read_bytes() == PAYLOAD


def test_a_refusal_is_not_repeated(site: Site, home: Home) -> None:
    site.statuses = [403]
    with pytest.raises(PulseError, match="403 Forbidden"):
        gift_cards(site, home)
    assert len(site.asked) == 1


def test_what_is_there_is_not_fetched_again_but_checked(site: Site, home: Home) -> None:
    reviews, _ = gift_cards(site, home)
    site.asked.clear()
    gift_cards(site, home)
    assert site.asked == []
    reviews.write_bytes(PAYLOAD[:-1])
    with pytest.raises(PulseError, match="has changed since it was downloaded"):
        gift_cards(site, home)


def test_an_unknown_name_lists_some_that_exist(site: Site, home: Home) -> None:
    with pytest.raises(
        PulseError, match=r"amazon-2018 has no 'Gift_Crads'.*Magazine_Subscriptions"
    ) as caught:
        fetch("amazon-2018", ["Gift_Crads"], home, base_url=site.url)
    assert "\n" not in str(caught.value)
    assert left_over(home) == []


def test_names_and_sources_are_checked_before_anything_is_asked(site: Site, home: Home) -> None:
    with pytest.raises(PulseError, match="movielens"):
        fetch("amazon", ["Gift_Cards"], home, base_url=site.url)
    with pytest.raises(PulseError, match="cannot be a name"):
        fetch("amazon-2018", ["../../x"], home, base_url=site.url)
    with pytest.raises(PulseError, match="not a web address"):
        fetch("amazon-2018", ["Gift_Cards"], home, base_url="ftp://x")
    assert site.asked == []


def test_offline(home: Home) -> None:
    with pytest.raises(PulseError, match=r"127\.0\.0\.1 cannot be reached"):
        fetch("amazon-2018", ["Gift_Cards"], home, base_url="http://127.0.0.1:9", pause=0.001)


def test_a_full_disk(site: Site, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    with pytest.raises(PulseError, match=r"is full \(1,500,000 bytes to come, 1,000 free\)"):
        gift_cards(site, home)


def test_the_environment_names_a_mirror(site: Site, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_FETCH_URL_AMAZON_2018", site.url + "/")
    assert fetch("amazon-2018", ["Gift_Cards"], home)[0].read_bytes() == PAYLOAD


def test_progress_counts_the_bytes(site: Site, home: Home) -> None:
    ended: list[tuple[str, int, int]] = []

    class Listener:
        def began(self, task: Task) -> None: ...
        def updated(self, task: Task) -> None: ...
        def ended(self, task: Task) -> None:
            ended.append((task.label, task.done, task.total))

    site.cuts = {REVIEWS: [700_000]}
    with listening(Listener()):
        gift_cards(site, home)
    label = "fetch Gift_Cards_5.json.gz"
    assert ended[:2] == [(label, 700_000, 1_500_000), (label, 1_500_000, 1_500_000)]


HUB = ["/raw/review_categories/All_Beauty.jsonl", "/raw/meta_categories/meta_All_Beauty.jsonl"]


def test_the_hub_sends_a_checksum_along_with_its_redirect(site: Site, home: Home) -> None:
    site.files = dict.fromkeys(HUB, PAYLOAD)
    digest = hashlib.sha256(PAYLOAD).hexdigest()
    site.redirect_headers = {"X-Linked-ETag": f'"{digest}"'}
    site.cuts = {"/cdn" + HUB[0]: [300_000]}
    paths = fetch("amazon-2023", ["All_Beauty"], home, base_url=site.url, pause=0.01)
    assert [path.read_bytes() for path in paths] == [PAYLOAD, PAYLOAD]
    assert site.ranges_of("/cdn" + HUB[0]) == [None, "bytes=300000-"]


def test_a_wrong_checksum_leaves_nothing(site: Site, home: Home) -> None:
    site.files = dict.fromkeys(HUB, PAYLOAD)
    site.redirect_headers = {"X-Linked-ETag": '"' + "0" * 64 + '"'}
    with pytest.raises(PulseError, match=r"sha256 is .* published is 000"):
        fetch("amazon-2023", ["All_Beauty"], home, base_url=site.url)
    assert [path for path in home.data.rglob("*") if path.is_file() and path.name != ".fetch.lock"] == []


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()


MOVIELENS = {"ml-latest-small/": b"", "ml-latest-small/ratings.csv": b"r", "ml-latest-small/movies.csv": b"m"}


def movies(site: Site, home: Home) -> list[Path]:
    return fetch("movielens", ["ml-latest-small"], home, base_url=site.url, pause=0.01)


@pytest.mark.parametrize("published", [True, False])
def test_movielens_is_unpacked(site: Site, home: Home, published: bool) -> None:
    site.files[MOVIES] = zipped(MOVIELENS)
    if published:
        digest = hashlib.md5(site.files[MOVIES]).hexdigest()
        site.files[MOVIES + ".md5"] = f"MD5 (ml-latest-small.zip) = {digest}\n".encode()
    ratings, films = movies(site, home)
    assert ratings == home.data / "movielens" / "ml-latest-small" / "ratings.csv"
    assert (ratings.read_bytes(), films.read_bytes()) == (b"r", b"m")
    ratings.parent.rename(home.root / "elsewhere")
    site.asked.clear()
    assert movies(site, home)[0].read_bytes() == b"r"
    assert site.asked == []


def test_movielens_against_its_published_checksum(site: Site, home: Home) -> None:
    site.files |= {MOVIES: zipped(MOVIELENS), MOVIES + ".md5": b"0" * 32}
    with pytest.raises(PulseError, match=r"md5 is .* published is 000"):
        movies(site, home)
    assert [path for path in home.data.rglob("*") if path.is_file() and path.name != ".fetch.lock"] == []


def test_an_archive_without_ratings(site: Site, home: Home) -> None:
    site.files[MOVIES] = zipped({"a/readme": b""})
    with pytest.raises(PulseError, match=r"holds none of ratings\.csv"):
        movies(site, home)


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "..\\evil", "C:/evil", "a/C:evil"])
def test_no_name_leads_out_of_the_archive(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "x.zip"
    archive.write_bytes(zipped({"a/good": b"1", name: b"2"}))
    with pytest.raises(PulseError, match="points out of"):
        unpack(archive, tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_no_link_is_made(tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    link = zipfile.ZipInfo("a/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(link, "/etc/passwd")
    with pytest.raises(PulseError, match="points out of"):
        unpack(archive, tmp_path / "x")


@pytest.mark.parametrize("damage", ["cut", "not a zip", "flipped"])
def test_a_damaged_archive(tmp_path: Path, damage: str) -> None:
    archive = tmp_path / "x.zip"
    whole = bytearray(zipped({"a/x": PAYLOAD[:5000]}))
    if damage == "flipped":
        whole[2000] ^= 255
    archive.write_bytes({"cut": bytes(whole[:3000]), "not a zip": b"<html>", "flipped": bytes(whole)}[damage])
    with pytest.raises(PulseError, match="no sound zip"):
        unpack(archive, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_an_archive_without_a_folder_of_its_own(tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    archive.write_bytes(zipped({"a/x": b"1", "y": b"2", "__MACOSX/z": b"3"}))
    unpack(archive, tmp_path / "x")
    assert sorted(path.relative_to(tmp_path / "x").as_posix() for path in (tmp_path / "x").rglob("*")) == [
        "a",
        "a/x",
        "y",
    ]


def test_the_snippet_is_an_entry_of_the_registry(tmp_path: Path) -> None:
    paths = [tmp_path / "a b: #1.csv", tmp_path / "ünder.csv"]
    text = "domains:\n" + snippet("movielens", "ml-1m", paths) + snippet("movielens", "2018", paths)
    path = tmp_path / "domains.yaml"
    path.write_text(text, encoding="utf-8")
    assert list(yaml.safe_load(text)["domains"]) == ["ml-1m", "2018"]
    assert load_registry(path).domain("ml-1m").interactions == paths[0]
