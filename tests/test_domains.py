import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.domains import DEMO_DOMAINS, DomainConfig, Registry, load_registry
from pulse_pipeline.errors import PulseError

GOOD = """\
domains:
  Gift_Cards:
    source: amazon-2018
    interactions: data/Gift_Cards_5.json.gz
    items: data/meta_Gift_Cards.json.gz
  Mine:
    source: tabular
    interactions: /abs/mine.csv
    min_interactions: 0
    rationale_users: 25
    text_fields: [title, brand]
    columns: {user_id: reviewer, item_id: product}
  2018:
    source: demo
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "domains.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def fault(folder: Path, text: str) -> str:
    path = write(folder, text)
    with pytest.raises(PulseError) as caught:
        load_registry(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}:")
    return message.removeprefix(f"{path}:")


def test_reads_every_field(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("2018:", "Demo_Films:"))
    registry = load_registry(path)
    assert registry.path == path
    assert registry.names == ["Gift_Cards", "Mine", "Demo_Films"]
    gifts, mine = registry.domain("Gift_Cards"), registry.domain("Mine")
    assert gifts.interactions == tmp_path.resolve() / "data" / "Gift_Cards_5.json.gz"
    assert gifts.min_interactions == 5
    assert gifts.text_fields == ("title", "brand", "categories", "description")
    assert mine.interactions == Path("/abs/mine.csv")
    assert mine.min_interactions == 0
    assert (gifts.rationale_users, mine.rationale_users) == (None, 25)
    assert mine.columns == {"user_id": "reviewer", "item_id": "product"}
    assert mine.items is None


def test_environment_then_working_directory_then_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PULSE_DOMAINS", raising=False)
    assert load_registry().names == list(DEMO_DOMAINS)
    one = "domains:\n  {}:\n    source: tabular\n    interactions: x.csv\n"
    (tmp_path / "domains.yaml").write_text(one.format("Here"))
    assert load_registry().names == ["Here"]
    (tmp_path / "other.yaml").write_text(one.format("Named"))
    monkeypatch.setenv("PULSE_DOMAINS", "other.yaml")
    assert load_registry().names == ["Named"]
    monkeypatch.setenv("PULSE_DOMAINS", "gone.yaml")
    with pytest.raises(PulseError, match=r"gone\.yaml.*PULSE_DOMAINS"):
        load_registry()


def domain(body: str, name: str = "A") -> str:
    return f"domains:\n  {name}:\n{body}"


TABLE = "    source: tabular\n    interactions: x.csv\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            domain("    source: amazn\n    interactions: x\n"),
            3,
            ["A.source", "amazn", "amazon-2018", "tabular"],
        ),
        (domain("    interactions: x\n"), 2, ["A.source", "missing", "movielens"]),
        (domain("    source: movielens\n"), 2, ["A.interactions", "missing", "movielens"]),
        (domain(TABLE + "    colour: red\n"), 5, ["A.colour", "unknown key", "min_interactions"]),
        (domain(TABLE + "    name: B\n"), 5, ["A.name", "unknown key"]),
        (domain(TABLE + "    min_interactions: many\n"), 5, ["A.min_interactions", "many", "whole number"]),
        (domain(TABLE + "    rationale_users: 0\n"), 5, ["A.rationale_users", "0", "whole number"]),
        (domain(TABLE + "    rationale_items: 0\n"), 5, ["A.rationale_items", "0", "whole number"]),
        (domain(TABLE + "    min_interactions: -1\n"), 5, ["A.min_interactions", "-1", "whole number"]),
        (domain(TABLE + "    text_fields: title\n"), 5, ["A.text_fields", "title", "description"]),
        (domain(TABLE + "    text_fields: [colour]\n"), 5, ["A.text_fields", "colour", "description"]),
        (domain(TABLE + "    text_fields: []\n"), 5, ["A.text_fields", "a list of"]),
        (domain(TABLE + "    text_fields: [title, title]\n"), 5, ["A.text_fields", "twice"]),
        (domain(TABLE + "    columns: {user: u}\n"), 5, ["A.columns", "'user'", "user_id"]),
        (domain(TABLE + "    columns: [user_id]\n"), 5, ["A.columns", "a list", "mapping"]),
        (domain(TABLE + "    columns: {user_id: {a: b}}\n"), 5, ["A.columns.user_id", "nested"]),
        (domain(TABLE + "    source: demo\n"), 5, ["source", "twice", "line 3"]),
        (domain("    source: tabular\n    interactions: ''\n"), 4, ["A.interactions", "no path"]),
        (domain("    source: tabular\n    interactions: [x]\n"), 4, ["A.interactions", "a list"]),
        (domain("    source: demo\n"), 2, ["A", "Demo_Films"]),
        (domain("    source: demo\n    items: x\n", "Demo_Films"), 4, ["Demo_Films.items", "demo"]),
        (domain("    source: movielens\n    interactions: x\n    columns: {user_id: u}\n"), 5, ["tabular"]),
        (domain(TABLE) + "  A:\n" + TABLE, 5, ["A", "two domains", "line 2"]),
        (domain(TABLE) + "  a:\n" + TABLE, 5, ["a", "two domains", "line 2"]),
        (domain(TABLE, "../x"), 2, ["../x", "letters, digits"]),
        (domain(TABLE, "'-x'"), 2, ["-x", "letters, digits"]),
        (domain(TABLE, "All"), 2, ["All", "taken"]),
        (domain(TABLE, "all-but-A"), 2, ["all-but-A", "taken"]),
        (domain(TABLE, "report"), 2, ["report", "taken"]),
        ('domains:\n  "a\\nb":\n' + TABLE, 2, ["letters, digits"]),
        ("domains:\n  A: demo\n", 2, ["A", "not a mapping", "source"]),
        ("domains:\n  [A]: {}\n", 2, ["domains", "no text"]),
        ("domains: {}\n", 1, ["domains", "at least one"]),
        ("domains:\n", 1, ["domains", "not a mapping"]),
        ("# nothing\n", 1, ["domains", "empty"]),
        ("", 1, ["domains", "empty"]),
        ("just words\n", 1, ["the file", "mapping", "domains"]),
        ("x: 1\ndomains: {}\n", 1, ["x", "unknown key"]),
        ("domains:\n  A: [\n", 3, ["is not YAML"]),
        ("domains:\n  A: *gone\n", 2, ["is not YAML", "gone"]),
        ("domains: &a\n  A: *a\n", 1, ["A.A", "nested"]),
        ("\x01", 1, ["is not YAML"]),
        ("[" * 5000, 1, ["nested too deep"]),
    ],
)
def test_a_fault_is_one_line_with_its_place(tmp_path: Path, text: str, line: int, words: list[str]) -> None:
    message = fault(tmp_path, text)
    assert message.startswith(f"{line}: ")
    for word in words:
        assert word in message


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "domains.yaml"
    path.write_bytes(b"domains: \xff\xfe")
    with pytest.raises(PulseError, match="UTF-8"):
        load_registry(path)


def test_a_name_may_look_like_a_number(tmp_path: Path) -> None:
    assert load_registry(write(tmp_path, domain(TABLE, "2018"))).names == ["2018"]


@given(st.one_of(st.text(max_size=12), st.from_regex(r"[A-Za-z0-9_.-]{1,12}", fullmatch=True)))
def test_an_accepted_name_is_a_plain_file_name(name: str) -> None:
    try:
        DomainConfig(name=name, source="tabular", interactions=Path("x"))
    except ValueError:
        plain = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", name)
        assert not plain or name.lower() in ("all", "report") or name.lower().startswith("all-but-")
    else:
        assert Path(name).name == name
        assert name not in (".", "..")
        assert name.isascii()


def registry(n: int) -> Registry:
    names = [f"D{i}" for i in range(n)]
    return Registry(
        {name: DomainConfig(name=name, source="movielens", interactions=Path("x")) for name in names}
    )


def test_one_domain_has_no_joint_mix() -> None:
    assert registry(1).mixes == ["D0"]
    with pytest.raises(PulseError, match="no training mix 'all'"):
        registry(1).members("all")


@given(st.integers(2, 6))
def test_mixes_cover_the_domains(n: int) -> None:
    some = registry(n)
    assert some.mixes == [*some.names, "all", *(f"all-but-{name}" for name in some.names)]
    assert some.members("all") == some.names
    for name in some.names:
        assert some.members(name) == [name]
        assert sorted([*some.members(f"all-but-{name}"), name]) == some.names


def test_unknown_names_are_answered_with_the_known() -> None:
    with pytest.raises(PulseError, match="D0, D1"):
        registry(2).domain("D7")
    with pytest.raises(PulseError, match="all-but-D1"):
        registry(2).members("all-but-D7")


@pytest.mark.parametrize("where", [".", "./"])
def test_a_folder_is_a_path(tmp_path: Path, where: str) -> None:
    path = write(tmp_path, domain(f"    source: movielens\n    interactions: {where}\n"))
    assert load_registry(path).domain("A").interactions == tmp_path.resolve()
