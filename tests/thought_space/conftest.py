"""A small planted world: users with a hidden taste choose items whose vectors agree with it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from pulse_pipeline.thought_space.data import DomainData, RationaleVectors

WIDTH = 24
Planter = Callable[..., DomainData]


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def planted(
    domain: str = "films",
    *,
    n_users: int = 120,
    n_items: int = 80,
    length: int = 8,
    seed: int = 0,
    rationale_noise: float | None = 0.1,
) -> DomainData:
    """Each choice is drawn by taste; a rationale is the taste with noise, off by a shared phrasing."""
    rng = np.random.default_rng(seed)
    items = rng.normal(size=(n_items, WIDTH))
    tastes = rng.normal(size=(n_users, WIDTH))
    # Choices follow half of the taste each time, so that a short history tells only part of it.
    sequences = []
    for taste in tastes:
        free = list(range(n_items))
        chosen = []
        for _ in range(length):
            facet = taste * (rng.random(WIDTH) < 0.5)
            appeal = items[free] @ facet + rng.gumbel(size=len(free))
            chosen.append(free.pop(int(appeal.argmax())))
        sequences.append(np.array(chosen, dtype=np.int64))
    rationales = None
    if rationale_noise is not None:
        phrasing = rng.normal(size=WIDTH)
        kinds = [
            unit(unit(tastes) + rationale_noise * rng.normal(size=tastes.shape) + 0.3 * phrasing)
            for _ in range(3)
        ]
        rationales = RationaleVectors(*kinds, spoken=np.array([len(sequence) - 3 for sequence in sequences]))
    return DomainData(
        domain=domain,
        protocol="loo",
        user_ids=[f"u{index}" for index in range(n_users)],
        item_ids=[f"i{index}" for index in range(n_items)],
        item_vectors=unit(items + 1.0),
        sequences=sequences,
        n_train=np.full(n_users, length - 2),
        n_known=np.full(n_users, length - 1),
        rationales=rationales,
    )


def with_sequences(data: DomainData, sequences: list[list[int]]) -> DomainData:
    """The same catalogue with other users, all but the last two items training."""
    arrays = [np.array(sequence, dtype=np.int64) for sequence in sequences]
    lengths = np.array([len(sequence) for sequence in arrays], dtype=np.int64)
    return replace(
        data,
        user_ids=[f"u{index}" for index in range(len(arrays))],
        sequences=arrays,
        n_train=(lengths - 2).clip(min=0),
        n_known=(lengths - 1).clip(min=0),
        rationales=None,
    )


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    # Arrays this small lose more to a second thread than they gain, and sums over two end in other bits.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def plant() -> Planter:
    return planted


@pytest.fixture
def resequence() -> Callable[[DomainData, list[list[int]]], DomainData]:
    return with_sequences
