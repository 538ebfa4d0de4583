"""What is planted in the future reaches nothing written, embedded or learned; nor does another future."""

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from assets.project import Project
from pulse_pipeline.commands.materialise import materialise
from pulse_pipeline.domains import DomainConfig, Registry
from pulse_pipeline.evaluation.baselines.suite import CHEAP, SUITE
from pulse_pipeline.home import Home
from pulse_pipeline.rationales.assignments import Desk, Domain
from pulse_pipeline.rationales.spec import RationaleSettings
from pulse_pipeline.settings import Settings
from pulse_pipeline.thought_space.assemble import PROTOCOLS, assemble
from tests.resources.fakes import FakeCausalModel, FakeLanguageModel, FakeTextEncoder

CANARY = "Zxqvwk"
LATE_ITEM = "late-item"
SETTINGS = Settings.model_validate(
    {
        "thought_space": {"epochs": 1},
        "rationales": {"min_valid_rate": 0.0},
        "reasoner": {"epochs": 1, "users": 12},
    }
)
NAMING_NEIGHBOURS = RationaleSettings(
    foresight="Before: {history} Like others: {neighbours}",
    hindsight="Before: {history} Then: {target} Like others: {neighbours}",
)
WRITTEN = ("rationales", "item_rationales", "refined_rationales", "published_rationales")
LEARNED = ("neighbours", *WRITTEN, "item_embeddings", "rationale_embeddings")
MODELS = ("Mine/loo", "Mine/temporal", "Mine.published", "Mine.reasoner")
ASSETS = (
    "raw_interactions,interactions,items,thought_space_model,published_thought_space,reasoner_model,"
    "candidates,baseline_scores,in_domain_evaluation," + ",".join(LEARNED)
)
ASKED: list[str] = []
"""All that the language model was asked while the world was made."""

ENCODED: list[str] = []
"""All that the text encoder was given."""


class WatchedLanguageModel(FakeLanguageModel):
    @contextmanager
    def session(self):
        with super().session() as session:
            yield session
            ASKED.extend(f"{prompt.system}\n{prompt.user}" for prompt in session.asked)


class WatchedTextEncoder(FakeTextEncoder):
    def encoder(self, spec):
        return WatchedEncoder(super().encoder(spec))


class WatchedEncoder:
    def __init__(self, encoder):
        self._encoder = encoder

    def encode(self, texts):
        ENCODED.extend(texts)
        return self._encoder.encode(texts)


FAKES = {
    "language_model": WatchedLanguageModel(),
    "text_encoder": WatchedTextEncoder(),
    "causal_model": FakeCausalModel(),
}
WHEN = ("created_at", "dagster_run_id", "mlflow_run_id")


def _world(text, changed_mind):
    """Users whose last two choices lie after every cut: one to validate on, one to test.

    What they wrote of those is `text`. Some of them `changed_mind`, and chose another item at last.
    """
    rows = []
    for user in range(24):
        for position in range(10):
            last = f"i{(user + 1) % 20}" if changed_mind(user) else LATE_ITEM
            rows.append(
                {
                    "user_id": f"u{user}",
                    "item_id": last if position == 9 else f"i{(user + 2 * position) % 20}",
                    "timestamp": 1_400_000_000 + position * 1_000_000 + user,
                    "rating": 4.0,
                    "review_text": text if position >= 8 else f"calm number {user} and light {position}",
                }
            )
    return pl.DataFrame(rows)


def _made(root, world):
    """The home of a world, all materialised; on one thread, since sums differ over another number."""
    world.write_parquet(root / "log.parquet")
    names = [*(f"i{n}" for n in range(20)), LATE_ITEM]
    pl.DataFrame({"item_id": names, "title": [f"Thing called {name}" for name in names]}).write_parquet(
        root / "items.parquet"
    )
    config = DomainConfig(
        name="Mine",
        source="tabular",
        interactions=root / "log.parquet",
        items=root / "items.parquet",
        min_interactions=0,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULSE_HOME", str(root / "home"))
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        materialise(Project(Registry({"Mine": config}), SETTINGS), ASSETS, ["Mine"], FAKES)
        torch.set_num_threads(threads)
    return Home(root / "home")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return _made(tmp_path_factory.mktemp("canary"), _world(f"{CANARY} is why", lambda user: False))


@pytest.fixture(scope="module")
def other_future(tmp_path_factory):
    """The same past; afterwards every other user chooses and writes something else."""
    return _made(tmp_path_factory.mktemp("other"), _world("no bird at all", lambda user: user % 2))


def _table(home, asset):
    return pl.read_parquet(home.storage / asset / "Mine.parquet")


def test_the_canary_is_there_and_lies_after_every_cut(home):
    table = _table(home, "interactions")
    planted = table.filter(pl.col("review_text").str.contains(CANARY))
    assert len(planted) == 48
    assert not planted["split_loo"].eq("train").any()
    assert not planted["split_temporal"].eq("train").any()


def test_no_prompt_holds_it(home, tmp_path):
    domain = Domain("Mine", _table(home, "interactions"), _table(home, "items"))
    # The same people come to another domain after all they did here: even so the canary is not told there.
    later = domain.interactions.with_columns(timestamp=pl.col("timestamp") + 100_000_000)
    elsewhere = Domain("Elsewhere", later, domain.items)
    among_others = replace(domain, neighbours=_table(home, "neighbours"))
    desk = Desk(SETTINGS.rationales, tmp_path)
    about_users = [
        *desk.about_users(domain),
        *Desk(NAMING_NEIGHBOURS, tmp_path).about_users(among_others),
        desk.about_arrivals(domain, elsewhere),
        desk.trees(domain, "split_loo"),
        desk.published_trees(domain),
    ]
    for assignment in [*about_users, desk.about_items(domain)]:
        prompts = assignment.writer.render(assignment.wanted)["user"]
        assert len(prompts)
        assert not prompts.str.contains(CANARY).any()
        if assignment in about_users:  # the catalogue may tell of what nobody has chosen yet
            assert not prompts.str.contains(LATE_ITEM).any()
    assert prompts.str.contains(LATE_ITEM).any()


@pytest.mark.parametrize("asset", WRITTEN)
def test_no_rationale_and_so_no_embedding_holds_it(home, asset):
    table = _table(home, asset)
    assert table["valid"].any()
    assert not table["rationale"].str.contains(f"(?i){CANARY}").any()


@pytest.mark.parametrize("given", [ASKED, ENCODED], ids=["prompts", "texts to embed"])
def test_nothing_that_was_given_to_a_model_holds_it(home, given):
    assert len(set(given)) > 60
    assert not [text for text in given if CANARY.lower() in text.lower()]


def test_no_answer_that_is_kept_holds_it(home):
    databases = list(home.cache.glob("rationales/*/answers.db"))
    assert len(databases) >= 5
    for database in databases:
        with closing(sqlite3.connect(database)) as connection:
            texts = [text for (text,) in connection.execute("SELECT text FROM answers")]
        assert texts
        assert not [text for text in texts if CANARY.lower() in text.lower()]


def test_no_neighbour_list_holds_what_was_chosen_after_the_cuts(home):
    told = _table(home, "neighbours")["item_ids"].explode()
    assert len(told)
    assert LATE_ITEM not in set(told)


@pytest.mark.parametrize("asset", LEARNED)
def test_another_future_changes_nothing_that_is_written_or_embedded(home, other_future, asset):
    one, other = (_table(made, asset).drop(WHEN, strict=False) for made in (home, other_future))
    assert len(one)
    assert one.equals(other)


@pytest.mark.parametrize("model", MODELS)
def test_another_future_changes_no_weight(home, other_future, model):
    one, other = (_weights(made.models / model) for made in (home, other_future))
    assert one
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def _weights(folder):
    """Every tensor under a folder, by file and name."""
    return {
        f"{path.relative_to(folder)}:{name}": tensor
        for path in sorted(folder.rglob("*.safetensors"))
        for name, tensor in load_file(path).items()
    }


def test_another_future_changes_no_baseline(home, other_future):
    data = [
        assemble("Mine", protocol, _table(made, "interactions"), _table(made, "item_embeddings"))
        for protocol in PROTOCOLS
        for made in (home, other_future)
    ]
    users = np.arange(24)
    for name in CHEAP:
        for one, other in (data[:2], data[2:]):
            scores = (
                SUITE[name].build(SUITE[name].config()).fit(it).score(it, users, "test")
                for it in (one, other)
            )
            assert np.array_equal(*scores), name


def test_no_negative_comes_from_the_future_and_another_future_only_moves_the_target(home, other_future):
    one, other = (
        _table(made, "candidates").filter(protocol="temporal")["item_ids"] for made in (home, other_future)
    )
    assert len(one) == len(other) == 24
    for (target, *negatives), (changed, *others) in zip(one, other, strict=True):
        assert target == LATE_ITEM
        assert LATE_ITEM not in negatives
        assert LATE_ITEM not in others
        assert [item for item in negatives if item != changed] == others


def test_figures_do_follow_the_future(home, other_future):
    """What is compared above is not the same because nothing reads the future at all."""
    one, other = (
        _table(made, "in_domain_evaluation").drop("seconds", "git_sha") for made in (home, other_future)
    )
    assert not one.equals(other)


def test_the_test_would_see_a_leak(home):
    """With the cuts moved to the end the same search finds the canary: it is not blind."""
    domain = Domain("Mine", _table(home, "interactions"), _table(home, "items"))
    assignment = Desk(SETTINGS.rationales, home.cache).about_users(domain)[0]
    leaking = assignment.wanted.with_columns(target_position=pl.lit(10, pl.Int32))
    assert assignment.writer.render(leaking)["user"].str.contains(CANARY).all()
