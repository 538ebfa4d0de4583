"""Fidelity: how much of our ranker's scores can be told from a rationale's text alone.

RecExplainer's measure (arXiv 2311.10947): an explanation is faithful if the explained model's scores can be
predicted from it. Here a ridge regression reads the vectors of the rationale and of an item, never the
history or the model, and predicts the score of the item for the user. It is trained on other users, and held
against itself with rationales dealt out to the wrong users. A rationale that says nothing leaves the two
alike.
"""

from dataclasses import dataclass, field

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from pulse_pipeline.evaluation.explanations.served import Served
from pulse_pipeline.evaluation.ranking import Ranker, top_k
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray
from pulse_pipeline.thought_space.geometry import centred, measure
from pulse_pipeline.thought_space.scoring import shuffled

BEST, DRAWN = 10, 20
"""Items a user: the best unseen ones, and others drawn uniformly."""

DIRECTIONS = 64
FOLDS, INNER_FOLDS = 5, 3
FEWEST_USERS = 2 * FOLDS
PENALTIES = tuple(10.0**power for power in range(6))
USERS_A_BLOCK = 64


@dataclass(frozen=True)
class Fidelity:
    """Squared errors of predicted scores, which are standardised over each user's items.

    A prediction that is the same for all items errs by 1, so 1 minus the mean is R2. An interval over users
    holds for the regressions as they were fitted, not for others.

    Attributes:
        own: From the user's own rationale [n_users].
        shuffled: From another user's [n_users].
    """

    own: FloatArray = field(repr=False)
    shuffled: FloatArray = field(repr=False)


def fidelity(ranker: Ranker, served: Served, seed: int = 0) -> Fidelity | None:
    """Predict a ranker's scores from rationales.

    Args:
        ranker: The model that is explained.
        served: Users and rationales.
        seed: Seed of the drawn items and of the shuffle.

    Returns:
        Errors of each user; None where there are too few users to learn from others.
    """
    vectors = served.data.rationales
    if vectors is None or len(served.users) < FEWEST_USERS:
        return None
    items, scores = _scored(ranker, served.data, served.users, seed)
    own = vectors.serving[served.users]
    # A text that two users share must not stand on both sides of a fold.
    _, groups = np.unique(served.texts, return_inverse=True)
    if groups.max() + 1 < FOLDS:
        return None
    errors = [_errors(served.data, one, items, scores, groups) for one in (own, shuffled(own, seed))]
    return Fidelity(*errors)


def _scored(ranker: Ranker, data: DomainData, users: IntArray, seed: int) -> tuple[IntArray, FloatArray]:
    """Items and their scores, standardised over each user's [n_users, n_items of each]."""
    rng = np.random.default_rng(seed)
    drawn = np.stack([_candidates(data, user, rng) for user in users])
    best = top_k(ranker, data, users, "test", BEST).items
    # Who has seen all but a few items has fewer best ones than others.
    items = np.concatenate([np.where(best < 0, drawn[:, :1], best), drawn], axis=1)
    scores = np.empty(items.shape, dtype=np.float32)
    for start in range(0, len(users), USERS_A_BLOCK):
        block = slice(start, start + USERS_A_BLOCK)
        scores[block] = np.take_along_axis(ranker.score(data, users[block], "test"), items[block], axis=1)
    spread = scores.std(axis=1, keepdims=True)
    level = scores - scores.mean(axis=1, keepdims=True)
    return items, np.divide(level, spread, out=np.zeros_like(level), where=spread > 0)


def _candidates(data: DomainData, user: int, rng: np.random.Generator) -> IntArray:
    unseen = np.setdiff1d(np.arange(data.n_items), data.history(user, "test"))
    return rng.choice(unseen, DRAWN, replace=len(unseen) < DRAWN)


def _errors(
    data: DomainData, rationales: FloatArray, items: IntArray, scores: FloatArray, groups: IntArray
) -> FloatArray:
    """Mean squared error of each user, predicted by a regression that has not met the user [n_users]."""
    features = _features(data, rationales, items)
    width = features.shape[2]
    predicted = np.empty_like(scores)
    for train, test in GroupKFold(FOLDS).split(groups, groups=groups):
        model = _regression(np.repeat(groups[train], items.shape[1]))
        model.fit(features[train].reshape(-1, width), scores[train].ravel())
        predicted[test] = model.predict(features[test].reshape(-1, width)).reshape(len(test), -1)
    return np.asarray(((predicted - scores) ** 2).mean(axis=1), dtype=np.float32)


def _regression(groups: IntArray) -> Pipeline:
    """A ridge whose penalty is chosen on users it has not met: a user's items share what is said of them."""
    folds = list(GroupKFold(INNER_FOLDS).split(groups, groups=groups))
    return make_pipeline(StandardScaler(), RidgeCV(PENALTIES, cv=folds))


def _features(data: DomainData, rationales: FloatArray, items: IntArray) -> FloatArray:
    """The two vectors' cosine, their products along the principal directions, and the item's own place.

    Returns:
        Features of every pair [n_users, n_items of each, 1 + 2 * directions].
    """
    geometry = measure(data.item_vectors[data.listed])
    # `eigh` sorts directions by rising variance.
    basis = geometry.basis[:, ::-1][:, :DIRECTIONS]
    catalogue = centred(data.item_vectors, geometry.centre)
    queries = centred(rationales, rationales.mean(axis=0))
    cosine = np.take_along_axis(queries @ catalogue.T, items, axis=1)
    place = (catalogue @ basis)[items]
    products = (queries @ basis)[:, None, :] * place
    return np.concatenate([cosine[:, :, None], products, place], axis=2)
