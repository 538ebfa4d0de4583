"""Baselines on real sets: seconds, memory and how near their figures are to the published ones.

Leave-one-out, full ranking, 5-core. Beauty'14 runs the suite of all baselines that are not neural, its
texts replaced by random vectors (their figures mean nothing and are left out; their seconds count).
ML-100K runs SASRec with softmax. Settings are the defaults.

    OMP_NUM_THREADS=2 python -m benchmarks.baselines --out baselines.json
"""

import argparse
import json
import os
import resource
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.real_sets import leave_one_out
from pulse_pipeline.evaluation.baselines.settings import BaselineSettings
from pulse_pipeline.evaluation.baselines.suite import CHEAP
from pulse_pipeline.evaluation.evaluate import evaluate_ranker
from pulse_pipeline.files import replacing
from pulse_pipeline.thought_space.data import DomainData

DATA = Path(__file__).parents[1] / os.environ.get("PULSE_TEST_DATA", "../shared/data")
TARGET_SECONDS = 300.0
WIDTH = 384
SETS = {"amazon-2014/Beauty": CHEAP, "movielens/ml-100k": ("sasrec",)}
ANCHORS = {
    ("Beauty", "popularity"): (0.012, 0.006),
    ("Beauty", "item_knn"): (0.059, 0.034),
    ("Beauty", "ease"): (0.070, 0.037),
    ("Beauty", "markov_knn"): (0.082, 0.052),
    ("ml-100k", "sasrec"): (0.210, 0.106),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--out", type=Path, help="write the figures as JSON here")
    arguments = parser.parse_args()
    figures = [row for folder in arguments.sets for row in measure(folder)]
    print(json.dumps(figures, indent=2))
    if arguments.out:
        with replacing(arguments.out) as aside:
            aside.write_text(json.dumps(figures, indent=2) + "\n")


def measure(folder: str) -> list[dict[str, Any]]:
    """One row a baseline, and one for all of them together."""
    data = leave_one_out(DATA / folder, min_interactions=5)
    texts = np.random.default_rng(0).normal(size=(data.n_items, WIDTH)).astype(np.float32)
    data = replace(data, item_vectors=texts)
    rows = [run(data, name) for name in SETS[folder]]
    seconds = sum(row["seconds"] for row in rows)
    peak = max(row["peak_gb"] for row in rows)
    together = {**dict.fromkeys(rows[0]), "dataset": data.domain, "baseline": "all", "peak_gb": peak}
    return [*rows, {**together, "seconds": seconds, "met": seconds <= TARGET_SECONDS}] if rows[1:] else rows


def run(data: DomainData, name: str) -> dict[str, Any]:
    """Fit, rank and compare with what was published."""
    started = time.perf_counter()
    ranker = BaselineSettings().build(name).fit(data)
    result = evaluate_ranker(ranker, data, train_mix=data.domain, seed=0)
    seconds = time.perf_counter() - started
    meaningless = name.startswith("text")
    return {
        "dataset": data.domain,
        "baseline": name,
        "HR@10": None if meaningless else result.value("HR", 10),
        "NDCG@10": None if meaningless else result.value("NDCG", 10),
        "published HR@10": ANCHORS.get((data.domain, name), (None, None))[0],
        "published NDCG@10": ANCHORS.get((data.domain, name), (None, None))[1],
        "seconds": seconds,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "met": None,
    }


if __name__ == "__main__":
    main()
