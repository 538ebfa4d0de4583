"""The Thought Space on domains of a home, without rationales: with and without counts, against baselines.

The domains' interactions and item embeddings must be materialised. Weights and epochs are chosen on
validation items, figures are of test items, leave-one-out, full ranking. A training that is killed goes on
where it stood.

    pulse run --select raw_interactions,interactions,items,item_embeddings
    python -m benchmarks.in_domain ML100K Office --out in_domain.json
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from benchmarks.kept_rows import renew, same
from benchmarks.stored import stored_data
from pulse_pipeline.evaluation.baselines.markov_knn import MarkovKNN
from pulse_pipeline.evaluation.baselines.text_knn import TextKNN
from pulse_pipeline.evaluation.evaluate import Evaluated, difference, evaluate_ranker
from pulse_pipeline.evaluation.ranking import Ranker
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import git_sha
from pulse_pipeline.settings import load_settings
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train

COUNTS, WITHOUT = "PULSE", "PULSE, nothing counted"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("domains", nargs="+", help="domains of the home")
    parser.add_argument("--out", type=Path, required=True, help="figures, as JSON; renewed by domain")
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    arguments = parser.parse_args()
    config = load_settings().thought_space.model_copy(update={"seed": arguments.seed})
    states = Home.from_environment().cache / "in_domain"
    for name in arguments.domains:
        rows = figures(stored_data(name), config, states / f"{name}.safetensors")
        renew(arguments.out, rows, same(rows, "domain", "model", "seed"))
        print(json.dumps(rows, indent=1), flush=True)


def figures(data: DomainData, config: ThoughtSpaceConfig, state: Path) -> list[dict[str, Any]]:
    """Train once, measure the model with and without its counts, and two baselines.

    Args:
        data: The domain.
        config: The settings.
        state: Where the training stands after each epoch, should it be killed; gone at the end.
    """
    trained = train(data.domain, [data], config, state=state)
    model, seconds = trained.model, float(trained.history["seconds"].sum())
    home = model.home(data.domain)
    weights = {"weight": float(home.following), "trend_weight": float(home.trend)}
    found = {COUNTS: _evaluated(ThoughtSpaceRanker(model, COUNTS), data)}
    with torch.no_grad():
        home.following.fill_(0.0)
        home.trend.fill_(0.0)
    found[WITHOUT] = _evaluated(ThoughtSpaceRanker(model, WITHOUT), data)
    for baseline in (MarkovKNN().fit(data), TextKNN(centred=True).fit(data)):
        found[baseline.name] = _evaluated(baseline, data)
    state.unlink(missing_ok=True)
    return [
        {
            "domain": data.domain,
            "model": name,
            "ndcg@10": one.value("NDCG", 10),
            "hr@10": one.value("HR", 10),
            "interval": _interval(one),
            "pulse_minus_it": _told(found[COUNTS], one) if name != COUNTS else None,
            "users": len(one.ranks.users),
            "seed": config.seed,
            **(weights if name == COUNTS else dict.fromkeys(weights)),
            "seconds": seconds if name == COUNTS else None,
            "git_sha": git_sha(),
        }
        for name, one in found.items()
    ]


def _evaluated(ranker: Ranker, data: DomainData) -> Evaluated:
    return evaluate_ranker(ranker, data, train_mix=data.domain, seed=0)


def _interval(one: Evaluated) -> str:
    row = one.metrics.filter(slice="all", metric="NDCG", k=10).row(0, named=True)
    return f"{row['ci_low']:.4f} to {row['ci_high']:.4f}"


def _told(own: Evaluated, other: Evaluated) -> str:
    found = difference(own, other)
    return f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f}), p {found.p_value:.3f}"


if __name__ == "__main__":
    main()
