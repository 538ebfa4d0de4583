"""Small domains: by hand, of pure chance, and with an order that can be learned."""

import numpy as np

from pulse_pipeline.thought_space.data import DomainData, FloatArray, RationaleVectors


def domain(
    sequences: list[list[int]],
    n_items: int,
    vectors: FloatArray | None = None,
    rationales: RationaleVectors | None = None,
) -> DomainData:
    """Leave-one-out over sequences of items."""
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    return DomainData(
        domain="toy",
        protocol="loo",
        user_ids=[str(user) for user in range(len(sequences))],
        item_ids=[str(item) for item in range(n_items)],
        item_vectors=np.eye(n_items, dtype=np.float32) if vectors is None else vectors,
        sequences=[np.array(sequence, dtype=np.int64) for sequence in sequences],
        n_train=lengths - 2,
        n_known=lengths - 1,
        rationales=rationales,
    )


def chance_world(seed: int, n_users: int = 400, n_items: int = 40, length: int = 8) -> DomainData:
    """Everyone takes items at random, nobody one twice; texts and rationales say nothing."""
    rng = np.random.default_rng(seed)
    sequences = [rng.permutation(n_items)[:length].tolist() for _ in range(n_users)]
    vectors = rng.normal(size=(n_items, 8)).astype(np.float32)
    return domain(sequences, n_items, vectors, _rationales(rng, n_users, 8, length - 3))


def order_world(seed: int, n_users: int = 120, n_items: int = 30, length: int = 10) -> DomainData:
    """After item i comes i + 1; where somebody starts is chance. Items are equally popular."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, n_items, n_users)
    sequences = [((start + np.arange(length)) % n_items).tolist() for start in starts]
    return domain(sequences, n_items, rng.normal(size=(n_items, 16)).astype(np.float32))


def taste_world(seed: int, n_users: int = 120, n_items: int = 40, length: int = 8) -> DomainData:
    """Half of the users take items of the first half, half of the rest; texts and rationales say so."""
    rng = np.random.default_rng(seed)
    taste = np.arange(n_users) % 2
    half = n_items // 2
    sequences = [(rng.permutation(half)[:length] + half * side).tolist() for side in taste]
    poles = rng.normal(size=(2, 16))
    vectors = poles[np.arange(n_items) // half] + 0.3 * rng.normal(size=(n_items, 16))
    spoken = (poles[taste] + 0.3 * rng.normal(size=(n_users, 16))).astype(np.float32)
    rationales = RationaleVectors(spoken, spoken, spoken, np.full(n_users, length - 3))
    return domain(sequences, n_items, vectors.astype(np.float32), rationales)


def _rationales(rng: np.random.Generator, n_users: int, width: int, spoken: int) -> RationaleVectors:
    serving, training = rng.normal(size=(2, n_users, width)).astype(np.float32)
    serving[::5] = np.nan
    training[::5] = np.nan
    return RationaleVectors(serving, training, training, np.full(n_users, spoken))
