"""Fine-tuning: the loss is on the chosen title only, never on the prompt or the rationale."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor
from torch.nn import functional

from pulse_pipeline.progress import track
from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.reasoner.adapter import adapted, adapter_weights
from pulse_pipeline.reasoner.choices import Choice
from pulse_pipeline.reasoner.config import ReasonerConfig
from pulse_pipeline.reasoner.examples import Examples
from pulse_pipeline.reasoner.prompts import ChoicePrompts
from pulse_pipeline.snapshots import Moments, Snapshot, StateFile, put_back, standing, under

ADAPTER, BEST = "adapter.", "best."
METHOD = "reasoner 1"
"""Another one where the same settings come to train something else: no training goes on across it."""
MAX_GRADIENT_NORM = 1.0
IGNORED = -100  # cross_entropy's own mark for what is no target

Example = tuple[list[int], list[int]]  # prompt, title


@dataclass(frozen=True)
class Loaded:
    """A language model with its tokenizer, both of `transformers`.

    Attributes:
        model: A causal language model, on the device it is to run on.
        tokenizer: Its tokenizer.
    """

    model: Any
    tokenizer: Any


Loader = Callable[[], Loaded]
"""Loads a fresh copy: fine-tuning and merging change the one they are given."""


@dataclass(frozen=True)
class Reasoner:
    """A training's outcome.

    Attributes:
        weights: The adapter of the best epoch.
        history: One row an epoch, epoch 0 before any gradient: epoch, loss, val_loss, seconds.
        config: The settings it was trained with.
        origin: Mix, fingerprints and run, kept inside the checkpoint.
    """

    weights: Mapping[str, Tensor]
    history: pl.DataFrame
    config: ReasonerConfig
    origin: Mapping[str, Any]


def fine_tune(
    mix: str,
    given: Examples,
    loaded: Loaded,
    config: ReasonerConfig,
    origin: Mapping[str, Any] | None = None,
    *,
    state: Path | None = None,
) -> Reasoner:
    """Train an adapter and keep the epoch with the lowest validation loss, the untrained one included.

    Args:
        mix: The mix's name, for progress.
        given: What to learn from.
        loaded: The model; it is changed.
        config: The settings.
        origin: What the checkpoint shall say of itself.
        state: A file that holds where the training stands after each epoch, from where a killed one goes on
            to the same result; whoever has kept the result may remove it.

    Raises:
        PulseError: The state file is damaged.
    """
    device = loaded.model.device
    kept = StateFile(state, _key(given, config, device))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        model = adapted(loaded.model, config)
        prompts = ChoicePrompts(config, loaded.tokenizer)
        course = _Course(model, prompts, given, config, kept.read())
        with track(f"reasoner {mix}", course.epochs_left * len(given.training), "examples") as task:
            while course.epochs_left:
                course.epoch(task.advance)
                kept.write(course.snapshot())
            task.total = task.done  # stopped early on purpose: this is the whole of it
    return Reasoner(course.best, course.history(), config, origin or {})


def _key(given: Examples, config: ReasonerConfig, device: torch.device) -> str:
    choices = [[asdict(choice) for choice in part] for part in (given.training, given.validation)]
    return fingerprint([METHOD, config.training_fingerprint(), choices, device.type])


class _Course:
    """A training between two epochs."""

    def __init__(
        self,
        model: Any,
        prompts: ChoicePrompts,
        given: Examples,
        config: ReasonerConfig,
        snapshot: Snapshot | None,
    ) -> None:
        self._model, self._config = model, config
        self._training, self._held_out = (
            _rendered(prompts, choices) for choices in (given.training, given.validation)
        )
        self._order = np.random.default_rng(config.seed)
        self._learned = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._optimiser = torch.optim.AdamW(self._learned.values(), lr=config.learning_rate)
        self._rows: list[dict[str, Any]] = []
        self.best: dict[str, Tensor] = {}
        """The adapter of the epoch with the lowest validation loss."""
        if snapshot is None:
            self._judge(None, time.monotonic())
        else:
            self._restore(snapshot)

    @property
    def epochs_left(self) -> int:
        """Epochs before the training ends of itself; 0 once it has stopped getting better."""
        epoch = len(self._rows) - 1
        if epoch - self._best_epoch >= self._config.patience:
            return 0
        return self._config.epochs - epoch

    def epoch(self, advance: Callable[[int], None]) -> None:
        """Learn for an epoch and judge it."""
        started = time.monotonic()
        self._model.train()
        sums = np.zeros(2)
        shuffled = [self._training[index] for index in self._order.permutation(len(self._training))]
        for batch in _batches(shuffled, self._config):
            losses = answer_losses(self._model, batch)
            self._optimiser.zero_grad(set_to_none=True)
            losses.mean().backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self._learned.values(), MAX_GRADIENT_NORM)
            self._optimiser.step()
            sums += losses.sum().item(), len(losses)
            advance(len(batch))
        self._judge(sums[0] / sums[1], started)

    def history(self) -> pl.DataFrame:
        """One row an epoch."""
        return pl.DataFrame(self._rows, schema_overrides={"loss": pl.Float64})

    def snapshot(self) -> Snapshot:
        """All that it takes to go on from here; the frozen weights are the language model's own."""
        learned = {f"{ADAPTER}{name}": parameter.detach() for name, parameter in self._learned.items()}
        best = {f"{BEST}{name}": tensor for name, tensor in self.best.items()}
        tensors = learned | best | standing(self._moments(), self._model.device)
        return Snapshot(tensors, {"rows": self._rows, "order": self._order.bit_generator.state})

    def _restore(self, snapshot: Snapshot) -> None:
        for name, tensor in under(ADAPTER, snapshot.tensors).items():
            self._learned[name].data.copy_(tensor)
        put_back(self._moments(), snapshot.tensors, self._model.device)
        self.best = under(BEST, snapshot.tensors)
        self._order.bit_generator.state = snapshot.facts["order"]
        self._rows = snapshot.facts["rows"]

    def _judge(self, loss: float | None, started: float) -> None:
        score = _loss_over(self._model, self._held_out, self._config)
        seconds = time.monotonic() - started
        self._rows.append({"epoch": len(self._rows), "loss": loss, "val_loss": score, "seconds": seconds})
        if self._best_epoch == len(self._rows) - 1:
            self.best = adapter_weights(self._model)

    @property
    def _best_epoch(self) -> int:
        scores = [row["val_loss"] for row in self._rows]
        return scores.index(min(scores))

    def _moments(self) -> Moments:
        return {name: self._optimiser.state[parameter] for name, parameter in self._learned.items()}


def _rendered(prompts: ChoicePrompts, choices: list[Choice]) -> list[Example]:
    return [(prompts.prompt(choice), prompts.title(choice.candidates[choice.answer])) for choice in choices]


@torch.inference_mode()
def _loss_over(model: Any, examples: list[Example], config: ReasonerConfig) -> float:
    model.eval()
    longest_first = sorted(examples, key=lambda example: -len(example[0]))
    return float(torch.cat([answer_losses(model, batch) for batch in _batches(longest_first, config)]).mean())


def answer_losses(model: Any, examples: list[Example]) -> Tensor:
    """Cross-entropy of every title token given all before it, the only tokens that are learned.

    Args:
        model: The model.
        examples: Token ids of prompts and titles.

    Returns:
        One loss a title token, in the order of the examples [n_tokens].
    """
    rows = [[*prompt, *title] for prompt, title in examples]
    length, titles = max(map(len, rows)), max(len(title) for _, title in examples)
    # Padding stands in front, so that all titles end at one place and only their logits are made.
    ids = torch.tensor([[0] * (length - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows])
    targets = torch.tensor([[IGNORED] * (titles - len(title)) + title for _, title in examples])
    device = model.device
    logits = model(
        input_ids=ids.to(device),
        attention_mask=mask.to(device),
        position_ids=(mask.cumsum(dim=1) - 1).clamp(min=0).to(device),
        use_cache=False,
        logits_to_keep=titles + 1,
    ).logits[:, :-1]
    wanted = targets.to(device)
    losses = functional.cross_entropy(
        logits.float().flatten(0, 1), wanted.flatten(), ignore_index=IGNORED, reduction="none"
    )
    return losses[wanted.flatten() != IGNORED]


def _batches(examples: list[Example], config: ReasonerConfig) -> Iterator[list[Example]]:
    for start in range(0, len(examples), config.batch_size):
        yield examples[start : start + config.batch_size]
