"""A token planted in the future reaches nothing that is written, embedded or learned from."""

import sqlite3
from contextlib import closing, contextmanager

import polars as pl
import pytest

from assets.project import Project
from pulse_pipeline.commands.materialise import materialise
from pulse_pipeline.domains import DomainConfig, Registry
from pulse_pipeline.home import Home
from pulse_pipeline.rationales.assignments import Desk, Domain
from pulse_pipeline.settings import Settings
from tests.resources.fakes import FakeCausalModel, FakeLanguageModel, FakeTextEncoder

CANARY = "Zxqvwk"
LATE_ITEM = "late-item"
SETTINGS = Settings.model_validate({"thought_space": {"epochs": 1}, "rationales": {"min_valid_rate": 0.0}})
ASSETS = (
    "raw_interactions,interactions,items,neighbours,rationales,item_rationales,item_embeddings,"
    "rationale_embeddings,thought_space_model,refined_rationales,"
    "published_thought_space,published_rationales"
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


def _world():
    """Users whose last two choices lie after every cut; what they wrote there holds the canary."""
    rows = []
    for user in range(24):
        for position in range(10):
            late = position >= 8
            rows.append(
                {
                    "user_id": f"u{user}",
                    "item_id": LATE_ITEM if position == 9 else f"i{(user + 2 * position) % 20}",
                    "timestamp": 1_400_000_000 + position * 1_000_000 + user,
                    "rating": 4.0,
                    "review_text": f"{CANARY} is why" if late else f"calm number {user} and light {position}",
                }
            )
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    root = tmp_path_factory.mktemp("canary")
    _world().write_parquet(root / "log.parquet")
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
        materialise(Project(Registry({"Mine": config}), SETTINGS), ASSETS, ["Mine"], FAKES)
    return Home(root / "home")


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
    desk = Desk(SETTINGS.rationales, tmp_path)
    about_all = [*desk.about_users(domain), desk.about_items(domain), desk.about_arrivals(domain, elsewhere)]
    for assignment in about_all:
        prompts = assignment.writer.render(assignment.wanted)
        assert len(prompts)
        assert not prompts["user"].str.contains(CANARY).any()


@pytest.mark.parametrize(
    "asset", ["rationales", "item_rationales", "refined_rationales", "published_rationales"]
)
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


def test_the_test_would_see_a_leak(home):
    """With the cuts moved to the end the same search finds the canary: it is not blind."""
    domain = Domain("Mine", _table(home, "interactions"), _table(home, "items"))
    assignment = Desk(SETTINGS.rationales, home.cache).about_users(domain)[0]
    leaking = assignment.wanted.with_columns(target_position=pl.lit(10, pl.Int32))
    assert assignment.writer.render(leaking)["user"].str.contains(CANARY).all()
