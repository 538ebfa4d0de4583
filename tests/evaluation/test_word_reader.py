"""Reading a foreign domain by vectors and words."""

from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.evaluation.baselines.text_knn import TextKNN
from pulse_pipeline.evaluation.ranking import user_ranks
from pulse_pipeline.evaluation.validation import validation_ndcg
from pulse_pipeline.evaluation.word_reader import Reading, Texts, WordReader, fit, rare_words
from pulse_pipeline.thought_space.data import DomainData
from tests.thought_space.conftest import unit

SERIES, PARTS = 30, 4


def shop(domain: str, seed: int) -> DomainData:
    """People buy one series after the other; vectors know nothing of series, titles name them."""
    rng = np.random.default_rng(seed)
    sequences = [
        np.concatenate(
            [series * PARTS + rng.permutation(PARTS) for series in rng.choice(SERIES, 2, replace=False)]
        )
        for _ in range(80)
    ]
    vectors = rng.normal(size=(SERIES * PARTS, 16)).astype(np.float32)
    return DomainData(
        domain=domain,
        protocol="loo",
        user_ids=[f"u{user}" for user in range(len(sequences))],
        item_ids=[f"i{item}" for item in range(SERIES * PARTS)],
        item_vectors=unit(vectors),
        sequences=sequences,
        n_train=np.full(80, 2 * PARTS - 2),
        n_known=np.full(80, 2 * PARTS - 1),
    )


def titled(data: DomainData) -> Texts:
    return Texts(data, [f"Series{item // PARTS} the game, part {item}" for item in range(data.n_items)])


def test_rare_words_weigh_more_and_rows_have_length_one():
    found = rare_words(["red game", "red game", "blue game", ""])
    lengths = np.sqrt(found.multiply(found).sum(axis=1))
    assert np.allclose(lengths[:3], 1) and lengths[3] == 0
    assert (found[0] @ found[1].T).toarray().item() == pytest.approx(1)
    # Only the word that nearly all texts have is common to these two.
    assert (found[0] @ found[2].T).toarray().item() < 0.2


def test_unfitted_it_ranks_as_centred_text_knn():
    data = shop("games", 0)
    users = data.evaluated_users("test")
    ours = WordReader(Reading(), [titled(data)]).score(data, users, "test")
    theirs = TextKNN(centred=True).fit(data).score(data, users, "test")
    assert np.allclose(ours, theirs, atol=1e-5)


def test_that_words_tell_is_learned_on_sources_and_holds_in_a_target():
    sources = [titled(shop("films", 1)), titled(shop("books", 2))]
    target = shop("games", 3)
    reading = fit(sources)
    assert reading.words > 0
    by_words = user_ranks(WordReader(reading, [titled(target)]), target, "test").ranks
    by_vectors = user_ranks(TextKNN(centred=True).fit(target), target, "test").ranks
    assert np.mean(by_words <= 10) > 3 * np.mean(by_vectors <= 10)


def test_where_words_tell_nothing_they_are_left_out():
    sources = [Texts(shop("films", 1), ["a thing"] * (SERIES * PARTS))]
    assert fit(sources).words == 0


def test_the_fit_looks_at_no_test_item():
    data = shop("films", 1)
    changed = [np.concatenate([items[:-1], [0]]) for items in data.sequences]
    assert fit([titled(data)]) == fit([titled(replace(data, sequences=changed))])


def test_what_is_fitted_is_at_least_as_good_on_validation_items():
    data = shop("films", 1)
    texts, users = titled(data), data.evaluated_users("valid")
    plain, fitted = (
        validation_ndcg(WordReader(one, [texts]), data, users) for one in (Reading(), fit([texts]))
    )
    assert fitted >= plain


def test_hubs_are_taken_off():
    data = shop("films", 1)
    vectors = data.item_vectors.copy()
    vectors[:21] = vectors[0]  # twenty-one things with one text, each near to twenty others
    texts = titled(replace(data, item_vectors=vectors))
    _, closeness = texts.vectors(0.0)
    assert closeness[:21] == pytest.approx(1, abs=1e-5)
    assert closeness[21:].max() < 0.9
    with_hubs, without = (
        WordReader(Reading(hubs=hubs), [texts]).score(texts.data, np.arange(5), "test") for hubs in (0.0, 0.5)
    )
    assert np.allclose(with_hubs - without, 0.5 * closeness, atol=1e-5)
