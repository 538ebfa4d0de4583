"""Training of the published Thought Space: a fixed number of epochs, the last one kept."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from pulse_pipeline.progress import track
from pulse_pipeline.provenance import content_hash, fingerprint
from pulse_pipeline.snapshots import Moments, Snapshot, StateFile, put_back, standing, under
from pulse_pipeline.thought_space.published.config import PublishedSpaceConfig
from pulse_pipeline.thought_space.published.loss import behaviour_to_rationale
from pulse_pipeline.thought_space.published.retrieval import recalls
from pulse_pipeline.thought_space.published.space import EncoderLoader, PublishedSpace

MODEL, DRAW = "model.", "draw"
METHOD = "published space 1"
"""Another one where the same settings come to train something else: no training goes on across it."""


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
    *,
    state: Path | None = None,
) -> TrainedSpace:
    """Tune two copies of an encoder until rationales lie near the behaviour they explain.

    Args:
        domain: The domain's name, for progress.
        pairs: As `pairs.pairs` gives them.
        load: Loads what both start from.
        config: The settings.
        origin: What the checkpoint shall say of itself.
        state: A file that holds where the training stands after each epoch, from where a killed one goes on
            to the same result; whoever has kept the result may remove it.

    Raises:
        PulseError: The state file is damaged.
    """
    behaviour, rationale = load(), load()
    n_held_out = max(2, round(config.validation_share * len(pairs)))
    held_out, training = pairs.head(n_held_out), pairs.slice(n_held_out)
    device = behaviour.model.device
    kept = StateFile(state, _key(pairs, config, device))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        space = PublishedSpace(behaviour, rationale, config, origin)
        course = _Course(space, training, held_out, kept.read())
        with track(f"published thought space {domain}", course.pairs_left, "pairs") as task:
            while course.pairs_left:
                course.epoch(task.advance)
                kept.write(course.snapshot())
    cut_off = space.cut_off([*training["behaviour"], *held_out["behaviour"]])
    return TrainedSpace(space.eval(), course.history(), cut_off, len(held_out))


def _key(pairs: pl.DataFrame, config: PublishedSpaceConfig, device: torch.device) -> str:
    return fingerprint([METHOD, config.fingerprint(), content_hash(pairs), device.type])


class _Course:
    """A training between two epochs."""

    def __init__(
        self, space: PublishedSpace, training: pl.DataFrame, held_out: pl.DataFrame, snapshot: Snapshot | None
    ) -> None:
        self._space, self._training, self._held_out = space, training, held_out
        self._draw = torch.Generator().manual_seed(space.config.seed)
        self._order = np.random.default_rng(space.config.seed)
        self._optimiser = torch.optim.AdamW(space.parameters(), lr=space.config.learning_rate)
        self._rows: list[dict[str, Any]] = []
        if snapshot is None:
            self._rows.append({"epoch": 0, "loss": None, **_measured(space, held_out), "seconds": 0.0})
        else:
            self._restore(snapshot)

    @property
    def pairs_left(self) -> int:
        """Pairs of the epochs that are still to be made."""
        size = self._space.config.batch_size
        an_epoch = sum(len(batch) for batch in _batches(self._training, size))
        return (self._space.config.epochs + 1 - len(self._rows)) * an_epoch

    def epoch(self, advance: Callable[[int], None]) -> None:
        """Learn for an epoch and measure it."""
        started, config = time.monotonic(), self._space.config
        self._space.train()
        losses = []
        shuffled = self._training[self._order.permutation(len(self._training))]
        for batch in _batches(shuffled, config.batch_size):
            loss = _loss(self._space, batch, self._draw)
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
            losses.append(loss.item())
            advance(len(batch))
        measured = {"loss": float(np.mean(losses)), **_measured(self._space, self._held_out)}
        self._rows.append({"epoch": len(self._rows), **measured, "seconds": time.monotonic() - started})

    def history(self) -> pl.DataFrame:
        """One row an epoch."""
        return pl.DataFrame(self._rows, schema_overrides={"loss": pl.Float64})

    def snapshot(self) -> Snapshot:
        """All that it takes to go on from here."""
        weights = {f"{MODEL}{name}": value for name, value in self._space.state_dict().items()}
        tensors = weights | standing(self._moments(), self._device)
        facts = {"rows": self._rows, "order": self._order.bit_generator.state}
        return Snapshot(tensors | {DRAW: self._draw.get_state()}, facts)

    def _restore(self, snapshot: Snapshot) -> None:
        self._space.load_state_dict(under(MODEL, snapshot.tensors))
        put_back(self._moments(), snapshot.tensors, self._device)
        self._draw.set_state(snapshot.tensors[DRAW])
        self._order.bit_generator.state = snapshot.facts["order"]
        self._rows = snapshot.facts["rows"]

    def _moments(self) -> Moments:
        return {name: self._optimiser.state[p] for name, p in self._space.named_parameters()}

    @property
    def _device(self) -> torch.device:
        return next(self._space.parameters()).device


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
