"""One trainer for all neural baselines: seeded, stopped early on validation NDCG@10, best epoch kept."""

import copy
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from pulse_pipeline.evaluation.baselines.neural.config import TrainingConfig
from pulse_pipeline.evaluation.validation import validation_ndcg, validation_users
from pulse_pipeline.progress import track
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase

C = TypeVar("C", bound=TrainingConfig)

MAX_GRADIENT_NORM = 5.0


class Network(nn.Module, ABC):
    """What the trainer has to know of a model."""

    @abstractmethod
    def batches(self, rng: np.random.Generator) -> Iterator[Any]:
        """One epoch of training examples, from training prefixes only."""

    @abstractmethod
    def loss(self, batch: Any) -> Tensor:
        """The loss of one batch of `batches`; a scalar."""

    @abstractmethod
    def scores(self, data: DomainData, users: IntArray, phase: Phase) -> Tensor:
        """Scores of the whole catalogue, from histories when `phase` begins [len(users), n_items]."""

    @abstractmethod
    def prepare(self) -> None:
        """Compute what all calls of `scores` share, once after the last training step."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to.

    Attributes:
        loss: Mean training loss.
        ndcg: NDCG@10 on validation users.
        seconds: Time since training began.
    """

    loss: float
    ndcg: float
    seconds: float


class NeuralBaseline(ABC, Generic[C]):
    """A baseline that is trained by gradients.

    Attributes:
        config: The settings.
        epochs: The course of the training, once fitted.
    """

    def __init__(self, config: C) -> None:
        """Choose the settings."""
        self.config = config
        self.epochs: list[Epoch] = []

    @property
    @abstractmethod
    def name(self) -> str:
        """The model's name in tables and reports."""

    @abstractmethod
    def network(self, data: DomainData) -> Network:
        """The untrained model of a domain."""

    def fit(self, data: DomainData) -> Self:
        """Train on training prefixes; validation items say which epoch is kept.

        Raises:
            PulseError: The domain lacks what the model needs.
        """
        device = _device(self.config)
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(self.config.seed)
            self._network = self.network(data).to(device)
            self._train(data)
        return self

    @torch.inference_mode()
    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Score the catalogue with the best epoch's model [len(users), n_items]."""
        scores = self._network.scores(data, users, phase)
        return np.asarray(scores.float().cpu().numpy(), dtype=np.float32)

    def _train(self, data: DomainData) -> None:
        config, network = self.config, self._network
        users = validation_users(data, config.validation_users, config.seed)
        self.epochs, best, best_state, since_best = [], -1.0, _state(network), 0
        started = time.monotonic()
        with track(f"{self.name} {data.domain}", config.epochs, "epochs") as progress:
            for loss in _epochs(network, config):
                ndcg = self._validated(data, users)
                self.epochs.append(Epoch(loss, ndcg, time.monotonic() - started))
                progress.advance()
                since_best += 1
                if ndcg > best:
                    best, best_state, since_best = ndcg, _state(network), 0
                if since_best >= config.patience or time.monotonic() - started > config.max_seconds:
                    progress.total = progress.done  # stopped early on purpose: this is the whole of it
                    break
        network.load_state_dict(best_state)
        self._ready()

    def _validated(self, data: DomainData, users: IntArray) -> float:
        self._ready()
        return validation_ndcg(self, data, users)

    @torch.inference_mode()
    def _ready(self) -> None:
        self._network.eval()
        self._network.prepare()


def _epochs(network: Network, config: TrainingConfig) -> Iterator[float]:
    """Train an epoch at a time and yield its mean loss."""
    rng = np.random.default_rng(config.seed)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    for _ in range(config.epochs):
        network.train()
        losses = [_step(network, optimiser, batch) for batch in network.batches(rng)]
        yield float(np.mean(losses)) if losses else 0.0


def _step(network: Network, optimiser: torch.optim.Optimizer, batch: Any) -> float:
    loss = network.loss(batch)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), MAX_GRADIENT_NORM)
    optimiser.step()
    return loss.item()


def _state(network: Network) -> dict[str, Tensor]:
    return copy.deepcopy(network.state_dict())


def _device(config: TrainingConfig) -> torch.device:
    if config.device != "auto":
        return torch.device(config.device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
