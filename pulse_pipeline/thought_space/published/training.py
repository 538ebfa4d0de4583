"""Training of the published Thought Space: a fixed number of epochs, the last one kept."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch

from pulse_pipeline.progress import track
from pulse_pipeline.thought_space.published.config import PublishedSpaceConfig
from pulse_pipeline.thought_space.published.loss import behaviour_to_rationale
from pulse_pipeline.thought_space.published.retrieval import recalls
from pulse_pipeline.thought_space.published.space import EncoderLoader, PublishedSpace


@dataclass(frozen=True)
class TrainedSpace:
    """A training's outcome.

    Attributes:
        space: The encoders after the last epoch.
        history: One row an epoch, epoch 0 before any gradient: epoch, loss, held-out loss and retrieval,
            seconds.
        cut_off: Share of behaviour texts that are longer than what is read of them.
        held_out: How many users there were to retrieve.
    """

    space: PublishedSpace
    history: pl.DataFrame
    cut_off: float
    held_out: int


def train(
    domain: str,
    pairs: pl.DataFrame,
    load: EncoderLoader,
    config: PublishedSpaceConfig,
    origin: Mapping[str, Any] | None = None,
) -> TrainedSpace:
    """Tune two copies of an encoder until rationales lie near the behaviour they explain.

    Args:
        domain: The domain's name, for progress.
        pairs: As `pairs.pairs` gives them.
        load: Loads what both start from.
        config: The settings.
        origin: What the checkpoint shall say of itself.
    """
    behaviour, rationale = load(), load()
    n_held_out = max(2, round(config.validation_share * len(pairs)))
    held_out, training = pairs.head(n_held_out), pairs.slice(n_held_out)
    on_gpu = behaviour.model.device.type == "cuda"
    with torch.random.fork_rng(devices=[behaviour.model.device] if on_gpu else []):
        torch.manual_seed(config.seed)
        space = PublishedSpace(behaviour, rationale, config, origin)
        history = _fit(domain, space, training, held_out)
    cut_off = space.cut_off([*training["behaviour"], *held_out["behaviour"]])
    return TrainedSpace(space.eval(), history, cut_off, len(held_out))


def _fit(domain: str, space: PublishedSpace, training: pl.DataFrame, held_out: pl.DataFrame) -> pl.DataFrame:
    config = space.config
    rows = [{"epoch": 0, "loss": None, **_measured(space, held_out), "seconds": 0.0}]
    with track(f"published thought space {domain}", config.epochs * len(training), "pairs") as task:
        for epoch, (loss, started) in enumerate(_epochs(space, training, task.advance), start=1):
            measured = _measured(space, held_out)
            rows.append({"epoch": epoch, "loss": loss, **measured, "seconds": time.monotonic() - started})
    return pl.DataFrame(rows, schema_overrides={"loss": pl.Float64})


def _epochs(
    space: PublishedSpace, training: pl.DataFrame, advance: Callable[[int], None]
) -> Iterator[tuple[float, float]]:
    """Yield the mean loss of each epoch and when it began."""
    config = space.config
    draw = torch.Generator().manual_seed(config.seed)
    order = np.random.default_rng(config.seed)
    optimiser = torch.optim.AdamW(space.parameters(), lr=config.learning_rate)
    for _ in range(config.epochs):
        started = time.monotonic()
        space.train()
        losses = []
        shuffled = training[order.permutation(len(training))]
        for batch in _batches(shuffled, config.batch_size):
            loss = _loss(space, batch, draw)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(loss.item())
            advance(len(batch))
        yield float(np.mean(losses)), started


def _loss(space: PublishedSpace, batch: pl.DataFrame, draw: torch.Generator) -> torch.Tensor:
    behaviours = space.behaviours(batch["behaviour"].to_list())
    rationales = space.rationales(batch["rationale"].to_list())
    config = space.config
    return behaviour_to_rationale(behaviours @ rationales.T, config.temperature, config.negatives, draw)


@torch.inference_mode()
def _measured(space: PublishedSpace, held_out: pl.DataFrame) -> dict[str, float]:
    space.eval()
    # The same negatives after every epoch, so that losses can be compared.
    draw = torch.Generator().manual_seed(space.config.seed)
    losses = [_loss(space, batch, draw).item() for batch in _batches(held_out, space.config.batch_size)]
    return {"val_loss": float(np.mean(losses)), **recalls(space, held_out)}


def _batches(pairs: pl.DataFrame, size: int) -> Iterator[pl.DataFrame]:
    """Batches in order; a lone last pair has nothing to be held against and is left out."""
    return (batch for batch in pairs.iter_slices(size) if len(batch) > 1)
