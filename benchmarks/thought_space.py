"""The Thought Space's speed: ranking, serving, growth with the data, and training against RecTools' SASRec.

Parts run alone, each measurement in a process of its own, on generated data. `training` reads ML-100K from
the home and needs an environment with RecTools beside this one, which wants another numpy: `python -m venv
VENV && VENV/bin/pip install "rectools[torch]" "numpy<2"`.

    python -m benchmarks.thought_space [ranking] [serving] [interactions] [items] [items_with_ids]
        [items_few_draws] [training] [--scale 0.1] [--cores 2] [--rectools VENV/bin/python]
        [--out figures.json]
"""

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import beside_rectools
from benchmarks.resume import peak_bytes
from benchmarks.stored import stored_data
from pulse_pipeline.commands.serving import Served, recommend
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.evaluation.ranking import top_k, user_ranks
from pulse_pipeline.files import replacing
from pulse_pipeline.progress import Task
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, IntArray
from pulse_pipeline.thought_space.learner import Learner
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train, untrained
from pulse_pipeline.thought_space.workers import ALONE

WIDTH, LENGTH = 384, 10
RANKED_USERS = RANKED_ITEMS = 100_000
INTERACTIONS = (100_000, 300_000, 1_000_000)
ITEMS = (10_000, 50_000, 200_000)
STEPS = 20
FEW_DRAWS = 1_024
SERVED = 500
LEARNED = 0.25  # length of what an item has learned beside its text's 1: the longest of 3,541 came to 1.4
TARGETS = {"ranking_seconds": 60.0, "ranking_gb": 2.0, "serving_p99_ms": 10.0}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all but training by default")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the users ranked, of interactions")
    parser.add_argument("--cores", type=int, default=2, help="threads of torch")
    parser.add_argument("--rectools", type=Path, help="the Python of an environment with RecTools")
    parser.add_argument("--domain", default="ML-100K", help="what to train on, of the domains in PULSE_HOME")
    parser.add_argument("--epochs", type=int, default=30, help="most epochs of both models, for `training`")
    parser.add_argument("--measure", metavar="SIZE", type=int, help="one measurement of one part")
    parser.add_argument("--out", type=Path, help="write the figures as JSON here")
    arguments = parser.parse_args()
    if arguments.measure is not None:
        torch.set_num_threads(arguments.cores)
        (part,) = arguments.parts
        print(json.dumps(PARTS[part][0](arguments.measure, arguments)))
        return
    wanted = arguments.parts or [part for part in PARTS if part != "training" or arguments.rectools]
    figures = [figure for part in wanted for figure in measured(part, arguments)]
    print(json.dumps(figures, indent=2))
    if arguments.out:
        with replacing(arguments.out) as aside:
            aside.write_text(json.dumps(figures, indent=2) + "\n")


def measured(part: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Each size of a part in a process of its own."""
    _, sizes = PARTS[part]
    found = []
    for size in sizes:
        command = [sys.executable, "-m", "benchmarks.thought_space", part, "--measure", str(size)]
        for option in ("scale", "cores", "epochs", "rectools", "domain"):
            if getattr(arguments, option) is not None:
                command += [f"--{option}", str(getattr(arguments, option))]
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found.append({"part": part, **json.loads(run.stdout.splitlines()[-1])})
    return with_growth(found)


def with_growth(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """To what power of the size the seconds grow, from the first size on; 1 is linear."""
    first = found[0]
    for one in found[1:]:
        times = one["seconds"] / first["seconds"]
        one["growth_power"] = math.log(times) / math.log(one["size"] / first["size"])
    return found


def ranking(users: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Top ten of a large catalogue for many users."""
    data = generated(int(users * arguments.scale), RANKED_ITEMS, 0)
    ranker = ThoughtSpaceRanker(at_home(data))
    before, started, worked = peak_bytes(), time.perf_counter(), time.process_time()
    top_k(ranker, data, np.arange(len(data.user_ids)), "serving", 10)
    seconds = time.perf_counter() - started
    peak = peak_bytes()
    return {
        "size": len(data.user_ids),
        "n_items": RANKED_ITEMS,
        "cores": arguments.cores,
        "seconds": seconds,
        "cpu_seconds": time.process_time() - worked,
        "peak_gb": peak / 1e9,
        "loaded_gb": before / 1e9,
        "met": seconds < TARGETS["ranking_seconds"] * arguments.scale and peak / 1e9 < TARGETS["ranking_gb"],
    }


def serving(requests: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Top ten with reasons for one user at a time, everything loaded."""
    data = generated(5_000, 20_000, 0)
    served = Served(data, at_home(data), {}, {}, set())
    recommend(served, data.user_ids[0], 10)
    took = []
    for user in data.user_ids[1 : requests + 1]:
        started = time.perf_counter()
        recommend(served, user, 10)
        took.append(1000 * (time.perf_counter() - started))
    p99 = float(np.percentile(took, 99))
    return {
        "size": requests,
        "n_items": data.n_items,
        "cores": arguments.cores,
        "seconds": sum(took) / 1000,
        "p50_ms": float(np.median(took)),
        "p99_ms": p99,
        "met": p99 < TARGETS["serving_p99_ms"],
    }


def interactions(size: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """An epoch over ever more interactions with one catalogue."""
    n = int(size * arguments.scale)
    config = ThoughtSpaceConfig(device="cpu", least_steps=1)
    return an_epoch(learner_of(generated(n // LENGTH, 10_000, 0), config)) | {"size": n, "n_items": 10_000}


def items(size: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Steps of sampled softmax over ever larger catalogues, without ID residual."""
    return sampled_steps(size, id_residual=False)


def items_with_ids(size: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """The same with the ID residual, the default: its table and moments are as long as the catalogue."""
    return sampled_steps(size, id_residual=True)


def items_few_draws(size: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """The default with so few draws that the smallest catalogue, too, has as many items to give."""
    return sampled_steps(size, id_residual=True, draws=FEW_DRAWS)


def sampled_steps(size: int, *, id_residual: bool, draws: int | None = None) -> dict[str, Any]:
    """Steps of sampled softmax over so many items; memory beyond the weights and their moments."""
    config = ThoughtSpaceConfig(
        device="cpu", full_softmax_items=1, least_steps=1, id_residual=id_residual, batch_size=128
    )
    if draws:
        config = config.model_copy(update={"sampled_negatives": draws})
    learner = learner_of(generated(STEPS * config.batch_size, size, 0), config)
    held = [tensor for tensor in learner.tensors().values() if tensor.is_floating_point()]
    for tensor in held:
        tensor.add_(0.0)  # a table of zeros takes no memory before it is written to
    learned = sum(tensor.nbytes for tensor in held)
    return an_epoch(learner) | {"size": size, "n_items": size, "learned_gb": learned / 1e9}


def learner_of(data: DomainData, config: ThoughtSpaceConfig) -> Learner:
    """What trains a model of generated data."""
    model = untrained([data], config)
    model.abroad.requires_grad_(False)
    return Learner(model, [data], config, ALONE)


def an_epoch(learner: Learner) -> dict[str, Any]:
    """Seconds of an epoch, and by how much it raises the peak of memory."""
    ignored = Task("epoch", learner.steps, "steps")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew, at what is held now
    before, started, worked = peak_bytes(), time.perf_counter(), time.process_time()
    learner.epoch(ignored)
    seconds = time.perf_counter() - started
    return {
        "steps": learner.steps,
        "seconds": seconds,
        "cpu_seconds": time.process_time() - worked,
        "ms_a_step": 1000 * seconds / learner.steps,
        "step_memory_gb": (peak_bytes() - before) / 1e9,
    }


def training(seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """A domain with early stopping, and RecTools' SASRec on the same cores for all epochs.

    `seconds` is all that a training takes; `seconds_to_best` is without the epochs that only told that the
    best one was over.
    """
    data = stored_data(arguments.domain)  # without rationales: theirs has none either
    config = ThoughtSpaceConfig(device="cpu", seed=seed, epochs=arguments.epochs)
    started = time.perf_counter()
    trained = train(data.domain, [data], config)
    seconds = time.perf_counter() - started
    best = int(np.argmax(trained.history["val_ndcg@10"]))
    after_best = float(trained.history["seconds"][best + 1 :].sum())
    users = data.evaluated_users("test")
    ranks = user_ranks(ThoughtSpaceRanker(trained.model), data, "test").ranks
    ndcg = float(METRICS["NDCG"](ranks, 10).mean())
    theirs = beside_rectools.sasrec(
        data, arguments.rectools, epochs=arguments.epochs, seed=seed, cores=arguments.cores
    )
    return {
        "size": len(users),
        "cores": arguments.cores,
        "epochs": arguments.epochs,
        "epochs_run": int(trained.history["epoch"][-1]),
        "seconds": seconds,
        "seconds_to_best": seconds - after_best,
        "ndcg": ndcg,
        "rectools_seconds": theirs["seconds"],
        "rectools_ndcg": theirs["ndcg"],
        "met": 2 * (seconds - after_best) <= theirs["seconds"] and ndcg >= theirs["ndcg"],
    }


def at_home(data: DomainData) -> ThoughtSpace:
    """A model that uses all that it may at home, its items as unlike in length as trained ones."""
    model = untrained([data], ThoughtSpaceConfig(device="cpu"))
    home, drawn = model.home(data.domain), torch.Generator().manual_seed(0)
    with torch.no_grad():
        home.following.fill_(1.0)
        home.bias.normal_(generator=drawn)
        unit = home.vectors.normal_(std=home.vectors.shape[1] ** -0.5, generator=drawn)
        unit.mul_(LEARNED * torch.randn(len(unit), 1, generator=drawn))
    return model


def generated(n_users: int, n_items: int, seed: int) -> DomainData:
    """Random texts' vectors and random histories of one length, the last two items held out."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n_items, WIDTH), dtype=np.float32)
    sequences: list[IntArray] = list(rng.integers(0, n_items, size=(n_users, LENGTH + 2)))
    return DomainData(
        domain="generated",
        protocol="loo",
        user_ids=[f"u{user}" for user in range(n_users)],
        item_ids=[f"i{item}" for item in range(n_items)],
        item_vectors=vectors,
        sequences=sequences,
        n_train=np.full(n_users, LENGTH),
        n_known=np.full(n_users, LENGTH + 1),
    )


PARTS: dict[str, tuple[Callable[[int, argparse.Namespace], dict[str, Any]], tuple[int, ...]]] = {
    "ranking": (ranking, (RANKED_USERS,)),
    "serving": (serving, (SERVED,)),
    "interactions": (interactions, INTERACTIONS),
    "items": (items, ITEMS),
    "items_with_ids": (items_with_ids, ITEMS),
    "items_few_draws": (items_few_draws, ITEMS),
    "training": (training, (0,)),
}


if __name__ == "__main__":
    main()
