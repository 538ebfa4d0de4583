"""The whole pipeline on real data with the real models: raw files and Parquet, about 60 users a domain."""

import gzip
import json
import os
import subprocess
import sys

import polars as pl
import pytest

from pulse_pipeline.commands.serving import load, recommend
from pulse_pipeline.home import Home

# One run serves all tests: on old cores it takes the first of them beyond the usual limit.
pytestmark = pytest.mark.timeout(1200)

DOMAINS = ("Gift_Cards", "Office_Products")
USERS, WRITTEN_FOR = 60, 20
SETTINGS = "thought_space: {epochs: 2}\n"


def _slice_raw(source, target):
    """The reviews of the most active users, as they lie in the upstream file."""
    lines = gzip.decompress(source.read_bytes()).decode().splitlines()
    owners = pl.Series([json.loads(line)["reviewerID"] for line in lines])
    chosen = set(owners.value_counts(sort=True).sort("count", "", descending=True)[""].head(USERS))
    kept = [line for line, owner in zip(lines, owners, strict=True) if owner in chosen]
    target.write_bytes(gzip.compress("\n".join(kept).encode()))


@pytest.fixture(scope="module")
def real_home(real_data, tmp_path_factory):
    root = tmp_path_factory.mktemp("real")
    raw = real_data / "amazon-2018" / "raw"
    _slice_raw(raw / "Gift_Cards_5.json.gz", root / "Gift_Cards.json.gz")
    office = pl.read_parquet(real_data / "amazon-2018" / "Office_Products" / "interactions.parquet")
    users = (
        office.group_by("user_id")
        .len()
        .sort("len", "user_id", descending=[True, False])["user_id"]
        .head(USERS)
    )
    office.filter(pl.col("user_id").is_in(users.implode())).write_parquet(root / "Office.parquet")
    (root / "domains.yaml").write_text(
        "domains:\n"
        "  Gift_Cards:\n"
        "    source: amazon-2018\n"
        "    interactions: Gift_Cards.json.gz\n"
        f"    items: {raw / 'meta_Gift_Cards.json.gz'}\n"
        "    min_interactions: 3\n"
        f"    rationale_users: {WRITTEN_FOR}\n"
        "  Office_Products:\n"
        "    source: tabular\n"
        "    interactions: Office.parquet\n"
        f"    items: {real_data / 'amazon-2018' / 'Office_Products' / 'items.parquet'}\n"
        "    min_interactions: 0\n"
        f"    rationale_users: {WRITTEN_FOR}\n"
    )
    (root / "quick.yaml").write_text(SETTINGS)
    done = subprocess.run(
        [sys.executable, "-m", "pulse_pipeline.cli", "run", "--config", "quick.yaml"],
        cwd=root,
        env={**os.environ, "PULSE_HOME": str(root / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Zero-shot transfer" in done.stdout
    return Home(root / "home")


def test_real_rationales_are_written_by_the_real_model(real_home):
    for domain in DOMAINS:
        table = pl.read_parquet(real_home.storage / "rationales" / f"{domain}.parquet")
        assert table["user_id"].n_unique() > WRITTEN_FOR / 2
        assert table["valid"].mean() > 0.5
        assert set(table["model"]) == {"HuggingFaceTB/SmolLM2-135M-Instruct"}
        assert table["rationale"].n_unique() > len(table) / 2


def test_the_report_shows_all_domains_and_their_transfer(real_home):
    figures = pl.DataFrame(
        json.loads((real_home.report / "metrics.json").read_text()), infer_schema_length=None
    )
    assert set(figures["dataset"]) == set(DOMAINS)
    for target in DOMAINS:
        assert len(figures.filter(train_mix=f"all-but-{target}", dataset=target, model="PULSE")) > 0
    assert (real_home.report / "index.html").stat().st_size > 10_000


def test_a_real_user_gets_unseen_items_and_a_reason(real_home, monkeypatch):
    served = load(real_home, "Office_Products")
    user = next(user for user in served.data.user_ids if user in served.rationales)
    answer = recommend(served, user, 5)
    seen = {served.data.item_ids[item] for item in served.data.sequences[served.user(user)]}
    assert len(answer["recommendations"]) == 5
    assert not seen & {item["item_id"] for item in answer["recommendations"]}
    assert answer["rationale"]
