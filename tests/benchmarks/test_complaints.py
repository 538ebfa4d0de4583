"""Complaints cost an item what they should, of what is known and of nothing else."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from benchmarks import complaints
from benchmarks.bets_page import write_page
from benchmarks.complaints import OTHERS, TEXTS, Complaining, Complaints, Domain
from benchmarks.kept_rows import renew, same
from pulse_pipeline.thought_space.assemble import assemble
from tests.evaluation.ablations.test_ablations import CONFIG, USERS, WORDS, encode, tables


def reviewed(splits=(), text="kite kite kite"):
    """Every item of every user is reviewed, those of some splits in other words."""
    words = np.random.default_rng(1).choice(WORDS, (len(tables().interactions), 3))
    own = pl.Series([" ".join(row) for row in words])
    changed = pl.when(pl.col("split_loo").is_in(splits)).then(pl.lit(text)).otherwise(own)
    return tables().interactions.with_columns(review_title=pl.lit(None, pl.String), review_text=changed)


def domain(name="shop", interactions=None, centre=None):
    interactions = reviewed() if interactions is None else interactions
    data = assemble(name, "loo", interactions, tables().item_embeddings.drop("thought"))
    return Domain(data, Complaints.read(data, interactions, encode, centre))


class Even:
    """Scores that know nothing."""

    name = "even"

    def score(self, data, users, phase):
        return np.tile(np.linspace(0, 1, data.n_items, dtype=np.float32), (len(users), 1))


def test_what_is_alike_costs_and_the_rest_does_not():
    found = domain()
    users = found.data.evaluated_users("test")
    items = found.complaints.of_items
    lowered = Even().score(found.data, users, "test") - Complaining(
        Even(), found.complaints, items, 1.0
    ).score(found.data, users, "test")
    about = np.stack([found.complaints.about(u, found.data.history(u, "test")) for u in users])
    assert about.any(axis=1).sum() > USERS // 2
    assert lowered.min() >= -1e-6
    assert (lowered > 1e-4).any()
    assert np.array_equal(lowered > 1e-5, about @ items.T > 1e-5 / np.linspace(0, 1, len(items)).std())


def test_who_complained_of_nothing_is_ranked_as_before():
    found = domain()
    silent = replace(found.complaints, of_users=[{} for _ in found.data.user_ids])
    users = found.data.evaluated_users("test")
    scores = Complaining(Even(), silent, silent.of_items, 2.0).score(found.data, users, "test")
    assert np.array_equal(scores, Even().score(found.data, users, "test"))


@pytest.mark.parametrize(("phase", "later"), [("valid", ("valid", "test")), ("test", ("test",))])
def test_nothing_is_read_of_what_is_to_be_predicted(phase, later):
    one, other = domain(), domain(interactions=reviewed(later))
    users = one.data.evaluated_users(phase)
    read = [
        Complaining(Even(), each.complaints, each.complaints.of_items, 1.0).score(each.data, users, phase)
        for each in (one, other)
    ]
    assert one.complaints.fingerprint != other.complaints.fingerprint
    assert np.array_equal(*read)


def test_abroad_nothing_is_read_of_what_others_said():
    """Whoever complains in training says something else; the one who is asked does not."""
    asked = pl.col("user_id") == "u05"
    changed = reviewed().with_columns(
        review_text=pl.when(asked).then("review_text").otherwise(pl.lit("kite kite kite"))
    )
    centre = np.full(encode(["kite"]).shape[1], 0.01, dtype=np.float32)
    one, other = domain(centre=centre), domain(interactions=changed, centre=centre)
    user = np.array([one.data.user_ids.index("u05")])
    read = [
        Complaining(Even(), each.complaints, each.against(TEXTS), 1.0).score(each.data, user, "test")
        for each in (one, other)
    ]
    assert one.complaints.about(int(user[0]), one.data.history(int(user[0]), "test")).any()
    assert np.array_equal(*read)


def test_abroad_complaints_are_centred_by_what_the_sources_said():
    given = []
    sources = [domain("films"), domain("games", reviewed(["train"], "silk tea"))]
    list(complaints.abroad(lambda centre: given.append(centre) or domain(centre=centre), sources, CONFIG))
    first, second = (source.complaints.centre for source in sources)
    assert not np.allclose(first, second)
    assert np.allclose(given, (first + second) / 2)


def test_rows_at_home_and_abroad_stand_on_the_page(tmp_path):
    shop, films = domain(), domain("films")
    rows = [
        *complaints.at_home(shop, CONFIG, range(2), tmp_path / "kept"),
        *complaints.abroad(lambda centre: domain(centre=centre), [films], CONFIG),
    ]
    assert {(row["reader"], row["minus"]) for row in rows} == {
        *((reader, what) for reader in ("untrained", "trained") for what in (OTHERS, TEXTS)),
        ("zero-shot", TEXTS),
    }
    for row in rows:
        assert row["difference"] == pytest.approx(row["ndcg@10"] - row["without"])
        assert 0 < row["users_who_complained"] <= row["n_users"]
    whole, last = (
        next(row["users_who_complained"] for row in rows if row["users"] == users)
        for users in ("all", "only the last item known")
    )
    assert last < whole
    out = tmp_path / "bets.json"
    renew(out, rows, same(rows, *complaints.KEY))
    write_page(out)
    assert f"| {complaints.BET} | {TEXTS} | shop | nobody |" in out.with_suffix(".md").read_text()
    assert len(json.loads(out.read_text())) == len(rows)


def test_what_was_trained_is_not_trained_again(tmp_path, monkeypatch):
    first = list(complaints.at_home(domain(), CONFIG, range(1), tmp_path))
    monkeypatch.setattr(complaints, "train", None)
    assert list(complaints.at_home(domain(), CONFIG, range(1), tmp_path)) == first
    assert not list(tmp_path.rglob("*.safetensors"))
