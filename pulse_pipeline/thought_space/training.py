"""Training of a Thought Space on a mix of domains."""

import copy
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import torch

from pulse_pipeline.progress import Task, track
from pulse_pipeline.snapshots import Snapshot, StateFile, under
from pulse_pipeline.thought_space import objective, reading
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.identity import training_key
from pulse_pipeline.thought_space.learner import Learner
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.optimisation import device_of
from pulse_pipeline.thought_space.validation import Validation
from pulse_pipeline.thought_space.workers import ALONE, Workers

BEST, JUDGED_BY = "best.", "val_ndcg@10"


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


def train(
    mix: str,
    domains: list[DomainData],
    config: ThoughtSpaceConfig,
    *,
    judges: list[DomainData] | None = None,
    state: Path | None = None,
    workers: Workers = ALONE,
    max_seconds: float = math.inf,
) -> Trained:
    """Train on a mix and keep the epoch with the best validation NDCG@10.

    Epoch 0 is centred text-kNN, its few reading scalars fitted (`reading.fit`), before any gradient; it
    counts, so no epoch is chosen that is below text-kNN on the validation items it is judged on. Epochs are
    judged as they would be served, with as much of the rationales as pays. Only the domains of the mix and
    its judges are looked at.

    Args:
        mix: The mix's name, for progress.
        domains: Its members.
        config: The settings.
        judges: Domains outside the mix on whose validation items epochs are judged, as a model that has to
            travel is; by default the members themselves.
        state: A file that holds where the training stands after each epoch. A training that was killed
            goes on from there to the same result, a finished one is read from it; one with other
            settings or data begins anew. It stays: whoever has kept the result may remove it.
        workers: The processes that train this model together; each gets the result.
        max_seconds: No epoch begins later than this: a search has a budget. Not for several workers,
            each of which looks at its own clock.

    Returns:
        The best model and the course of the training.

    Raises:
        PulseError: The state file is damaged.
    """
    device, deadline = device_of(config), time.monotonic() + max_seconds
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        key = training_key(untrained(domains, config).to(device), [*domains, *(judges or [])], config)
        kept = StateFile(state, key)
        training = _Training(domains, judges, config, kept.read(), workers)
        with track(f"thought space {mix}", training.steps_left, "steps") as progress:
            while training.epochs_left and time.monotonic() < deadline:
                training.epoch(progress)
                if workers.index == 0:
                    kept.write(training.snapshot())
            progress.total = progress.done  # stopped early on purpose: this is the whole of it
        return training.finish()


def untrained(
    domains: list[DomainData], config: ThoughtSpaceConfig, views: int | None = None
) -> ThoughtSpace:
    """The model before any learning, with the centres of the mix's rationales measured.

    Args:
        domains: The members of the mix.
        config: The settings.
        views: Views of an item; None for two where anything was written about items, else one.
    """
    width = domains[0].item_vectors.shape[1]
    thoughtful = any(config.item_thought_weights) and any(one.item_thoughts is not None for one in domains)
    catalogues = {data.domain: data.item_ids for data in domains}
    model = ThoughtSpace(width, catalogues, config, views or (2 if thoughtful else 1))
    objective.centre_rationales(model, domains)
    return model


def _fitted(
    domains: list[DomainData], config: ThoughtSpaceConfig, views: int | None = None
) -> tuple[ThoughtSpace, Validation]:
    """The untrained model, its few scalars fitted; of one view where the thoughts of items weigh nothing.

    A view of zeros says nothing, but is learned on: on Office_Products it cost .003 NDCG@10.
    """
    torch.manual_seed(config.seed)
    model = untrained(domains, config, views).to(device_of(config))
    validation = Validation(model, domains, config)
    reading.fit(model, validation, config)
    if model.views > 1 and not model.abroad.item_thought:
        return _fitted(domains, config, views=1)
    return model, validation


class _Training:
    """A training between two epochs."""

    def __init__(
        self,
        domains: list[DomainData],
        judges: list[DomainData] | None,
        config: ThoughtSpaceConfig,
        snapshot: Snapshot | None,
        workers: Workers,
    ) -> None:
        self._config = config
        self._rows: list[dict[str, Any]] = []
        if snapshot is None:
            self._model, self._validation = _fitted(domains, config)
        else:
            self._model = untrained(domains, config, snapshot.facts["views"]).to(device_of(config))
            self._validation = Validation(self._model, domains, config)
            for name, parameter in self._model.named_parameters():
                parameter.requires_grad_(name not in snapshot.facts["frozen"])
        self._told = Validation(self._model, domains, config, told=True)
        # Under other names they are foreign to the model: centred without looking at their own rationales.
        foreign = [replace(data, domain=f"abroad {data.domain}") for data in domains]
        self._told_abroad = Validation(self._model, foreign, config, told=True)
        self._judges = Validation(self._model, judges, config) if judges else self._validation
        self._learner = Learner(self._model, domains, config, workers)
        if snapshot is None:
            self._judge({"epoch": 0, **objective.no_terms()}, time.monotonic())
        else:
            self._learner.restore(snapshot.tensors, snapshot.facts)
            self._rows = snapshot.facts["rows"]
            self._best = under(BEST, snapshot.tensors)

    @property
    def epochs_left(self) -> int:
        """Epochs before the training ends of itself; 0 once it has stopped getting better."""
        if not self._learner.steps or self._epoch - self._best_epoch >= self._config.patience:
            return 0
        return self._config.epochs - self._epoch

    @property
    def steps_left(self) -> int:
        """Steps before the training ends of itself."""
        return self.epochs_left * self._learner.steps

    @property
    def _epoch(self) -> int:
        return len(self._rows) - 1

    @property
    def _best_epoch(self) -> int:
        scores = [row[JUDGED_BY] for row in self._rows]
        return scores.index(max(scores))

    def epoch(self, progress: Task) -> None:
        """Learn for an epoch and judge it."""
        started = time.monotonic()
        terms = self._learner.epoch(progress)
        self._judge({"epoch": self._epoch + 1, **terms}, started)

    def snapshot(self) -> Snapshot:
        """All that it takes to go on from here."""
        frozen = [name for name, p in self._model.named_parameters() if not p.requires_grad]
        best = {f"{BEST}{name}": value for name, value in self._best.items()}
        facts = {
            **self._learner.facts(),
            "rows": self._rows,
            "frozen": frozen,
            "views": self._model.views,
        }
        return Snapshot(self._learner.tensors() | best, facts)

    def finish(self) -> Trained:
        """The model of the best epoch, with the weights of what is served beside behaviour."""
        self._model.load_state_dict(self._best)
        reading.fit_counts(self._model, self._validation, self._config)
        self._serve()  # again, as what was counted may say the same
        return Trained(self._model.cpu().eval(), pl.DataFrame(self._rows), self._config)

    def _serve(self) -> None:
        reading.serve_at_home(self._model, self._told, self._config)
        reading.serve_abroad(self._model, self._told_abroad, self._config)

    def _judge(self, row: dict[str, Any], started: float) -> None:
        self._serve()
        score = self._judges.ndcg()
        self._rows.append({**row, JUDGED_BY: score, "seconds": time.monotonic() - started})
        if self._best_epoch == self._epoch:
            self._best = copy.deepcopy(self._model.state_dict())
