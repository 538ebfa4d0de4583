"""What is planted in the future reaches nothing written, embedded or learned; nor does another future."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from assets.project import Project
from assets.thought_space import domain_data
from pulse_pipeline.commands.materialise import materialise
from pulse_pipeline.domains import DomainConfig, Registry
from pulse_pipeline.evaluation.baselines.suite import SUITE
from pulse_pipeline.home import Home
from pulse_pipeline.interactions.common_cut import start_of_test
from pulse_pipeline.rationales.assignments import Desk, Domain
from pulse_pipeline.rationales.spec import RationaleSettings
from pulse_pipeline.settings import Settings
from pulse_pipeline.thought_space.assemble import PROTOCOLS, assemble
from pulse_pipeline.thought_space.checkpoint import load
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train
from tests.resources.fakes import FakeCausalModel, FakeLanguageModel, FakeTextEncoder

CANARY = "Zxqvwk"
LATE_ITEM = "late-item"
SETTINGS = Settings.model_validate(
    {
        "thought_space": {"epochs": 1},
        "rationales": {"min_valid_rate": 0.0},
        "published_neighbours": {"sasrec": {"epochs": 2}},
        "reasoner": {"epochs": 1, "users": 12},
    }
)
NAMING_NEIGHBOURS = RationaleSettings(
    foresight="Before: {history} Like others: {neighbours}",
    hindsight="Before: {history} Then: {target} Like others: {neighbours}",
)
WRITTEN = ("rationales", "item_rationales", "refined_rationales", "published_seeds", "published_rationales")
LEARNED = ("neighbours", "published_neighbours", *WRITTEN, "item_embeddings", "rationale_embeddings")
MODELS = ("Mine/loo", "Mine/temporal", "Mine.published", "Mine.reasoner")
ASSETS = (
    "raw_interactions,interactions,items,thought_space_model,published_thought_space,reasoner_model,"
    "candidates,baseline_scores,in_domain_evaluation," + ",".join(LEARNED)
)
MODEL_ONLY = (
    "raw_interactions,interactions,items,neighbours,rationales,item_rationales,item_embeddings,rationale_embeddings,"
    "thought_space_model"
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


USERS, EARLY = 24, 9
"""The last users are early: all that they did lies before the temporal cuts."""


@dataclass(frozen=True)
class Future:
    """What lies beyond one cut or another.

    Attributes:
        last: The last of ten choices of a late user, after every cut.
        late_words: What late users wrote of their last two, after every cut.
        third_last_words: What they wrote of the one before: learned from under leave-one-out, after the
            temporal cut.
        early_last: The last choice of an early user: learned from under the temporal protocol, but the
            test item under leave-one-out.
        early_words: What early users wrote of their last two.
    """

    last: Callable[[int], str] = lambda user: LATE_ITEM
    late_words: str = f"{CANARY} is why"
    third_last_words: str = "sober and third"
    early_last: Callable[[int], str] = lambda user: f"i{(user + 18) % 20}"
    early_words: str = "sober and early"


def _another(user: int) -> str:
    return f"i{(user + 1) % 20}"


NOBODY_KNOWS = {
    "last": lambda user: _another(user) if user % 2 else LATE_ITEM,
    "late_words": "no bird at all",
}
UNKNOWN = {
    "loo": Future(**NOBODY_KNOWS, early_last=_another, early_words="no fish at all"),
    "temporal": Future(**NOBODY_KNOWS, third_last_words="no fish at all"),
}
"""Another future for those who stand at the cuts of one protocol; partly past for the other protocol."""


def _world(future: Future) -> pl.DataFrame:
    rows = []
    for user in range(USERS):
        early = user >= USERS - EARLY
        for position in range(10):
            item = f"i{(user + 2 * position) % 20}"
            words = f"calm number {user} and light {position}"
            if position == 9:
                item = future.early_last(user) if early else future.last(user)
            if position >= 8:
                words = future.early_words if early else future.late_words
            if position == 7 and not early:
                words = future.third_last_words
            rows.append(
                {
                    "user_id": f"u{user}",
                    "item_id": item,
                    "timestamp": 1_400_000_000 + position * (100_000 if early else 1_000_000) + user,
                    "rating": 4.0,
                    "review_text": words,
                }
            )
    return pl.DataFrame(rows)


@contextmanager
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _made(root, world, assets=ASSETS):
    """The home of a world, its assets materialised; on one thread, since sums differ over another number."""
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
        with _one_thread():
            materialise(Project(Registry({"Mine": config}), SETTINGS), assets, ["Mine"], FAKES)
    return Home(root / "home")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return _made(tmp_path_factory.mktemp("canary"), _world(Future()))


@pytest.fixture(scope="module")
def other_future(tmp_path_factory):
    """The same past of both protocols; afterwards every other user chooses and writes something else."""
    return _made(tmp_path_factory.mktemp("other"), _world(Future(**NOBODY_KNOWS)))


@pytest.fixture(scope="module", params=PROTOCOLS)
def protocol_and_future(request, tmp_path_factory):
    """A protocol, and a world in which all is different that its cuts hide."""
    root = tmp_path_factory.mktemp(request.param)
    return request.param, _made(root, _world(UNKNOWN[request.param]), MODEL_ONLY)


def _table(home, asset):
    return pl.read_parquet(home.storage / asset / "Mine.parquet")


def test_the_canary_is_there_and_lies_after_every_cut(home):
    table = _table(home, "interactions")
    planted = table.filter(pl.col("review_text").str.contains(CANARY))
    assert len(planted) == 2 * (USERS - EARLY)
    assert not planted["split_loo"].eq("train").any()
    assert not planted["split_temporal"].eq("train").any()


def test_the_protocols_cut_at_different_places(home):
    """Else what one of them hides, the other would hide as well."""
    learned_from = _table(home, "interactions").select(pl.col("split_loo", "split_temporal") == "train")
    assert learned_from.filter(pl.col("split_loo") & ~pl.col("split_temporal")).height == USERS - EARLY + 3
    assert learned_from.filter(~pl.col("split_loo") & pl.col("split_temporal")).height == 2 * EARLY


def test_no_prompt_holds_it(home, tmp_path):
    domain = Domain("Mine", _table(home, "interactions"), _table(home, "items"))
    # The same people come to another domain after all they did here: even so the canary is not told there.
    later = domain.interactions.with_columns(timestamp=pl.col("timestamp") + 100_000_000)
    elsewhere = Domain("Elsewhere", later, domain.items)
    among_others = replace(domain, neighbours=_table(home, "neighbours"))
    desk = Desk(SETTINGS.rationales, tmp_path)
    published = Desk(SETTINGS.rationales_as_published, tmp_path)
    about_users = [
        *desk.about_users(domain),
        *Desk(NAMING_NEIGHBOURS, tmp_path).about_users(among_others),
        desk.about_arrivals(domain, elsewhere),
        desk.trees(domain, "split_loo"),
        published.published_seeds(domain),
        published.published_trees(replace(domain, neighbours=_table(home, "published_neighbours"))),
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


def test_what_one_protocol_hides_changes_its_weights_alone(home, protocol_and_future):
    """The other protocol learns from it: its weights do change, so this test is not blind."""
    hidden_from, other = protocol_and_future
    for protocol in PROTOCOLS:
        before, after = (_weights(made.models / "Mine" / protocol) for made in (home, other))
        same = all(torch.equal(tensor, after[name]) for name, tensor in before.items())
        assert same == (protocol == hidden_from), protocol


@pytest.mark.parametrize("name", SUITE)
def test_what_a_protocol_hides_changes_no_baseline(home, protocol_and_future, name):
    protocol, other = protocol_and_future
    entry, quick = SUITE[name], {"epochs": 1} if SUITE[name].neural else {}

    def scores(made):
        data = _data(made, protocol)
        return entry.build(entry.config(**quick)).fit(data).score(data, _everybody(data), "test")

    assert np.array_equal(scores(home), scores(other))


@pytest.mark.parametrize("counted", ["following", "trend"])
def test_what_a_protocol_hides_changes_no_score_of_ours(home, protocol_and_future, counted):
    """Scores count transitions and trends anew from the tables, beside what the weights have learned."""
    protocol, other = protocol_and_future

    def scores(made):
        data, model = _data(made, protocol), load(made.models / "Mine" / protocol)
        assert data.times is not None
        with torch.no_grad():
            getattr(model.home("Mine"), counted).fill_(1.0)
        return ThoughtSpaceRanker(model).score(data, _everybody(data), "valid")

    assert np.array_equal(scores(home), scores(other))


def _data(made, protocol):
    tables = ("interactions", "item_embeddings", "rationale_embeddings")
    return assemble("Mine", protocol, *(_table(made, name) for name in tables))


def _everybody(data):
    return np.arange(len(data.user_ids))


def test_a_mix_learns_nothing_from_after_the_first_test_among_its_domains(home):
    """The other domain's own cuts are later: by them it would be learned from beyond this one's test."""
    mine, texts = _table(home, "interactions"), _table(home, "item_embeddings")
    later = mine.with_columns(timestamp=pl.col("timestamp") + 3_000_000)
    moment = start_of_test(mine)
    unknown = (pl.col("timestamp") >= moment) & (pl.col("split_temporal") == "train")
    assert later.filter(unknown).height > 10

    def learned(theirs):
        tables = {"Mine": mine, "Theirs": theirs}
        found = domain_data("temporal", tables, dict.fromkeys(tables, texts), dict.fromkeys(tables))
        (other,) = (data for data in found if data.domain == "Theirs")
        prefixes = zip(other.sequences, other.n_known, strict=True)
        return train("both", found, ThoughtSpaceConfig(epochs=1, device="cpu")).model, [
            sequence[:known].tolist() for sequence, known in prefixes
        ]

    other_items = pl.when(pl.col("timestamp") >= moment).then(pl.col("item_id").shift(1)).otherwise("item_id")
    with _one_thread():
        (one, seen), (other, seen_too) = learned(later), learned(later.with_columns(item_id=other_items))
    assert seen == seen_too
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


def test_no_negative_comes_from_the_future_and_another_future_only_moves_the_target(home, other_future):
    (one, targets), (other, _) = (_temporal_candidates(made) for made in (home, other_future))
    assert len(one) == len(other) == USERS - EARLY
    assert LATE_ITEM in targets
    for (target, *negatives), (changed, *others), asked in zip(one, other, targets, strict=True):
        assert target == asked
        assert LATE_ITEM not in negatives
        assert LATE_ITEM not in others
        # What one world's user chose later is no negative there; else the draws are the same.
        assert len(set(negatives) ^ set(others)) <= 3
        assert changed not in others


def _temporal_candidates(home):
    """Each user's candidates, and each user's first item of the test."""
    after = _table(home, "interactions").filter(split_temporal="test").sort("user_id", "timestamp")
    firsts = after.unique("user_id", keep="first", maintain_order=True)
    rows = _table(home, "candidates").filter(protocol="temporal").sort("user_id")
    return rows["item_ids"].to_list(), firsts["item_id"].to_list()


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
    late = assignment.wanted.filter(pl.col("user_id").str.strip_prefix("u").cast(pl.Int32) < USERS - EARLY)
    leaking = late.with_columns(target_position=pl.lit(10, pl.Int32))
    assert assignment.writer.render(leaking)["user"].str.contains(CANARY).all()
