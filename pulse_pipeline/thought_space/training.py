"""Training of a Thought Space on a mix of domains."""

import copy
import math
import time
from dataclasses import asdict, dataclass, replace
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

BEST, JUDGED_BY, AT_HOME = "best.", "val_ndcg@10", "home_val_ndcg@10"


@dataclass(frozen=True)
class Abroad:
    """What a source that was held out says of how to train for domains never seen.

    Attributes:
        most_served: How much of what the gate lets in of a rationale is served there, if the mix's own
            domains want as much.
        epochs: How many epochs to learn for, whatever the mix itself says; None where every epoch ranks a
            foreign domain alike, as nothing of a rationale is served.
    """

    most_served: float
    epochs: int | None


@dataclass(frozen=True)
class Trained:
    """A training's outcome.

    Attributes:
        model: The model of the epoch that was kept, on the CPU.
        history: One row an epoch, epoch 0 before any gradient: epoch, the loss terms, ``val_ndcg@10``
            (where there were judges theirs, and ``home_val_ndcg@10`` the mix's own), seconds, and whether
            it was kept.
        config: The settings it was trained with.
        held_out: Where a source was held out to decide when to end: its name, and the course of that
            training as `history`. Checkpoints do not hold it.
    """

    model: ThoughtSpace
    history: pl.DataFrame
    config: ThoughtSpaceConfig
    held_out: tuple[str, pl.DataFrame] | None = None


def kept_epoch(history: pl.DataFrame) -> dict[str, Any]:
    """The row of a training's history whose model was kept."""
    return history.filter("kept").row(0, named=True)


def train(
    mix: str,
    domains: list[DomainData],
    config: ThoughtSpaceConfig,
    *,
    judges: list[DomainData] | None = None,
    abroad: Abroad | None = None,
    state: Path | None = None,
    workers: Workers = ALONE,
    max_seconds: float = math.inf,
) -> Trained:
    """Train on a mix and keep the epoch with the best validation NDCG@10.

    Epoch 0 is centred text-kNN, its few reading scalars fitted (`reading.fit`), before any gradient; it
    counts, so no epoch is chosen that is below text-kNN on the validation items it is judged on. Epochs are
    judged as they would be served, with as much of the rationales as pays. A training with judges goes on
    while it gets better at home, since abroad an epoch of which nothing is served is like any other. Only
    the domains of the mix and its judges are looked at.

    Args:
        mix: The mix's name, for progress.
        domains: Its members.
        config: The settings.
        judges: Domains outside the mix: on the validation items of their users who have a rationale (of
            all, where nobody has one) epochs are judged, and how much of a rationale is served abroad; by
            default the members themselves.
        abroad: What is known of that from elsewhere (`travelling`), instead of judges. The epoch that it
            names is kept, whatever validation says of it at home.
        state: A file that holds where the training stands after each epoch. A training that was killed
            goes on from there to the same result, a finished one is read from it; one with other
            settings or data begins anew. It stays: whoever has kept the result may remove it.
        workers: The processes that train this model together; each gets the result.
        max_seconds: No epoch begins later than this: a search has a budget. Not for several workers,
            each of which looks at its own clock.

    Returns:
        The model of the epoch that was kept, and the course of the training.

    Raises:
        PulseError: The state file is damaged.
    """
    device, deadline = device_of(config), time.monotonic() + max_seconds
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        shapes = untrained(domains, config).to(device)
        decided = asdict(abroad) if abroad else None
        kept = StateFile(state, training_key(shapes, [*domains, *(judges or [])], config, decided))
        training = _Training(
            domains, config, judges=judges, abroad=abroad, snapshot=kept.read(), workers=workers
        )
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


def _judges(
    model: ThoughtSpace, judges: list[DomainData], told: Validation, config: ThoughtSpaceConfig
) -> Validation:
    """Epochs differ abroad by what is served of a rationale: who has none would only dilute them."""
    return told if told.names else Validation(model, judges, config)


class _Training:
    """A training between two epochs."""

    def __init__(
        self,
        domains: list[DomainData],
        config: ThoughtSpaceConfig,
        *,
        judges: list[DomainData] | None,
        abroad: Abroad | None,
        snapshot: Snapshot | None,
        workers: Workers,
    ) -> None:
        self._config, self._abroad = config, abroad
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
        foreign = judges or [replace(data, domain=f"abroad {data.domain}") for data in domains]
        self._told_abroad = Validation(self._model, foreign, config, told=True)
        self._judges = _judges(self._model, judges, self._told_abroad, config) if judges else None
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
        if not self._learner.steps or self._epoch - self._last_better >= self._config.patience:
            return 0
        return (self._config.epochs if self._fixed is None else self._fixed) - self._epoch

    @property
    def steps_left(self) -> int:
        """Steps before the training ends of itself."""
        return self.epochs_left * self._learner.steps

    @property
    def _epoch(self) -> int:
        return len(self._rows) - 1

    @property
    def _fixed(self) -> int | None:
        """The epoch to end with, where that was decided elsewhere."""
        return self._abroad.epochs if self._abroad else None

    @property
    def _best_epoch(self) -> int:
        if self._fixed is not None:
            return self._epoch
        return self._best_by(JUDGED_BY)

    @property
    def _last_better(self) -> int:
        return self._best_epoch if self._judges is None else max(self._best_epoch, self._best_by(AT_HOME))

    def _best_by(self, column: str) -> int:
        scores = [row[column] for row in self._rows]
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
        kept = pl.int_range(pl.len()) == self._best_epoch
        history = pl.DataFrame(self._rows).with_columns(kept=kept)
        return Trained(self._model.cpu().eval(), history, self._config)

    def _serve(self) -> None:
        reading.serve_at_home(self._model, self._told, self._config)
        reading.serve_abroad(self._model, self._told_abroad, self._config)
        if self._abroad is not None:
            self._model.rationale_serving_weight.clamp_(max=self._abroad.most_served)

    def _judge(self, row: dict[str, Any], started: float) -> None:
        self._serve()
        found = {JUDGED_BY: self._validation.ndcg()}
        if self._judges is not None:
            found = {JUDGED_BY: self._judges.ndcg(), AT_HOME: found[JUDGED_BY]}
        self._rows.append({**row, **found, "seconds": time.monotonic() - started})
        if self._best_epoch == self._epoch:
            self._best = copy.deepcopy(self._model.state_dict())
