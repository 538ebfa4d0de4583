"""All that one pass over a model's scores says of its users, so that nothing is ever scored twice."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pulse_pipeline.evaluation.candidates import Candidates
from pulse_pipeline.evaluation.metrics import CUTOFFS, LISTED
from pulse_pipeline.evaluation.ranking import Ranker, UserRanks, scored, target_ranks, targets_of
from pulse_pipeline.evaluation.selection import Entries, largest
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase


@dataclass(frozen=True)
class Standings(UserRanks):
    """Where each user's later items came, and what came first.

    Attributes:
        among: Rank of the target among the first n candidates, by n [len(users)] each.
        found: How many of a user's later items are among the first k, for each k of `CUTOFFS`
            [len(users), len(CUTOFFS)].
        wanted: How many later items there are; one that comes twice counts once [len(users)].
        top: The best unseen items, -1 where there are fewer [len(users), LISTED].
    """

    among: Mapping[int, IntArray] = field(repr=False)
    found: IntArray = field(repr=False)
    wanted: IntArray = field(repr=False)
    top: IntArray = field(repr=False)


def standings(
    ranker: Ranker,
    data: DomainData,
    phase: Phase = "test",
    candidates: Candidates | None = None,
    *,
    users: IntArray | None = None,
) -> Standings:
    """Score users once.

    Ties are pessimistic everywhere but in `top`, where the item earlier in the catalogue comes first.

    Args:
        ranker: The model.
        data: The domain.
        phase: Which targets.
        candidates: Those of `phase`; without them nothing is ranked among candidates.
        users: Some users who have a target in `phase`; by default all who have a history too.

    Raises:
        ValueError: The model's scores hold a NaN or have the wrong shape, or there are no candidates
            for some users.
    """
    users = data.evaluated_users(phase) if users is None else users
    items = np.empty((len(users), 0), dtype=np.int64) if candidates is None else candidates.of(users)
    targets, later = targets_of(data, users, phase), later_items(data, users, phase)
    ranks = np.empty(len(users), dtype=np.int64)
    top = np.empty((len(users), LISTED), dtype=np.int64)
    found = np.empty((len(users), len(CUTOFFS)), dtype=np.int64)
    sizes = () if candidates is None else candidates.sizes
    among = {size: np.empty(len(users), dtype=np.int64) for size in sizes}
    for block, scores, seen in scored(ranker, data, users, phase):
        ranks[block] = target_ranks(scores, targets[block], seen)
        listed, best = largest(scores, seen, max(CUTOFFS) + 1)
        top[block] = listed[:, :LISTED]
        found[block] = _found(scores, best, later[block], seen)
        for size, place in _among(scores, items[block], sizes).items():
            among[size][block] = place
    wanted = np.array([len(one) for one in later], dtype=np.int64)
    return Standings(users, ranks, among, found, wanted, top)


def later_items(data: DomainData, users: IntArray, phase: Phase) -> list[IntArray]:
    """All items of each user's phase, each once."""
    starts = data.history_lengths(phase)
    ends = data.n_known if phase == "valid" else [len(sequence) for sequence in data.sequences]
    return [np.unique(data.sequences[user][starts[user] : ends[user]]) for user in users]


def _among(scores: FloatArray, items: IntArray, sizes: tuple[int, ...]) -> dict[int, IntArray]:
    candidates = np.take_along_axis(scores, items, axis=1)
    # The target stands first and is as good as itself: it is the 1 that ranks count from.
    ahead = np.cumsum(candidates >= candidates[:, :1], axis=1, dtype=np.int64)
    return {size: np.asarray(ahead[:, size - 1]) for size in sizes}


def _found(scores: FloatArray, best: FloatArray, later: list[IntArray], seen: Entries) -> IntArray:
    """How many later items are among the first k, for each k [m, len(CUTOFFS)]."""
    rows = np.repeat(np.arange(len(later)), [len(items) for items in later])
    columns = np.concatenate(later)
    # As many of the best scores as are no worse, the item's own among them unless it is masked: its rank,
    # or one more than the deepest cut-off.
    ranks = (best[rows] >= scores[rows, columns][:, None]).sum(axis=1)
    n_items = scores.shape[1]
    masked = np.unique(seen[0] * n_items + seen[1])  # a history may hold an item twice
    # Where there are few unseen items, minus infinity stands behind them in `best`: no rival to a score of
    # minus infinity.
    unseen = n_items - np.bincount(masked // n_items, minlength=len(later))
    ranks = np.minimum(ranks, unseen[rows])
    ranks += np.isin(rows * n_items + columns, masked)
    hits = ranks[:, None] <= np.array(CUTOFFS)
    found = np.zeros((len(later), len(CUTOFFS)), dtype=np.int64)
    np.add.at(found, rows, hits)
    return found
