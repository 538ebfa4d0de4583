"""Groups of users that a mean over all of them hides."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pulse_pipeline.evaluation.baselines.popularity import training_counts
from pulse_pipeline.evaluation.ranking import UserRanks
from pulse_pipeline.thought_space.data import DomainData, IntArray, Phase

Mask = NDArray[np.bool_]

ALL = "all"
WITH_RATIONALE = "rationale:yes"
WITHOUT_RATIONALE = "rationale:no"
HISTORY_BUCKETS = ((1, 3), (4, 9), (10, None))
FIFTHS = 5
RARE = 5
"""From so many training interactions on an item is not rare: the usual 5-core."""


def slices(data: DomainData, ranked: UserRanks, phase: Phase) -> Iterator[tuple[str, Mask]]:
    """Yield the name and the members of each group that has any.

    ``all``. By the items known of the user: ``history:1-3`` (the cold users), ``history:4-9``,
    ``history:10+``. By the target's training interactions: ``target:fifth-1`` to ``target:fifth-5`` by the
    fifth of the catalogue that it is in, the most popular first; ``target:head`` is the first of them without
    what was never chosen, ``target:tail`` all others; ``target:cold`` has none, ``target:rare`` one to four.
    Where rationales are there for some of the users only, ``rationale:yes`` and ``rationale:no``.
    """
    everyone = np.ones(len(ranked.users), dtype=np.bool_)
    groups = [(ALL, everyone), *_by_history(data.history_lengths(phase)[ranked.users])]
    targets = [data.target(user, phase) for user in ranked.users]
    groups += [(name, of_items[targets]) for name, of_items in _by_popularity(training_counts(data))]
    with_one = data.has_rationale[ranked.users]
    if with_one.any() and not with_one.all():
        groups += [(WITH_RATIONALE, with_one), (WITHOUT_RATIONALE, ~with_one)]
    yield from ((name, members) for name, members in groups if members.any())


def _by_history(lengths: IntArray) -> Iterator[tuple[str, Mask]]:
    for low, high in HISTORY_BUCKETS:
        members = (lengths >= low) & (lengths <= (high or lengths.max(initial=low)))
        yield f"history:{low}-{high}" if high else f"history:{low}+", members


def _by_popularity(counts: IntArray) -> Iterator[tuple[str, Mask]]:
    """Groups of items [n_items]."""
    fifths = np.empty(len(counts), dtype=np.int64)
    # Of equally popular items those earlier in the catalogue go into the more popular fifth.
    fifths[np.argsort(-counts, kind="stable")] = np.arange(len(counts)) * FIFTHS // max(len(counts), 1)
    head = (fifths == 0) & (counts > 0)
    yield from [("target:head", head), ("target:tail", ~head)]
    yield from ((f"target:fifth-{n + 1}", fifths == n) for n in range(FIFTHS))
    yield from [("target:cold", counts == 0), ("target:rare", (counts > 0) & (counts < RARE))]
