"""A whole run over a shop whose reviews and titles are written by those who want to steer or break it."""

import re
from itertools import cycle

import polars as pl
import pytest
from typer.testing import CliRunner

from assets.project import Project
from pulse_pipeline.cli import app
from pulse_pipeline.commands.materialise import materialise
from pulse_pipeline.domains import DomainConfig, Registry
from pulse_pipeline.rationales.spec import Ceilings
from pulse_pipeline.settings import Settings
from tests.rationales.injections import INJECTIONS
from tests.resources.fakes import FakeCausalModel, FakeLanguageModel, FakeTextEncoder

# The stand-in repeats what it reads: most of its answers are rejected, which is not what is looked at here.
CHECKS = Ceilings.model_fields
SETTINGS = Settings.model_validate(
    {"rationales": {"min_valid_rate": 0.0, "most_rejected": dict.fromkeys(CHECKS, 1.0)}}
)
ASSETS = "raw_interactions,interactions,items,neighbours,rationales,item_rationales"
FAKES = {
    "language_model": FakeLanguageModel(),
    "text_encoder": FakeTextEncoder(),
    "causal_model": FakeCausalModel(),
}
TEXTS = list(INJECTIONS.values())
STEERING = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
LENGTH = 6


def _shop(folder, name, *, hostile):
    """One villain for each injection, and calm people who choose the same things."""
    users = [*(f"villain-{n}" for n in range(len(TEXTS))), *(f"calm-{n}" for n in range(8))]
    rows = [
        {
            "user_id": user,
            "item_id": f"i{(n + 7 * position) % len(TEXTS)}",
            "timestamp": 1_400_000_000 + 1_000_000 * position + n,
            "rating": 4.0,
            "review_text": TEXTS[n]
            if hostile and user.startswith("villain")
            else f"calm number {n} and light {position}",
        }
        for n, user in enumerate(users)
        for position in range(LENGTH)
    ]
    pl.DataFrame(rows).write_parquet(folder / f"{name}.parquet")
    return DomainConfig(
        name=name,
        source="tabular",
        interactions=folder / f"{name}.parquet",
        items=folder / "items.parquet",
        min_interactions=0,
    )


@pytest.mark.timeout(240)
def test_a_run_over_hostile_texts_leaves_the_others_and_the_log_alone(tmp_path, monkeypatch, capfd, caplog):
    titles = [text or "nothing" for text in TEXTS]
    pl.DataFrame({"item_id": [f"i{n}" for n in range(len(titles))], "title": titles}).write_parquet(
        tmp_path / "items.parquet"
    )
    shops = {name: _shop(tmp_path, name, hostile=name == "Hostile") for name in ("Calm", "Hostile")}
    monkeypatch.setenv("PULSE_HOME", str(tmp_path / "home"))
    with caplog.at_level("DEBUG"):
        materialise(Project(Registry(shops), SETTINGS), ASSETS, list(shops), FAKES)

    calm, hostile = (
        pl.read_parquet(tmp_path / "home" / "storage" / "rationales" / f"{name}.parquet") for name in shops
    )
    named = ["user_id", "kind", "target_position", "history_hash", "rationale", "valid", "reject_reason"]
    others = pl.col("user_id").str.starts_with("calm")
    assert len(hostile.filter(others)) >= 8
    assert hostile.filter(others).select(named).equals(calm.filter(others).select(named))
    assert len(hostile) == len(calm)
    assert all(text.isprintable() for text in hostile["rationale"])

    told = capfd.readouterr()
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "Hostile" in told.err + told.out + logged
    for text in (told.out, told.err, logged):
        assert not STEERING.search(text)


def test_what_a_command_prints_of_a_row_steers_no_terminal(tmp_path, monkeypatch):
    monkeypatch.setenv("PULSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULSE_DOMAINS", str(tmp_path / "domains.yaml"))
    titles = ["\x1b[2J\x1b[31mred\x1b]0;title\x07", "[red]\u202egnp[/]", "plain"]
    pl.DataFrame({"item_id": ["a", "b", "c"], "title": titles}).write_parquet(tmp_path / "items.parquet")
    shop = _shop(tmp_path, "Mine", hostile=False)
    log = pl.read_parquet(shop.interactions)
    chosen = [item for item, _ in zip(cycle("abc"), range(len(log)), strict=False)]
    log.with_columns(item_id=pl.Series(chosen)).write_parquet(shop.interactions)
    (tmp_path / "domains.yaml").write_text(
        "domains:\n"
        "  Mine: {source: tabular, interactions: Mine.parquet, items: items.parquet, min_interactions: 0}\n"
    )
    materialise(
        Project(Registry({"Mine": shop}), SETTINGS), "raw_interactions,interactions,items", ["Mine"], FAKES
    )
    for item in "ab":
        shown = CliRunner().invoke(app, ["lineage", "items", "--domain", "Mine", "--row", item])
        assert shown.exit_code == 0
        assert "title:" in shown.output
        assert not STEERING.search(shown.output)
