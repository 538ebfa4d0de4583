"""Baselines on real sets: seconds, memory and how near their figures are to the published ones.

Leave-one-out, full ranking, 5-core. Beauty'14 runs the suite of all baselines that are not neural, its
texts replaced by random vectors (their figures mean nothing and are left out; their seconds count), and
neural ones that read ids only; ML-100K runs SASRec with softmax. Settings are the defaults, or what
`--parameters` names. A published figure is met where it does not lie above the 95 % interval of ours. With
`--rectools` RecTools' SASRec runs beside ours on the same split (see benchmarks/beside_rectools.py).

    OMP_NUM_THREADS=2 python -m benchmarks.baselines [--rectools VENV/bin/python] --out baselines.json
    python -m benchmarks.baselines --sets amazon-2014/Beauty --baselines sasrec --parameters '{"width": 128}'
"""

import argparse
import json
import os
import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import beside_rectools
from benchmarks.real_sets import leave_one_out
from pulse_pipeline.evaluation.baselines.settings import BaselineSettings
from pulse_pipeline.evaluation.baselines.suite import CHEAP
from pulse_pipeline.evaluation.evaluate import Evaluated, evaluate_ranker
from pulse_pipeline.evaluation.per_user import FULL
from pulse_pipeline.evaluation.slices import ALL
from pulse_pipeline.files import replacing
from pulse_pipeline.thought_space.data import DomainData

DATA = Path(__file__).parents[1] / os.environ.get("PULSE_TEST_DATA", "../shared/data")
TARGET_SECONDS = 300.0
ROUNDING = 0.0005
WIDTH = 384
NEURAL = ("sasrec", "gsasrec", "lightgcn")
SETS = {"amazon-2014/Beauty": (*CHEAP, *NEURAL), "movielens/ml-100k": ("sasrec",)}
ANCHORS = {
    ("Beauty", "popularity"): (0.012, 0.006),
    ("Beauty", "item_knn"): (0.059, 0.034),
    ("Beauty", "ease"): (0.070, 0.037),
    ("Beauty", "markov_knn"): (0.082, 0.052),
    ("Beauty", "sasrec"): (0.092, 0.053),
    ("Beauty", "lightgcn"): (0.048, 0.024),
    ("ml-100k", "sasrec"): (0.210, 0.106),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--baselines", nargs="+", choices=[*CHEAP, *NEURAL], help="only these")
    parser.add_argument("--parameters", type=json.loads, default={}, help="settings of the one, as JSON")
    parser.add_argument("--rectools", type=Path, help="the Python of an environment with RecTools")
    parser.add_argument("--epochs", type=int, default=100, help="of RecTools' SASRec")
    parser.add_argument("--out", type=Path, help="write the figures as JSON here, each as it comes")
    arguments = parser.parse_args()
    if arguments.parameters and len(arguments.baselines or ()) != 1:
        parser.error("--parameters are of one baseline: name it with --baselines")
    figures = []
    for row in measured(arguments):
        figures.append(row)
        print(json.dumps(row), flush=True)
        if arguments.out:
            with replacing(arguments.out) as aside:
                aside.write_text(json.dumps(figures, indent=2) + "\n")


def measured(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One row a baseline, one for all together that are not neural, one for RecTools' SASRec."""
    for folder in arguments.sets:
        data = leave_one_out(DATA / folder, min_interactions=5)
        texts = np.random.default_rng(0).normal(size=(data.n_items, WIDTH)).astype(np.float32)
        data = replace(data, item_vectors=texts)
        rows = []
        for name in SETS[folder]:
            if not arguments.baselines or name in arguments.baselines:
                rows.append(run(data, name, arguments.parameters))
                yield rows[-1]
        cheap = [row for row in rows if row["baseline"] in CHEAP]
        if len(cheap) == len(CHEAP):
            yield together(cheap)
        if arguments.rectools:
            yield theirs(data, arguments)


def together(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """All that are not neural as one row: their seconds, and the most memory."""
    seconds = sum(row["seconds"] for row in rows)
    return {
        **dict.fromkeys(rows[0]),
        "dataset": rows[0]["dataset"],
        "baseline": "all that are not neural",
        "seconds": seconds,
        "peak_gb": max(row["peak_gb"] for row in rows),
        "met": seconds <= TARGET_SECONDS,
    }


def theirs(data: DomainData, arguments: argparse.Namespace) -> dict[str, Any]:
    """RecTools' SASRec on the same split; its seconds are of training alone."""
    cores = torch.get_num_threads()
    found = beside_rectools.sasrec(data, arguments.rectools, epochs=arguments.epochs, seed=0, cores=cores)
    published = ANCHORS[data.domain, "sasrec"]
    return {
        "dataset": data.domain,
        "baseline": f"RecTools SASRec, {arguments.epochs} epochs",
        "HR@10": found["hr"],
        "NDCG@10": found["ndcg"],
        "published HR@10": published[0],
        "published NDCG@10": published[1],
        "seconds": found["seconds"],
        "peak_gb": None,
        "met": None,
    }


def run(data: DomainData, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Fit, rank and compare with what was published."""
    started = time.perf_counter()
    settings = BaselineSettings(run=(name,), parameters={name: parameters} if parameters else {})
    ranker = settings.build(name).fit(data)
    result = evaluate_ranker(ranker, data, train_mix=data.domain, seed=0)
    seconds = time.perf_counter() - started
    meaningless = name.startswith("text")
    published = dict(zip(("HR", "NDCG"), ANCHORS.get((data.domain, name), ()), strict=False))
    return {
        "dataset": data.domain,
        "baseline": ", ".join([name, *(f"{key} {value}" for key, value in parameters.items())]),
        "HR@10": None if meaningless else result.value("HR", 10),
        "NDCG@10": None if meaningless else result.value("NDCG", 10),
        "published HR@10": published.get("HR"),
        "published NDCG@10": published.get("NDCG"),
        "seconds": seconds,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "met": reached(result, published) if published else None,
    }


def reached(result: Evaluated, published: dict[str, float]) -> bool:
    """Whether no published figure lies above the interval of ours; they are rounded to three digits."""
    rows = result.metrics.filter(slice=ALL, k=10, candidates=FULL)
    highs = {metric: rows.filter(metric=metric)["ci_high"].item() for metric in published}
    return all(value <= highs[metric] + ROUNDING for metric, value in published.items())


if __name__ == "__main__":
    main()
