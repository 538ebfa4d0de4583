"""Evaluation itself: what ranks, slices, candidates and a thousand bootstraps cost for one model.

A generated domain of the size of Beauty'14 (22,363 users, 12,101 items), leave-one-out, an eighth of the
users with short histories. The model is a precomputed dot product of 32 dimensions, so that next to nothing
of the time is the model's. Each step is timed; the peak is the whole process's.

    OMP_NUM_THREADS=2 python -m benchmarks.evaluation --out evaluation.json
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.resume import peak_bytes
from pulse_pipeline.evaluation.candidates import drawn_candidates, read_candidates
from pulse_pipeline.evaluation.evaluate import Origin, evaluate_ranks, with_p_values
from pulse_pipeline.evaluation.standings import standings
from pulse_pipeline.files import replacing
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase

USERS, ITEMS, WIDTH = 22_363, 12_101, 32
TARGET_SECONDS, TARGET_GB = 60.0, 2.0
BASELINES = 2


class DotProduct:
    """Random vectors of users and items, and an item's popularity."""

    def __init__(self, seed: int) -> None:
        """Draw the vectors."""
        rng = np.random.default_rng(seed)
        self.name = f"dot product {seed}"
        self._users = rng.standard_normal((USERS, WIDTH), dtype=np.float32)
        self._items = rng.standard_normal((ITEMS, WIDTH), dtype=np.float32)

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """One product [len(users), n_items]."""
        return np.asarray(self._users[users] @ self._items.T)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="write the figures as JSON here")
    arguments = parser.parse_args()
    figures = [measure()]
    print(json.dumps(figures, indent=2))
    if arguments.out:
        with replacing(arguments.out) as aside:
            aside.write_text(json.dumps(figures, indent=2) + "\n")


def measure() -> dict[str, Any]:
    """One model against two baselines whose ranks are known, as the pipeline does it."""
    data = generated()
    clock = _Clock()
    candidates = read_candidates(drawn_candidates(data, 0), data)
    clock.lap("candidates")
    origin = Origin("baseline", data.domain, 0, "baseline", None, None)
    baselines = [
        evaluate_ranks(standings(DotProduct(seed), data, "test", candidates), data, origin)
        for seed in range(1, BASELINES + 1)
    ]
    clock.lap("baselines")
    ranked = standings(DotProduct(0), data, "test", candidates)
    clock.lap("ranking")
    evaluated = evaluate_ranks(ranked, data, origin)
    clock.lap("metrics, slices, intervals")
    figures = with_p_values(evaluated, baselines)
    clock.lap("p-values")
    seconds = sum(taken for step, taken in clock.laps.items() if step != "baselines")
    peak = peak_bytes() / 1e9
    return {
        "users": len(data.user_ids),
        "items": data.n_items,
        "threads": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)),
        "figures": len(figures),
        "slices": figures["slice"].n_unique(),
        "seconds": seconds,
        **{f"{step} (s)": taken for step, taken in clock.laps.items() if step != "baselines"},
        "peak_gb": peak,
        "met": seconds <= TARGET_SECONDS and peak <= TARGET_GB,
    }


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.laps[step], self._last = now - self._last, now


def generated() -> DomainData:
    """Histories of the set's mean length, items drawn by Zipf's law."""
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, ITEMS + 1) ** 0.8
    lengths = np.where(rng.random(USERS) < 1 / 8, 4, rng.integers(5, 15, USERS))
    drawn = rng.choice(ITEMS, size=(USERS, 40), p=weights / weights.sum())
    sequences = [_first(row, length) for row, length in zip(drawn, lengths, strict=True)]
    kept = np.array([len(sequence) for sequence in sequences])
    return DomainData(
        domain="generated",
        protocol="loo",
        user_ids=[f"u{user}" for user in range(USERS)],
        item_ids=[f"i{item}" for item in range(ITEMS)],
        item_vectors=np.zeros((ITEMS, 1), dtype=np.float32),
        sequences=sequences,
        n_train=kept - 2,
        n_known=kept - 1,
    )


def _first(row: IntArray, length: int) -> IntArray:
    """The first different items of a row."""
    _, places = np.unique(row, return_index=True)
    return np.asarray(row[np.sort(places)][:length])


if __name__ == "__main__":
    main()
