"""Texts, training and retrieval of the published space in a world where reasons follow choices."""

import numpy as np
import polars as pl
import pytest
import torch

from pulse_pipeline.errors import PulseError
from pulse_pipeline.progress import LogListener, listening
from pulse_pipeline.rationales.spec import HistoryBudget
from pulse_pipeline.thought_space.published.config import PublishedSpaceConfig
from pulse_pipeline.thought_space.published.pairs import BehaviourTexts, pairs
from pulse_pipeline.thought_space.published.space import PublishedSpace, load
from pulse_pipeline.thought_space.published.training import train
from pulse_pipeline.thought_space.scorers.published import PublishedScorer
from tests.interruption import Stop
from tests.thought_space.published.tiny import byte_tokenizer, tiny_encoder, word_tokenizer

N_USERS, LENGTH = 20, 6
SPOKEN = LENGTH - 3
CONFIG = PublishedSpaceConfig()

THINGS = [f"thing{n}" for n in range(12)]
REASONS = [f"reason{n}" for n in range(12)]
PLANTED = PublishedSpaceConfig(epochs=12, learning_rate=3e-3, tokens=16, temperature=0.2, batch_size=16)


def tables():
    rows = [
        {
            "user_id": f"u{user}",
            "position": place,
            "item_id": f"i{(user + 3 * place) % 25}",
            "rating": 4.0,
            "review_title": None,
            "review_text": f"words {place} " + "and more " * 30,
        }
        for user in range(N_USERS)
        for place in range(LENGTH)
    ]
    split = pl.Series(["train"] * (LENGTH - 2) + ["valid", "test"])
    interactions = pl.DataFrame(rows, schema_overrides={"review_title": pl.String}).with_columns(
        split_loo=pl.concat([split] * N_USERS), split_temporal=pl.lit(None, pl.String)
    )
    items = pl.DataFrame(
        {"item_id": [f"i{n}" for n in range(25)], "title": [f"Title {n}." for n in range(25)], "text": ""}
    )
    rationales = pl.DataFrame(
        {
            "user_id": [f"u{user}" for user in range(N_USERS)],
            "kind": "hindsight",
            "target_position": SPOKEN,
            "rationale": [f"reason {user}" for user in range(N_USERS)],
            "valid": True,
        }
    )
    return interactions, items, rationales


def planted(n, seed):
    """The reason of a choice names what was chosen, in words of its own."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(12, size=n)
    other = rng.integers(12, size=n)
    return pl.DataFrame(
        {
            "user_id": [f"u{user}" for user in range(n)],
            "behaviour": [f"{THINGS[a]} {THINGS[b]}" for a, b in zip(chosen, other, strict=True)],
            "rationale": [f"{REASONS[a]}" for a in chosen],
        }
    )


def load_words():
    return tiny_encoder(word_tokenizer([*THINGS, *REASONS]))


@pytest.fixture(scope="module")
def trained():
    return train("test", planted(240, 0), load_words, PLANTED)


def test_the_chosen_item_stands_first_then_the_newest():
    interactions, items, rationales = tables()
    found = pairs(interactions, items, rationales, CONFIG)
    assert len(found) == N_USERS
    for user, rationale, behaviour in found.select("user_id", "rationale", "behaviour").iter_rows():
        number = int(user[1:])
        assert rationale == f"reason {number}"
        titles = [f'"Title {(number + 3 * place) % 25}."' for place in (SPOKEN, 2, 1, 0)]
        places = [behaviour.index(title) for title in titles]
        assert behaviour.startswith(f"Chose {titles[0]}")
        assert places == sorted(places)
        assert user not in behaviour


def test_what_is_cut_off_is_the_oldest_and_is_counted():
    interactions, items, rationales = tables()
    found = pairs(interactions, items, rationales, CONFIG)
    tokenizer = byte_tokenizer()
    encoder = tiny_encoder(tokenizer)
    space = PublishedSpace(encoder, encoder, CONFIG)
    assert space.cut_off(found["behaviour"].to_list()) == 1.0
    assert space.cut_off(found["rationale"].to_list()) == 0.0
    read = tokenizer(found["behaviour"][0], truncation=True, max_length=CONFIG.tokens)["input_ids"]
    assert "Title" in tokenizer.decode(read).replace(" ", "")


def test_an_item_that_is_no_training_item_is_not_looked_at():
    interactions, items, _ = tables()
    texts = BehaviourTexts(interactions, items, HistoryBudget())
    for place in range(SPOKEN + 1, LENGTH):
        with pytest.raises(ValueError, match="only training items"):
            texts(pl.DataFrame({"user_id": ["u0", "u1"], "target_position": [SPOKEN, place]}))
    with pytest.raises(ValueError, match="only training items"):
        texts(pl.DataFrame({"user_id": ["nobody"], "target_position": [1]}))


def test_too_few_rationales_are_one_line_with_the_mend():
    interactions, items, rationales = tables()
    with pytest.raises(PulseError, match=r"3 users .* raise rationale_users"):
        pairs(interactions, items, rationales.head(3), CONFIG)


def test_a_planted_tie_is_learned_and_held_out_pairs_find_each_other(trained):
    history = trained.history
    first, last = history.row(0, named=True), history.row(-1, named=True)
    assert history["epoch"].to_list() == list(range(13))
    assert first["loss"] is None
    assert last["val_loss"] < 0.7 * first["val_loss"]
    chance = 10 / trained.held_out
    for way in ("behaviour_to_rationale@10", "rationale_to_behaviour@10"):
        assert last[way] > max(first[way], chance) + 0.3


def test_the_two_encoders_share_nothing(trained):
    behaviour, rationale = trained.space.behaviour, trained.space.rationale
    own = {id(parameter) for parameter in behaviour.parameters()}
    assert own.isdisjoint(id(parameter) for parameter in rationale.parameters())
    first, second = (part.embeddings.word_embeddings.weight for part in (behaviour, rationale))
    assert not torch.equal(first, second)


def test_equal_seeds_train_alike():
    short = PLANTED.model_copy(update={"epochs": 1})
    one, other = (train("test", planted(40, 0), load_words, short) for _ in range(2))
    texts = ["thing1 thing2", "thing3"]
    assert np.array_equal(
        one.space.vectors(one.space.behaviours, texts), other.space.vectors(other.space.behaviours, texts)
    )


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_padding_changes_no_vector_and_a_checkpoint_gives_the_same(pooling, tmp_path):
    config = PLANTED.model_copy(update={"pooling": pooling})
    space = PublishedSpace(load_words(), tiny_encoder(word_tokenizer([*THINGS, *REASONS]), seed=1), config)
    texts = ["thing1", "thing2 thing3 thing4 thing5"]
    together = space.vectors(space.behaviours, texts)
    assert np.allclose(together[:1], space.vectors(space.behaviours, texts[:1]), atol=1e-5)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    space.origin = {"mix": "test"}
    space.save(tmp_path)
    again = load(tmp_path)
    assert (again.config, again.origin) == (config, {"mix": "test"})
    assert np.allclose(again.vectors(again.behaviours, texts), together, atol=1e-6)
    why = space.vectors(space.rationales, texts)
    assert np.allclose(again.vectors(again.rationales, texts), why, atol=1e-6)
    assert not np.allclose(why, together, atol=1e-2)
    (tmp_path / "space.json").write_text("{}")
    with pytest.raises(PulseError, match="train again"):
        load(tmp_path)


def test_the_score_is_the_cosine_with_the_answer_in_sight():
    interactions, items, _ = tables()
    tokenizer = byte_tokenizer()
    space = PublishedSpace(tiny_encoder(tokenizer), tiny_encoder(tokenizer, seed=1), CONFIG)
    scorer = PublishedScorer(space, interactions, items)
    chains = pl.DataFrame(
        {"user_id": ["u1", "u0", "u1"], "target_position": [SPOKEN] * 3, "text": ["a", "b", "c d"]}
    )
    assert scorer(chains.head(0)).is_empty()
    scores = scorer(chains)
    texts = BehaviourTexts(interactions, items, CONFIG.budget)(chains).to_list()
    by_hand = [
        float(space.vectors(space.behaviours, [b])[0] @ space.vectors(space.rationales, [r])[0])
        for b, r in zip(texts, chains["text"], strict=True)
    ]
    assert scores.to_list() == pytest.approx(by_hand, abs=1e-5)
    other = interactions.with_columns(
        item_id=pl.when((pl.col("user_id") == "u1") & (pl.col("position") == SPOKEN))
        .then(pl.lit("i24"))
        .otherwise("item_id")
    )
    moved = PublishedScorer(space, other, items)(chains)
    assert moved[1] == pytest.approx(scores[1], abs=1e-6)
    assert moved[0] != pytest.approx(scores[0], abs=1e-6)


def test_progress_comes_to_its_end_where_a_last_pair_stands_alone():
    tasks = []

    class Kept(LogListener):
        def ended(self, task):
            tasks.append((task.done, task.total))

    alone = PLANTED.model_copy(update={"epochs": 2, "batch_size": 5})
    with listening(Kept()):
        train("test", planted(18, 0), load_words, alone)  # two are held out: 16 are three batches and one
    assert tasks == [(30, 30)]


@pytest.mark.parametrize("pair", [10, 50])
def test_a_stopped_training_goes_on_to_the_same_space(tmp_path, pair):
    given, state = planted(40, 0), tmp_path / "state.safetensors"
    short = PLANTED.model_copy(update={"epochs": 2})
    whole = train("test", given, load_words, short)
    with pytest.raises(KeyboardInterrupt), listening(Stop(pair)):
        train("test", given, load_words, short, state=state)
    assert state.exists() == (pair > 36)
    torch.rand(7)  # whatever chance has been used for in between
    resumed = train("test", given, load_words, short, state=state)
    assert resumed.history.drop("seconds").equals(whole.history.drop("seconds"))
    weights = resumed.space.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in whole.space.state_dict().items())
