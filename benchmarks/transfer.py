"""Transfer between domains of a home: zero-shot, few-shot, arrivals. Rows of docs/transfer.json.

The domains' interactions and item embeddings must be materialised. Rationales are used of people who arrive,
where `bridging_rationales` of the target was made. Weights, epochs and settings are chosen on validation
items, or on people who are no test; figures are of test items, leave-one-out, full ranking.

    pulse run --select raw_interactions,interactions,items,item_embeddings
    python -m benchmarks.transfer zero-shot --sources Office Industrial --target Games --users 6000
    python -m benchmarks.transfer few-shot --sources Office Industrial --target Gift_Cards
    python -m benchmarks.transfer arrivals --sources Beauty --target Toys --drawn
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from assets.transfer import bridging_vectors
from benchmarks.kept_rows import renew, same
from benchmarks.stored import stored, stored_data, stored_if_made
from pulse_pipeline.evaluation.arrival_evaluation import evaluate_arrivals, evaluated_at_door
from pulse_pipeline.evaluation.arrivals import Arrivals
from pulse_pipeline.evaluation.bootstrap import Difference
from pulse_pipeline.evaluation.crossing import GRIDS, Crossing
from pulse_pipeline.evaluation.evaluate import Evaluated, Origin, difference, evaluate_ranker
from pulse_pipeline.evaluation.few_shot import evaluate_few_shot
from pulse_pipeline.evaluation.in_domain import MODEL
from pulse_pipeline.evaluation.transfer import evaluate_zero_shot
from pulse_pipeline.evaluation.word_reader import Texts, titles
from pulse_pipeline.provenance import git_sha, text_hash
from pulse_pipeline.rationales.arrivals import arrivals as known_before
from pulse_pipeline.settings import load_settings
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train
from resources.text_encoder import TextEncoder

RESULTS = Path(__file__).parents[1] / "docs" / "transfer.json"
ALIKE = "PULSE, all arrivals alike"
KEY = ("experiment", "sources", "target", "model", "train_mix", "seed")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiment", choices=["zero-shot", "few-shot", "arrivals"])
    parser.add_argument("--sources", nargs="+", required=True, help="domains of the home")
    parser.add_argument("--target", required=True, help="another domain of the home")
    parser.add_argument("--users", type=int, help="most users of the target, by the hashes of their ids")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.01, 0.1], help="few-shot only")
    parser.add_argument(
        "--drawn", action="store_true", help="arrivals only: the order of the target is no time"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="rows, as JSON; renewed by what they are about"
    )
    arguments = parser.parse_args()
    if arguments.experiment == "arrivals" and arguments.users is not None:
        parser.error("arrivals takes no --users: who comes is who is known in both domains")
    experiment = {"zero-shot": _zero_shot, "few-shot": _few_shot, "arrivals": _arrivals}[arguments.experiment]
    about = {"sources": "+".join(arguments.sources), "target": arguments.target}
    rows = [{"experiment": arguments.experiment} | about | row for row in experiment(arguments)]
    renew(arguments.out, rows, same(rows, *KEY))
    print(json.dumps(rows, indent=1), flush=True)


def _zero_shot(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Vectors and words, and the Thought Space, as fitted on the sources, against centred text-kNN."""
    sources = [_texts(name, stored_data(name)) for name in arguments.sources]
    target = _texts(arguments.target, unseen_target(arguments.target, arguments.users))
    mix = "+".join(arguments.sources)
    found, reading = evaluate_zero_shot(sources, target, mix, arguments.seed)
    for row in rows_of(found, against=found[0]):
        yield row | {"reading": vars(reading)}
    # Without rationales a foreign domain is ranked alike by every epoch: none has to be run.
    fitted = _config(arguments).model_copy(update={"epochs": 0})
    space = train(mix, [source.data for source in sources], fitted).model
    ranker = ThoughtSpaceRanker(space, MODEL, rationales="none")
    own = evaluate_ranker(ranker, target.data, train_mix=mix, seed=arguments.seed)
    yield from rows_of([own], against=found[0])


def _config(arguments: argparse.Namespace) -> ThoughtSpaceConfig:
    return load_settings().thought_space.model_copy(update={"seed": arguments.seed})


def _few_shot(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Shares of the target's training users beside the sources."""
    found = evaluate_few_shot(
        [stored_data(name) for name in arguments.sources],
        unseen_target(arguments.target, arguments.users),
        _config(arguments),
        source_mix="+".join(arguments.sources),
        shares=arguments.shares,
    )
    for place, share in enumerate(arguments.shares):
        those = [found[0], *found[1 + 3 * place : 4 + 3 * place]]
        best = max(those[:-1], key=lambda one: one.value("NDCG", 10))
        for row in rows_of(those, against=best):
            yield row | {"experiment": f"few-shot, {100 * share:g}%"}


def _arrivals(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """People of one source who come to the target, the test part of them."""
    (source,) = arguments.sources
    tables = [stored("interactions", name) for name in (source, arguments.target)]
    here, there = stored_data(source), stored_data(arguments.target)
    written = _bridging(source, arguments.target)
    people = Arrivals.between(here, there, known_before(*tables), written, drawn=arguments.drawn)
    about = {"drawn item": arguments.drawn, "bridging rationales": written is not None}
    experiment = ", ".join(["arrivals", *(name for name, holds in about.items() if holds)])
    found = [*evaluate_arrivals(people, seed=arguments.seed), _all_alike(people)]
    (ours,) = (one for one in found if one.metrics["model"][0] == MODEL)
    weights = vars(Crossing(MODEL, people).weights)
    for row, one in zip(rows_of(found, against=found[0]), found, strict=True):
        minus = None if one is ours else told(difference(ours, one))
        fitted = weights if one is ours else None
        yield row | {"experiment": experiment, "ours_minus_it": minus, "weights": fitted}


def _all_alike(people: Arrivals) -> Evaluated:
    """Our model without a look at what each had in the source: a control."""
    grids = [(name, values) for name, values in GRIDS if name == "everybody"]
    mix = f"{people.source.domain}+{people.target.domain}"
    origin = Origin("", mix, 0, "pulse", None, None)
    return evaluated_at_door(people, Crossing(ALIKE, people, "none", grids=grids), origin)


def _bridging(source: str, target: str) -> pl.DataFrame | None:
    """Vectors of what was written about people who come from a source; None where nothing valid was."""
    made = stored_if_made("bridging_rationales", target)
    written = None if made is None else made.filter("valid", source=source)
    if written is None or written.is_empty():
        return None
    return bridging_vectors(written, load_settings().encoder, TextEncoder())


def rows_of(found: list[Evaluated], against: Evaluated) -> Iterator[dict[str, Any]]:
    """Figures of models, each with its difference to one of them."""
    for one in found:
        row = one.metrics.filter(metric="NDCG", k=10).row(0, named=True)
        hits = one.metrics.filter(metric="HR", k=10).row(0, named=True)
        yield {
            "model": row["model"],
            "train_mix": row["train_mix"],
            "ndcg@10": row["value"],
            "interval": [row["ci_low"], row["ci_high"]],
            "hr@10": hits["value"],
            "users": row["n_users"],
            "against": against.metrics["model"][0],
            "minus_it": None if one is against else told(difference(one, against)),
            "seed": row["seed"],
            "git_sha": git_sha(),
        }


def told(found: Difference) -> str:
    """A difference with interval and p-value, as rows say it."""
    return f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f}), p {found.p_value:.3f}"


def unseen_target(name: str, most: int | None) -> DomainData:
    """A target as it is met for the first time, of so many users at most; None for all."""
    data = stored_data(name, texts_only=True)
    if most is None or len(data.user_ids) <= most:
        return data
    order = sorted(range(len(data.user_ids)), key=lambda user: text_hash(data.user_ids[user]))
    users = np.sort(order[:most])
    return replace(
        data,
        user_ids=[data.user_ids[user] for user in users],
        sequences=[data.sequences[user] for user in users],
        n_train=data.n_train[users],
        n_known=data.n_known[users],
        disliked=data.disliked and [data.disliked[user] for user in users],
        times=data.times and [data.times[user] for user in users],
    )


def _texts(name: str, data: DomainData) -> Texts:
    return Texts(data, titles(stored("items", name), stored("item_embeddings", name)))


if __name__ == "__main__":
    main()
