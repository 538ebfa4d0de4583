"""Groups of users that a mean over all of them hides."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pulse_pipeline.evaluation.baselines.popularity import training_counts
from pulse_pipeline.evaluation.ranking import UserRanks
from pulse_pipeline.thought_space.data import DomainData, Phase

Mask = NDArray[np.bool_]

ALL = "all"
WITH_RATIONALE = "rationale:yes"
WITHOUT_RATIONALE = "rationale:no"
HISTORY_BUCKETS = ((1, 3), (4, 9), (10, None))
HEAD_SHARE = 0.2


def slices(data: DomainData, ranked: UserRanks, phase: Phase) -> Iterator[tuple[str, Mask]]:
    """Yield the name and the members of each group that has any.

    ``all``; ``history:1-3``, ``history:4-9``, ``history:10+`` by the items known of the user;
    ``target:head`` and ``target:tail`` by whether the target is among the fifth of the catalogue
    with the most training interactions; where rationales are there for some of the users only,
    ``rationale:yes`` and ``rationale:no``.
    """
    yield ALL, np.ones(len(ranked.users), dtype=np.bool_)
    lengths = data.history_lengths(phase)[ranked.users]
    for low, high in HISTORY_BUCKETS:
        members = (lengths >= low) & (lengths <= (high or lengths.max(initial=low)))
        if members.any():
            yield f"history:{low}-{high}" if high else f"history:{low}+", members
    head = _head_items(data)[[data.target(user, phase) for user in ranked.users]]
    with_one = has_rationale(data)[ranked.users]
    groups = [("target:head", head), ("target:tail", ~head)]
    if with_one.any() and not with_one.all():
        groups += [(WITH_RATIONALE, with_one), (WITHOUT_RATIONALE, ~with_one)]
    for name, members in groups:
        if members.any():
            yield name, members


def has_rationale(data: DomainData) -> Mask:
    """Which users have a rationale to be served with [n_users]."""
    if data.rationales is None:
        return np.zeros(len(data.user_ids), dtype=np.bool_)
    return np.logical_not(np.isnan(data.rationales.serving).any(axis=1))


def _head_items(data: DomainData) -> Mask:
    counts = training_counts(data)
    head = np.zeros(data.n_items, dtype=np.bool_)
    n_head = int(np.ceil(HEAD_SHARE * data.n_items))
    head[np.argsort(-counts, kind="stable")[:n_head]] = True
    return head & (counts > 0)
