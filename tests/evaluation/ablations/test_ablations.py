"""Every arm changes what it says, is compared on the same users, and is never trained twice."""

from itertools import repeat

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from pulse_pipeline.evaluation.ablations import run
from pulse_pipeline.evaluation.ablations.arms import ARMS
from pulse_pipeline.evaluation.ablations.material import Material, Tables
from pulse_pipeline.evaluation.ablations.settings import AblationSettings
from pulse_pipeline.evaluation.in_domain import DIFFERENCE
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.geometry import has_text
from tests.resources.fakes import FakeTextEncoder

WIDTH, USERS, LENGTH = 32, 40, 6
WORDS = np.array(["wool", "silk", "tea", "rain", "drum", "moss", "salt", "lamp", "fern", "kite"])
CONFIG = ThoughtSpaceConfig(device="cpu", epochs=1, attention_width=16, full_softmax_items=1000)
SETTINGS = AblationSettings(run=("no rationales", "no attention", "BM25"), seeds=(0, 1))


class _Spec:
    dimensions = WIDTH


def encode(texts):
    return FakeTextEncoder().encoder(_Spec).encode(texts)


def vectors(texts):
    return pl.Series(encode(texts.to_list()).reshape(-1, WIDTH), dtype=pl.Array(pl.Float32, WIDTH))


def tables(*, bare=False):
    rng = np.random.default_rng(0)
    items = [f"i{n}" for n in range(30)]
    rows = [
        {"user_id": f"u{u:02}", "item_id": item, "position": n, "rating": float(rng.integers(1, 6))}
        for u in range(USERS)
        for n, item in enumerate(rng.choice(items, LENGTH, replace=False))
    ]
    splits = ["train"] * (LENGTH - 2) + ["valid", "test"]
    interactions = pl.DataFrame(rows).with_columns(
        timestamp=None if bare else pl.col("position").cast(pl.Int64),
        review_text=pl.lit(None, pl.String),
        split_loo=pl.Series(splits * USERS),
        split_temporal=pl.lit(None, pl.String),
    )
    catalogue = pl.DataFrame(
        {
            "item_id": items,
            "title": [" ".join(rng.choice(WORDS, 2)) for _ in items],
            "thought": [" ".join(rng.choice(WORDS, 5)) for _ in items],
        }
    ).with_columns(text=pl.col("title") + pl.lit(" of ") + pl.Series(rng.choice(WORDS, len(items))))
    cuts = [("foresight", LENGTH - 2), ("foresight", LENGTH - 3), ("hindsight", LENGTH - 3)]
    written = pl.DataFrame(
        [
            {"user_id": user, "kind": kind, "target_position": cut, "rationale": " ".join(words)}
            for user in interactions["user_id"].unique().sort()
            for kind, cut in cuts
            for words in [rng.choice(WORDS, 4)]
        ]
    ).with_columns(valid=True)
    thought_of = pl.lit(not bare) & (pl.col("item_id") != "i3")
    embeddings = catalogue.select(
        "item_id", vector=vectors(catalogue["text"]), thought=vectors(catalogue["thought"])
    ).with_columns(pl.when(thought_of).then("thought").alias("thought"))
    kept = written.head(0) if bare else written
    refined = written.filter(kind="foresight", target_position=LENGTH - 2).head(9)
    return Tables(
        interactions.with_columns(rating=None if bare else pl.col("rating")),
        catalogue.with_columns(title=pl.col("text")) if bare else catalogue,
        embeddings,
        kept,
        kept.with_columns(vector=vectors(kept["rationale"])),
        catalogue.select("item_id", valid=True, rationale="thought"),
        refined.with_columns(kind=pl.lit("refined"), rationale=pl.lit("kite lamp")),
        refined.with_columns(
            kind=pl.lit("refined"), target_position=LENGTH - 3, rationale=pl.lit("kite lamp")
        ),
    )


def read_otherwise(texts):
    return np.hstack([encode(texts), np.ones((len(texts), 1), np.float32)])


def material(**options):
    return Material("shop", "loo", tables(**options), encode, another=read_otherwise)


@pytest.fixture(scope="module")
def whole():
    return material()


def applicable(found):
    return {name for name, arm in ARMS.items() if arm.applies(found)}


def test_an_arm_runs_where_there_is_something_to_take_away(whole):
    assert applicable(whole) == set(ARMS)
    assert applicable(Material("shop", "loo", tables(), encode)) == {*ARMS} - {"another encoder"}
    assert applicable(material(bare=True)) == {
        "no next-item loss",
        "frozen encoder",
        "another encoder",
        "nothing counted",
        "no decay tried",
        "no flattening tried",
        "no attention",
        "no item ids",
        "BM25",
    }


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_changes_something(whole, name):
    arm = ARMS[name]
    changed = arm.settings and CONFIG.model_copy(update=arm.settings) != CONFIG
    assert changed or arm.baseline is not None or _reads_other(arm.data(whole), whole.data)
    ThoughtSpaceConfig.model_validate({**CONFIG.model_dump(), **arm.settings})


def _reads_other(one, other):
    """Whether a model reads other vectors, or other ratings, of one than of the other."""
    names = ("item_vectors", "item_thoughts", "disliked")
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    if one.rationales is None or other.rationales is None:
        pairs.append((one.rationales, other.rationales))
    else:
        pairs += zip(vars(one.rationales).values(), vars(other.rationales).values(), strict=True)
    return any(not _equal(*pair) for pair in pairs)


def _equal(one, other):
    if one is None or other is None:
        return one is other
    return all(map(np.array_equal, one, other, repeat(True)))


def test_controls_keep_what_they_do_not_make_false(whole):
    data = whole.data
    mixed = whole.shuffled_rationales().rationales
    assert not (mixed.serving == data.rationales.serving).all(axis=1).any()
    assert sorted(mixed.serving.tolist()) == sorted(data.rationales.serving.tolist())
    random = whole.random_rationales().rationales
    assert np.array_equal(has_text(random.serving), has_text(data.rationales.serving))
    assert not np.allclose(random.hindsight, data.rationales.hindsight)
    refined = whole.refined_as_foresight().rationales
    assert np.allclose(refined.serving[:9], encode(["kite lamp"]))
    assert np.array_equal(refined.serving[9:], data.rationales.serving[9:])
    taught = whole.refined_as_hindsight().rationales
    assert np.allclose(taught.hindsight[:9], encode(["kite lamp"]))
    assert np.array_equal(taught.hindsight[9:], data.rationales.hindsight[9:])
    assert np.array_equal(taught.serving, data.rationales.serving)
    thoughts = whole.random_thoughts().item_thoughts
    assert np.isnan(thoughts[3]).all()
    assert np.isnan(data.item_thoughts[3]).all()
    assert not np.isnan(np.delete(thoughts, 3, axis=0)).any()
    assert not np.allclose(whole.titles_only().item_vectors, data.item_vectors)
    assert whole.without_ratings().disliked is None


def test_another_encoder_reads_the_same_texts(whole):
    read, data = whole.read_by_another(), whole.data
    assert np.allclose(read.item_vectors, read_otherwise(whole.texts))
    thoughts = whole._tables.item_rationales["rationale"].to_list()
    assert np.allclose(np.delete(read.item_thoughts, 3, 0), np.delete(read_otherwise(thoughts), 3, 0))
    assert np.isnan(read.item_thoughts[3]).all()
    for kind in ("serving", "training", "hindsight"):
        own, other = getattr(data.rationales, kind), getattr(read.rationales, kind)
        assert other.shape == (len(own), WIDTH + 1) and np.array_equal(has_text(own), has_text(other))
    assert [one.tolist() for one in read.sequences] == [one.tolist() for one in data.sequences]
    assert material(bare=True).read_by_another().item_thoughts is None


def test_random_texts_are_as_long_and_made_of_the_catalogues_words(whole, monkeypatch):
    seen = []
    monkeypatch.setattr(whole, "_encode", lambda texts: seen.extend(texts) or encode(texts))
    whole.random_rationales()
    assert {len(text.split()) for text in seen} == {4}
    assert {word for text in seen for word in text.split()} <= set(" ".join(whole.texts).split())


def test_each_arm_has_its_figures_and_its_difference_on_the_same_users(whole, tmp_path):
    table = run.ablate(whole, CONFIG, SETTINGS, tmp_path)
    assert set(table["arm"]) == {"ablation"}
    own = table.filter(metric="NDCG", k=10, slice="all")
    assert set(own["model"]) == {"PULSE", "PULSE, no rationales", "PULSE, no attention", "BM25"}
    assert own.group_by("model").len()["len"].to_list() == [2] * 4
    means = dict(own.group_by("model").agg(pl.col("value").mean()).iter_rows())
    differences = table.filter(metric=DIFFERENCE, slice="all")
    assert set(differences["n_users"]) == {USERS}
    for row in differences.iter_rows(named=True):
        other = row["model"].removeprefix("PULSE - ")
        expected = means["PULSE"] - means.get(other, means.get(f"PULSE, {other}"))
        assert row["value"] == pytest.approx(expected)
        assert row["ci_low"] <= row["value"] <= row["ci_high"]
    assert "history:4-9" in set(table.filter(metric=DIFFERENCE)["slice"])


def test_of_several_seeds_it_says_how_far_their_differences_stand_apart(whole, tmp_path):
    table = run.ablate(whole, CONFIG, SETTINGS, tmp_path)
    found = dict(table.filter(metric=run.SPREAD, slice="all").select("model", "value").iter_rows())
    by_seed = (
        table.filter(metric="NDCG", k=10, slice="all").sort("seed").group_by("model", maintain_order=True)
    )
    gains = {model: group["value"].to_numpy() for (model,), group in by_seed}
    for name in ("PULSE, no rationales", "PULSE, no attention", "BM25"):
        apart = (gains["PULSE"] - gains[name]).std(ddof=1)
        assert found[f"PULSE - {name.removeprefix('PULSE, ')}"] == pytest.approx(apart)
    once = run.ablate(whole, CONFIG, SETTINGS.model_copy(update={"seeds": (0,)}), tmp_path)
    assert once.filter(metric=run.SPREAD).is_empty()


def test_a_killed_run_goes_on_and_a_finished_one_trains_nothing(whole, tmp_path, monkeypatch):
    trained, real = [], run.train

    def counting(mix, domains, config, **options):
        if len(trained) == 3 and "killed" not in trained:
            trained.append("killed")
            raise KeyboardInterrupt
        trained.append(config.seed)
        return real(mix, domains, config, **options)

    monkeypatch.setattr(run, "train", counting)
    with pytest.raises(KeyboardInterrupt):
        run.ablate(whole, CONFIG, SETTINGS, tmp_path)
    first = run.ablate(whole, CONFIG, SETTINGS, tmp_path)
    assert len(trained) == 3 * 2 + 1
    again = run.ablate(whole, CONFIG, SETTINGS, tmp_path)
    assert len(trained) == 3 * 2 + 1
    assert first.equals(again)
    assert not list(tmp_path.glob("*.safetensors"))


def test_other_settings_are_other_rows(whole, tmp_path):
    one = {job.path for job in run.jobs(whole, CONFIG, SETTINGS, tmp_path)}
    other = CONFIG.model_copy(update={"dropout": 0.1})
    changed = {job.path for job in run.jobs(whole, other, SETTINGS, tmp_path)}
    assert len(one) == 8
    assert len(one & changed) == 2  # BM25 reads none of them but its own


def test_an_unknown_arm_is_an_error_that_names_the_known():
    with pytest.raises(ValidationError, match="no ablation no idea; there are: no next-item loss"):
        AblationSettings(run=("no idea",))
