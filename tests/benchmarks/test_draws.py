"""Draws are averaged text by text, and only draws about the same histories are."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from benchmarks import draws
from benchmarks.kept_rows import renew, same
from tests.evaluation.ablations.test_ablations import CONFIG, encode, tables, vectors


def told(seed):
    """The tables' rationales in other words."""
    written = tables().rationales
    texts = pl.Series(np.random.default_rng(seed).permutation(written["rationale"].to_numpy()))
    return written.with_columns(
        rationale=texts, vector=vectors(texts), encoder=pl.lit("e"), encoder_revision=pl.lit("1")
    )


def test_the_mean_of_each_text_is_over_the_draws_that_hold_it():
    first, second = told(1), told(2).reverse()
    lacking = second.filter(pl.col("user_id") != "u03")
    mean = draws.averaged([first, lacking])
    assert mean.select("user_id", "kind", "target_position").equals(
        first.select("user_id", "kind", "target_position")
    )
    ours, theirs = first["vector"].to_numpy(), second.reverse()["vector"].to_numpy()
    alone = (first["user_id"] == "u03").to_numpy()
    expected = np.where(alone[:, None], ours, (ours + theirs) / 2)
    assert np.allclose(mean["vector"].to_numpy(), expected, atol=1e-6)
    assert mean.schema["vector"] == first.schema["vector"]


def test_what_only_a_further_draw_holds_is_left_out():
    first = told(1).filter(pl.col("user_id") != "u03")
    assert "u03" not in draws.averaged([first, told(2)])["user_id"]


def test_rows_hold_the_average_against_one_draw_and_none(home):
    first = replace(tables(), item_rationales=tables().item_rationales.with_columns(model=pl.lit("m")))
    first = replace(first, rationales=first.rationales.with_columns(model=pl.lit("folder/m")))
    rows = list(draws.figures("shop", first, [told(1), told(2)], encode, CONFIG, seeds=range(1)))
    assert {(row["minus"], row["draws"], row["writer"]) for row in rows} == {
        (minus, 3, "m") for minus in ("one of them", "one of them, both in full", "no rationales")
    }
    for row in rows:
        assert row["difference"] == pytest.approx(row["ndcg@10"] - row["without"])
    assert any(row["difference"] for row in rows)


def kept(home, table, about):
    for name, frame in {"rationales": about, "rationale_embeddings": table}.items():
        path = home / "storage" / name / "shop.parquet"
        path.parent.mkdir(parents=True)
        frame.write_parquet(path)
    return home


@pytest.fixture
def first():
    columns = {"history_hash": pl.lit("h"), "model": pl.lit("m"), "spec_fingerprint": pl.lit("one")}
    return replace(
        tables(), rationales=tables().rationales.with_columns(**columns), rationale_embeddings=told(0)
    )


def test_a_draw_counts_once(first, tmp_path):
    other = first.rationales.with_columns(spec_fingerprint=pl.lit("two"))
    root = kept(tmp_path, told(1), other)
    assert len(draws._further([root], "shop", first)) == 1
    with pytest.raises(SystemExit, match="set another rationales"):
        draws._further([root, root], "shop", first)


def test_draws_are_about_the_same_histories(first, tmp_path):
    root = kept(tmp_path, told(1), first.rationales.with_columns(history_hash=pl.lit("other")))
    with pytest.raises(SystemExit, match="of other histories"):
        draws._further([root], "shop", first)


def test_draws_are_read_by_one_encoder(first, tmp_path):
    other = first.rationales.with_columns(spec_fingerprint=pl.lit("two"))
    root = kept(tmp_path, told(1).with_columns(encoder_revision=pl.lit("2")), other)
    with pytest.raises(SystemExit, match="by another encoder"):
        draws._further([root], "shop", first)


def test_rows_of_the_average_leave_those_of_other_bets(tmp_path):
    out = tmp_path / "bets.json"
    row = {"domain": "shop", "writer": "m", "minus": "no rationales", "sources": None}
    for bet in ("user rationales", draws.BET, "user rationales"):
        rows = [row | {"bet": bet}]
        renew(out, rows, same(rows, *draws.KEY))
    assert [kept_row["bet"] for kept_row in json.loads(out.read_text())] == [draws.BET, "user rationales"]


def test_a_home_without_the_domain_says_so(first, tmp_path):
    with pytest.raises(SystemExit, match="rationales of shop is not there yet"):
        draws._further([tmp_path], "shop", first)
