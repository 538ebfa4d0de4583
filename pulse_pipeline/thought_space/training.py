"""Training of a Thought Space on a mix of domains."""

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from torch import Tensor

from pulse_pipeline.progress import track
from pulse_pipeline.thought_space import objective, reading
from pulse_pipeline.thought_space.batches import Shuffled, collate, schedule, windows
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.validation import Validation

MAX_GRADIENT_NORM = 1.0
SCALARS = ("at_home.", "abroad.", "gate.out.", "log_contrast_temperature")


@dataclass(frozen=True)
class Trained:
    """A training's outcome.

    Attributes:
        model: The model of the best epoch, on the CPU.
        history: One row an epoch, epoch 0 before any gradient: epoch, the loss terms,
            ``val_ndcg@10``, seconds.
        config: The settings it was trained with.
    """

    model: ThoughtSpace
    history: pl.DataFrame
    config: ThoughtSpaceConfig


def train(mix: str, domains: list[DomainData], config: ThoughtSpaceConfig) -> Trained:
    """Train on a mix and keep the epoch with the best validation NDCG@10.

    Epoch 0 is centred text-kNN, its few reading scalars fitted (`reading.fit`), before any gradient; it
    counts, so the result is never below text-kNN on the mix's validation items. Only the domains of the
    mix are looked at.

    Args:
        mix: The mix's name, for progress.
        domains: Its members.
        config: The settings.

    Returns:
        The best model and the course of the training.
    """
    device = _device(config)
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(config.seed)
        return _train(mix, domains, config, device)


def _train(mix: str, domains: list[DomainData], config: ThoughtSpaceConfig, device: torch.device) -> Trained:
    model = untrained(domains, config).to(device)
    validation = Validation(model, domains, config)
    reading.fit(model, validation, config)
    best, best_state, since_best = validation.ndcg(), _state(model), 0
    rows = [{"epoch": 0, **objective.no_terms(), "val_ndcg@10": best, "seconds": 0.0}]
    with track(f"thought space {mix}", config.epochs, "epochs") as progress:
        for epoch, terms in enumerate(_epochs(model, domains, config), start=1):
            started = time.monotonic()
            score = validation.ndcg()
            seconds = terms.pop("seconds") + time.monotonic() - started
            rows.append({"epoch": epoch, **terms, "val_ndcg@10": score, "seconds": seconds})
            progress.advance()
            since_best += 1
            if score > best:
                best, best_state, since_best = score, _state(model), 0
            if since_best >= config.patience:
                progress.total = progress.done  # stopped early on purpose: this is the whole of it
                break
    model.load_state_dict(best_state)
    return Trained(model.cpu().eval(), pl.DataFrame(rows), config)


def untrained(domains: list[DomainData], config: ThoughtSpaceConfig) -> ThoughtSpace:
    """The model before any learning, with the centres of the mix's rationales measured."""
    width = domains[0].item_vectors.shape[1]
    model = ThoughtSpace(width, {data.domain: data.item_ids for data in domains}, config)
    objective.centre_rationales(model, domains)
    return model


def _epochs(
    model: ThoughtSpace, domains: list[DomainData], config: ThoughtSpaceConfig
) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng(config.seed)
    device = model.rationale_shift.device
    pools = [windows(data, config.history_length) for data in domains]
    sizes = [len(pool) for pool in pools]
    draws = [Shuffled(pool, config.batch_size, rng) for pool in pools]
    examples = [objective.Examples(model, data, config, rng) for data in domains]
    optimiser = _optimiser(model, config)
    for _ in range(config.epochs if sum(sizes) else 0):
        started = time.monotonic()
        model.train()
        sums: dict[str, list[float]] = {name: [] for name in objective.no_terms()}
        for domain in schedule(sizes, config, rng):
            terms = examples[domain].terms(collate(draws[domain].draw(), device))
            _step(model, optimiser, objective.total(terms, config))
            for name, term in terms.items():
                sums[name].append(term.item())
        means = {name: float(np.mean(values)) if values else None for name, values in sums.items()}
        yield {**means, "seconds": time.monotonic() - started}  # type: ignore[dict-item]


def _step(model: ThoughtSpace, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    if not loss.requires_grad:  # every term is switched off or has no example in the batch
        return
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
    optimiser.step()


def _optimiser(model: ThoughtSpace, config: ThoughtSpaceConfig) -> torch.optim.Optimizer:
    scalars, departures, rest = [], [], []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith(SCALARS):
            scalars.append(parameter)
        elif name.startswith(("adapter.", "rationale_projection.")):
            departures.append(parameter)
        else:
            rest.append(parameter)
    groups = [
        {"params": scalars, "lr": config.scalar_learning_rate, "weight_decay": 0.0},
        {"params": departures, "weight_decay": config.departure_decay},
        {"params": rest, "weight_decay": config.weight_decay},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.learning_rate)


def _device(config: ThoughtSpaceConfig) -> torch.device:
    if config.device != "auto":
        return torch.device(config.device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _state(model: ThoughtSpace) -> dict[str, Tensor]:
    return copy.deepcopy(model.state_dict())
