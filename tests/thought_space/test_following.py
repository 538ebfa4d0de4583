from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.evaluation import ranking
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.following import Following
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train

COUNTED = ThoughtSpaceConfig(device="cpu", epochs=0)
N_ITEMS, LENGTH = 12, 8


def _circle(seed=0, users=60):
    """Everybody goes round the same circle of items, whose texts say nothing of it."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(N_ITEMS)
    sequences = [order[(start + np.arange(LENGTH)) % N_ITEMS] for start in rng.integers(0, N_ITEMS, users)]
    return DomainData(
        domain="circle",
        protocol="loo",
        user_ids=[f"u{n}" for n in range(users)],
        item_ids=[f"i{n}" for n in range(N_ITEMS)],
        item_vectors=rng.normal(size=(N_ITEMS, 16)).astype(np.float32),
        sequences=sequences,
        n_train=np.full(users, LENGTH - 2),
        n_known=np.full(users, LENGTH - 1),
    )


def _hits(model, data, **how):
    users = data.evaluated_users("test")
    scores = ThoughtSpaceRanker(model, **how).score(data, users, "test")
    for row, user in enumerate(users):
        scores[row, data.history(user, "test")] = -np.inf
    return np.mean(scores.argmax(axis=1) == [data.target(user, "test") for user in users])


def test_what_follows_is_counted_newest_first():
    data = _circle()
    order = data.sequences[0]
    scores = Following(data).scores([order[:4]])[0]
    assert scores.argmax() == order[4]


def test_an_empty_history_is_followed_by_nothing():
    assert not Following(_circle()).scores([np.empty(0, np.int64)]).any()


def test_an_order_that_no_text_tells_is_found_by_its_weight():
    data = _circle()
    counted = train("circle", [data], COUNTED).model
    blind = train("circle", [data], COUNTED.model_copy(update={"following_weights": (0.0,)})).model
    assert float(counted.home("circle").following) > 0
    assert _hits(counted, data) > 0.95
    assert _hits(blind, data) < 0.6


def test_abroad_nothing_is_counted():
    data = _circle()
    model = train("circle", [data], COUNTED).model
    foreign = replace(data, domain="elsewhere")
    abroad = ThoughtSpaceRanker(model, abroad=True).score(data, np.arange(5), "test")
    assert ThoughtSpaceRanker(model).score(foreign, np.arange(5), "test") == pytest.approx(abroad)


def test_test_items_decide_no_weight():
    data = _circle()
    other = [np.concatenate([sequence[:-1], sequence[:1]]) for sequence in data.sequences]
    weights = [
        float(train("circle", [one], COUNTED).model.home("circle").following)
        for one in (data, replace(data, sequences=other))
    ]
    assert weights[0] == weights[1]


def test_entries_are_all_that_is_counted_by_columns_wherever_items_repeat():
    data = _circle()
    following = Following(data)
    histories = [data.sequences[0], np.array([3, 3, 3]), np.empty(0, np.int64)]
    found = following.entries(histories, 4.0)
    rows, columns, values = found.rows, found.columns, found.values
    assert (np.diff(columns) >= 0).all()
    laid_out = np.zeros((3, N_ITEMS), np.float32)
    np.add.at(laid_out, (rows, columns), values)
    assert np.allclose(laid_out, 4 * following.scores(histories))
    assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == len(rows)


def test_of_nobody_nothing_is_counted():
    data = _circle()
    ranker = ThoughtSpaceRanker(train("circle", [data], COUNTED).model)
    assert ranker.score(data, np.empty(0, np.int64), "test").shape == (0, N_ITEMS)


@pytest.mark.parametrize("width", [1, 5, N_ITEMS, 100])
def test_in_pieces_scores_are_what_they_are_at_once(width):
    data = _circle()
    ranker = ThoughtSpaceRanker(train("circle", [data], COUNTED).model)
    users = np.arange(7)
    pieces = [piece.copy() for piece in ranker.pieces(data, users, "test", width)]
    assert all(piece.shape[1] == width for piece in pieces[:-1])
    whole = ranker.score(data, users, "test")
    assert np.allclose(np.hstack(pieces), whole, atol=1e-6)
    parts = ranker.parts(data, 3, "test")
    assert parts.following.any()
    assert np.allclose(parts.thought + parts.item + parts.following + parts.trend, whole[3], atol=1e-5)


def test_the_best_of_pieces_are_the_best_of_all(monkeypatch):
    data = _circle()
    ranker = ThoughtSpaceRanker(train("circle", [data], COUNTED).model)
    users = np.arange(len(data.sequences))
    scores = ranker.score(data, users, "test")
    for user in users:
        scores[user, data.history(user, "test")] = -np.inf
    monkeypatch.setattr(ranking, "MAX_BLOCK", 35)
    top = ranking.top_k(ranker, data, users, "test", 4, chunk=7)
    assert np.allclose(top.scores, -np.sort(-scores, axis=1)[:, :4], atol=1e-6)
    assert np.allclose(np.take_along_axis(scores, top.items, axis=1), top.scores, atol=1e-6)


class Broken(ThoughtSpaceRanker):
    """Pieces are not what they should be."""

    def pieces(self, data, users, phase, width):
        whole = list(super().pieces(data, users, phase, width))
        yield from self.broken(whole)


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (lambda pieces: [piece * np.nan for piece in pieces], "pulse gave NaN scores in circle"),
        (lambda pieces: [piece[:, 1:] for piece in pieces], "gave scores of shape"),
        (lambda pieces: pieces[:-1], "is shorter"),
    ],
)
def test_pieces_that_are_not_all_scores_are_refused(broken, error, monkeypatch):
    data = _circle()
    monkeypatch.setattr(Broken, "broken", staticmethod(broken), raising=False)
    monkeypatch.setattr(ranking, "MAX_BLOCK", 15)
    with pytest.raises(ValueError, match=error):
        ranking.top_k(Broken(train("circle", [data], COUNTED).model), data, np.arange(3), "test", 2)
