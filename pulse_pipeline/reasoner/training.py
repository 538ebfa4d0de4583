"""Fine-tuning: the loss is on the chosen title only, never on the prompt or the rationale."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor
from torch.nn import functional

from pulse_pipeline.progress import track
from pulse_pipeline.reasoner.adapter import adapted, adapter_weights
from pulse_pipeline.reasoner.config import ReasonerConfig
from pulse_pipeline.reasoner.examples import Examples
from pulse_pipeline.reasoner.prompts import ChoicePrompts

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
    mix: str, given: Examples, loaded: Loaded, config: ReasonerConfig, origin: Mapping[str, Any] | None = None
) -> Reasoner:
    """Train an adapter and keep the epoch with the lowest validation loss, the untrained one included.

    Args:
        mix: The mix's name, for progress.
        given: What to learn from.
        loaded: The model; it is changed.
        config: The settings.
        origin: What the checkpoint shall say of itself.
    """
    devices = [loaded.model.device] if loaded.model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(config.seed)
        model = adapted(loaded.model, config)
        prompts = ChoicePrompts(config, loaded.tokenizer)
        weights, history = _fit(model, prompts, given, config, mix)
    return Reasoner(weights, history, config, origin or {})


def _fit(
    model: Any, prompts: ChoicePrompts, given: Examples, config: ReasonerConfig, mix: str
) -> tuple[dict[str, Tensor], pl.DataFrame]:
    held_out = _rendered(prompts, given, "validation")
    best, weights, since_best = _loss_over(model, held_out, config), adapter_weights(model), 0
    rows = [{"epoch": 0, "loss": None, "val_loss": best, "seconds": 0.0}]
    with track(f"reasoner {mix}", config.epochs * len(given.training), "examples") as task:
        for epoch, (loss, started) in enumerate(
            _epochs(model, _rendered(prompts, given, "training"), config, task.advance), start=1
        ):
            score = _loss_over(model, held_out, config)
            seconds = time.monotonic() - started
            rows.append({"epoch": epoch, "loss": loss, "val_loss": score, "seconds": seconds})
            since_best += 1
            if score < best:
                best, weights, since_best = score, adapter_weights(model), 0
            if since_best >= config.patience:
                task.total = task.done  # stopped early on purpose: this is the whole of it
                break
    return weights, pl.DataFrame(rows, schema_overrides={"loss": pl.Float64})


def _rendered(prompts: ChoicePrompts, given: Examples, part: str) -> list[Example]:
    choices = given.training if part == "training" else given.validation
    return [(prompts.prompt(choice), prompts.title(choice.candidates[choice.answer])) for choice in choices]


def _epochs(
    model: Any, examples: list[Example], config: ReasonerConfig, advance: Callable[[int], None]
) -> Iterator[tuple[float, float]]:
    """Yield the mean loss of each epoch and when it began."""
    rng = np.random.default_rng(config.seed)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trainable, lr=config.learning_rate)
    for _ in range(config.epochs):
        started = time.monotonic()
        model.train()
        sums = np.zeros(2)
        for batch in _batches([examples[index] for index in rng.permutation(len(examples))], config):
            losses = answer_losses(model, batch)
            optimiser.zero_grad(set_to_none=True)
            losses.mean().backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(trainable, MAX_GRADIENT_NORM)
            optimiser.step()
            sums += losses.sum().item(), len(losses)
            advance(len(batch))
        yield sums[0] / sums[1], started


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
