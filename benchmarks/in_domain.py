"""The Thought Space on domains of a home, without rationales: with and without counts, against baselines.

The domains' interactions and item embeddings must be materialised. Weights and epochs are chosen on
validation items, figures are of test items, leave-one-out, full ranking. Rows of docs/transfer.json. A
training that is killed goes on where it stood. Neural baselines take minutes each: name what is to be run.

    pulse run --select raw_interactions,interactions,items,item_embeddings
    python -m benchmarks.in_domain ML-100K Office
    python -m benchmarks.in_domain Office --baselines unisrec alpharec sasrec
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.kept_rows import renew, same
from benchmarks.stored import stored_data
from benchmarks.transfer import KEY, RESULTS, rows_of, told
from pulse_pipeline.evaluation.baselines.settings import BaselineSettings
from pulse_pipeline.evaluation.baselines.suite import SUITE
from pulse_pipeline.evaluation.evaluate import Evaluated, difference, evaluate_ranker
from pulse_pipeline.evaluation.ranking import Ranker
from pulse_pipeline.home import Home
from pulse_pipeline.settings import load_settings
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train

COUNTS, WITHOUT = "PULSE", "PULSE, nothing counted"
UNREAD = [name for name, entry in SUITE.items() if not entry.reads_rationales]
"""Baselines that need no rationales: none are read here."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("domains", nargs="+", help="domains of the home")
    parser.add_argument(
        "--baselines", nargs="+", choices=UNREAD, default=["markov_knn", "text_knn_centred"], metavar="NAME"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="rows, as JSON; renewed by what they are about"
    )
    arguments = parser.parse_args()
    settings = load_settings()
    config = settings.thought_space.model_copy(update={"seed": arguments.seed})
    states = Home.from_environment().cache / "in_domain"
    for name in arguments.domains:
        data = stored_data(name)
        baselines = _fitted(data, settings.baselines, arguments.baselines)
        rows = list(figures(data, config, baselines, states / f"{name}.safetensors"))
        renew(arguments.out, rows, same(rows, *KEY))
        print(json.dumps(rows, indent=1), flush=True)


def figures(
    data: DomainData, config: ThoughtSpaceConfig, baselines: Iterable[Ranker], state: Path
) -> Iterator[dict[str, Any]]:
    """Train once, measure the model with and without its counts, and baselines.

    Args:
        data: The domain.
        config: The settings.
        baselines: Fitted ones.
        state: Where the training stands after each epoch, should it be killed; gone at the end.
    """
    trained = train(data.domain, [data], config, state=state)
    model, seconds = trained.model, float(trained.history["seconds"].sum())
    home = model.home(data.domain)
    weights = {"following": float(home.following), "trend": float(home.trend)}
    own = _evaluated(ThoughtSpaceRanker(model, COUNTS), data, config)
    with torch.no_grad():
        home.following.fill_(0.0)
        home.trend.fill_(0.0)
    without = _evaluated(ThoughtSpaceRanker(model, WITHOUT), data, config)
    found = [own, without, *(_evaluated(baseline, data, config) for baseline in baselines)]
    state.unlink(missing_ok=True)
    about = {"experiment": _experiment(data, config), "sources": data.domain, "target": data.domain}
    for row, one in zip(rows_of(found, against=own), found, strict=True):
        ours = {"weights": weights, "seconds": seconds} if one is own else {}
        minus = None if one is own else told(difference(own, one))
        yield about | row | {"ours_minus_it": minus, **ours}


def _experiment(data: DomainData, config: ThoughtSpaceConfig) -> str:
    sampled = f"in-domain, {config.sampled_negatives} sampled negatives"
    return sampled if config.samples(data.n_items) else "in-domain"


def _fitted(data: DomainData, settings: BaselineSettings, names: list[str]) -> Iterator[Ranker]:
    return (settings.build(name).fit(data) for name in names)


def _evaluated(ranker: Ranker, data: DomainData, config: ThoughtSpaceConfig) -> Evaluated:
    return evaluate_ranker(ranker, data, train_mix=data.domain, seed=config.seed)


if __name__ == "__main__":
    main()
