"""From scores to ranks and to recommendations, over the full catalogue.

What belongs here: who is masked, how ties count, how much memory a block of scores may take. What a
rank is worth is said in `metrics`, what a score is in the models and `baselines`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pulse_pipeline import schemas
from pulse_pipeline.evaluation.screening import settled
from pulse_pipeline.evaluation.selection import Best, Entries
from pulse_pipeline.progress import track
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.factors import RoughScores

CHUNK, TOP_CHUNK = 512, 1024  # users scored together at most: for ranks, and for the best items
KEPT = 4  # times as many items as are wanted are kept by rough scores, to be scored in full
MAX_BLOCK = 2**23  # scores held at once: 32 MiB of float32, whatever the size of the catalogue


class Ranker(Protocol):
    """Anything that can order a catalogue for a user."""

    @property
    def name(self) -> str:
        """The model's name in tables and reports."""
        ...

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Score the whole catalogue for some users.

        Args:
            data: The domain; the only interactions that may be read are ``data.history(u, phase)``.
            users: Indices of users.
            phase: Which targets the scores are for.

        Returns:
            Higher is better, no NaN [len(users), n_items].
        """
        ...


@runtime_checkable
class Piecewise(Ranker, Protocol):
    """A ranker that need not score the whole catalogue at once."""

    def pieces(self, data: DomainData, users: IntArray, phase: Phase, width: int) -> Iterator[FloatArray]:
        """Yield what `score` gives, `width` items at a time; a piece may be overwritten by the next."""
        ...


@runtime_checkable
class Rough(Piecewise, Protocol):
    """A ranker that can score a large catalogue faster than it scores it exactly."""

    def rough(self, data: DomainData, users: IntArray, phase: Phase, width: int) -> RoughScores | None:
        """Scores near what `pieces` yields, `width` items at a time; None where that would save no time."""
        ...


@dataclass(frozen=True)
class UserRanks:
    """Where each user's target came, counted from 1.

    Attributes:
        users: Indices of the evaluated users, ascending.
        ranks: Rank of the target among unseen items [len(users)].
    """

    users: IntArray
    ranks: IntArray


@dataclass(frozen=True)
class TopK:
    """The best unseen items of some users, best first.

    Attributes:
        users: Indices of the users.
        items: Indices of items, -1 where the user has seen all but fewer than k [len(users), k].
        scores: Their scores, -inf beside -1 [len(users), k].
    """

    users: IntArray
    items: IntArray
    scores: FloatArray


def user_ranks(
    ranker: Ranker, data: DomainData, phase: Phase, chunk: int = CHUNK, *, users: IntArray | None = None
) -> UserRanks:
    """Rank each user's target against every item the user has not seen.

    Ties are pessimistic: an item with the target's score counts as better, so a model that scores
    all items alike gets nothing. A target that the user already has is ranked all the same.

    Args:
        ranker: The model.
        data: The domain.
        phase: Which targets.
        chunk: Users scored together at most; fewer where the catalogue is large.
        users: Some of the users who have a history and a target in `phase`; all of them by default.

    Returns:
        Ranks of those users.

    Raises:
        ValueError: The model's scores hold a NaN or have the wrong shape.
    """
    users = data.evaluated_users(phase) if users is None else users
    targets = targets_of(data, users, phase)
    ranks = np.empty(len(users), dtype=np.int64)
    for block, scores, seen in scored(ranker, data, users, phase, chunk):
        ranks[block] = target_ranks(scores, targets[block], seen)
    return UserRanks(users, ranks)


def scored(
    ranker: Ranker, data: DomainData, users: IntArray, phase: Phase, chunk: int = CHUNK
) -> Iterator[tuple[slice, FloatArray, Entries]]:
    """Yield which users, their scores [m, n_items] and the rows and columns of what they have, in blocks.

    Raises:
        ValueError: The model's scores hold a NaN or have the wrong shape.
    """
    with track(f"ranking {data.domain} by {ranker.name}", len(users), "users") as task:
        for block in _blocks(len(users), data.n_items, chunk):
            scores = _scores(ranker, data, users[block], phase)
            yield block, scores, _seen(data, users[block], phase)
            task.advance(len(scores))


def targets_of(data: DomainData, users: IntArray, phase: Phase) -> IntArray:
    """The item that each user chose next [len(users)]."""
    return np.array([data.target(user, phase) for user in users], dtype=np.int64)


def top_k(
    ranker: Ranker,
    data: DomainData,
    users: IntArray,
    phase: Phase | Literal["serving"],
    k: int,
    *,
    chunk: int = TOP_CHUNK,
) -> TopK:
    """Find each user's best unseen items.

    Of items with one score the one earlier in the catalogue comes first.

    Args:
        ranker: The model.
        data: The domain.
        users: Indices of users.
        phase: What counts as history; ``serving`` is everything the user has.
        k: How many items.
        chunk: Users scored together at most; fewer where the catalogue is large.

    Returns:
        Items and scores, best first.

    Raises:
        ValueError: The model's scores hold a NaN or have the wrong shape.
    """
    if phase == "serving":
        data, phase = serving_view(data), "test"
    items = np.full((len(users), k), -1, dtype=np.int64)
    scores = np.full((len(users), k), -np.inf, dtype=np.float32)
    # Many users against few items at a time: a cache holds the items, and the product is nearer to a square.
    together = 1 if isinstance(ranker, Piecewise) else data.n_items
    for block in _blocks(len(users), together, chunk):
        items[block], scores[block] = _best(ranker, data, users[block], phase, k)
    return TopK(users, items, scores)


def serving_view(data: DomainData) -> DomainData:
    """The same domain with each user's whole sequence as the history of phase ``test``."""
    lengths = np.array([len(sequence) for sequence in data.sequences], dtype=np.int64)
    return replace(data, n_known=lengths)


def recommendation_table(top: TopK, data: DomainData) -> pl.DataFrame:
    """Lay recommendations out as the table `schemas.Recommendations`, `rationale` left null."""
    rows, places = np.nonzero(top.items >= 0)
    frame = pl.DataFrame(
        {
            "user_id": [data.user_ids[user] for user in top.users[rows]],
            "rank": places + 1,
            "item_id": [data.item_ids[item] for item in top.items[rows, places]],
            "score": top.scores[rows, places],
            "rationale": None,
        }
    )
    return schemas.Recommendations.validate(frame, cast=True)


def _blocks(n_users: int, n_items: int, chunk: int) -> Iterator[slice]:
    size = max(1, min(chunk, MAX_BLOCK // max(n_items, 1)))
    for start in range(0, n_users, size):
        yield slice(start, min(start + size, n_users))


def _scores(ranker: Ranker, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
    scores = ranker.score(data, users, phase)
    _check(scores, (len(users), data.n_items), ranker, data)
    return scores


def _best(
    ranker: Ranker, data: DomainData, users: IntArray, phase: Phase, k: int
) -> tuple[IntArray, FloatArray]:
    """Find items and scores of the best unseen, by rough scores first where that is faster [m, k], [m, k]."""
    rough = ranker.rough(data, users, phase, _width(users)) if isinstance(ranker, Rough) else None
    if rough is None:
        return _looked_through(ranker, data, users, phase, k)
    kept = Best(len(users), KEPT * k)
    _take(kept, _checked(rough.pieces, ranker, data, users), _seen(data, users, phase))
    items, scores, sure = settled(kept, rough, k)
    if not sure.all():
        items[~sure], scores[~sure] = _looked_through(ranker, data, users[~sure], phase, k)
    return items, scores


def _looked_through(
    ranker: Ranker, data: DomainData, users: IntArray, phase: Phase, k: int
) -> tuple[IntArray, FloatArray]:
    best = Best(len(users), k)
    _take(best, _pieces(ranker, data, users, phase), _seen(data, users, phase))
    return best.columns, best.scores


def _take(best: Best, pieces: Iterator[tuple[int, FloatArray]], seen: Entries) -> None:
    for first, piece in pieces:
        best.take(first, piece, seen)


def _pieces(
    ranker: Ranker, data: DomainData, users: IntArray, phase: Phase
) -> Iterator[tuple[int, FloatArray]]:
    if not isinstance(ranker, Piecewise):
        yield 0, _scores(ranker, data, users, phase)
        return
    yield from _checked(ranker.pieces(data, users, phase, _width(users)), ranker, data, users)


def _checked(
    pieces: Iterator[FloatArray], ranker: Ranker, data: DomainData, users: IntArray
) -> Iterator[tuple[int, FloatArray]]:
    """Pieces beside their first items."""
    width = _width(users)
    for first, scores in zip(range(0, data.n_items, width), pieces, strict=True):
        _check(scores, (len(users), min(width, data.n_items - first)), ranker, data)
        yield first, scores


def _width(users: IntArray) -> int:
    return max(1, MAX_BLOCK // len(users))


def _check(scores: FloatArray, shape: tuple[int, int], ranker: Ranker, data: DomainData) -> None:
    if scores.shape != shape:
        raise ValueError(f"{ranker.name} gave scores of shape {scores.shape} for {shape} users x items")
    if np.isnan(scores.min(initial=np.inf)):  # a minimum with a NaN is a NaN, and takes no memory
        # A NaN is neither above nor below any score: it would silently put the target first.
        raise ValueError(f"{ranker.name} gave NaN scores in {data.domain}")


def _seen(data: DomainData, users: IntArray, phase: Phase) -> Entries:
    histories = [data.history(user, phase) for user in users]
    rows = np.repeat(np.arange(len(users)), [len(history) for history in histories])
    return rows, np.concatenate(histories) if histories else np.empty(0, dtype=np.int64)


def target_ranks(scores: FloatArray, targets: IntArray, seen: Entries) -> IntArray:
    """Rank of each row's target among the unseen, ties pessimistic [m]."""
    everyone = np.arange(len(targets))
    ahead: NDArray[np.bool_] = scores >= scores[everyone, targets][:, None]
    ahead[seen] = False
    ahead[everyone, targets] = True  # the target itself is the 1 that ranks count from
    ranks: IntArray = np.sum(ahead, axis=1, dtype=np.int64)
    return ranks
