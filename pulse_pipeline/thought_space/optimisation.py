"""One step of learning: parameter groups, precision, passes, clipping."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor

from pulse_pipeline.thought_space import objective
from pulse_pipeline.thought_space.batches import Share
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.tables import LazyTable
from pulse_pipeline.thought_space.workers import Workers

MAX_GRADIENT_NORM = 1.0
SCALARS = ("at_home.", "abroad.", "gate.out.", "log_contrast_temperature")


class Stepper:
    """Turns a batch into a change of the model."""

    def __init__(self, model: ThoughtSpace, config: ThoughtSpaceConfig, workers: Workers) -> None:
        """Learn what of the model is to be learned."""
        self._config, self._workers = config, workers
        self._device = model.rationale_shift.device
        self._tables = {
            domain: LazyTable(model, domain, config)
            for domain, items in model.catalogues.items()
            if config.samples(len(items)) and config.id_residual
        }
        lazy = {table.name for table in self._tables.values()}
        named = model.named_parameters()
        self._parameters = {name: p for name, p in named if p.requires_grad and name not in lazy}
        self._optimiser = _optimiser(self._parameters, config)

    def moments(self) -> dict[str, dict[str, Tensor]]:
        """What the optimiser remembers of each parameter, by its name; to be read and to be set."""
        whole = {name: self._optimiser.state[parameter] for name, parameter in self._parameters.items()}
        return whole | {table.name: table.moments for table in self._tables.values()}

    def step(self, examples: objective.Examples, step: objective.Step) -> dict[str, Tensor]:
        """Learn from a batch.

        The passes of gradient accumulation and the processes each make their share of its predictions;
        the sum of their gradients is the batch's own. Dropout apart, which every pass draws anew, the
        result is that of a single pass up to rounding.

        Returns:
            The terms' means, of this process's shares.
        """
        self._optimiser.zero_grad(set_to_none=True)
        with self._lent(examples, step) as lent:
            learned = [*self._parameters.values(), *lent]
            means = self._gather(examples, step)
            self._workers.add_gradients(learned)
            torch.nn.utils.clip_grad_norm_(learned, MAX_GRADIENT_NORM)
            self._optimiser.step()
        return means

    def _gather(self, examples: objective.Examples, step: objective.Step) -> dict[str, Tensor]:
        """Add the gradients of all shares up; the terms' means."""
        sums: dict[str, Tensor] = {}
        for share in self._shares():
            with autocast(self._config, self._device):
                terms = examples.terms(step, share)
            loss = objective.total(terms, self._config)
            if loss.requires_grad:  # else every term is switched off or has no example in the share
                loss.backward()  # type: ignore[no-untyped-call]
            for name, term in terms.items():
                sums[name] = sums.get(name, 0.0) + term.mean.detach()
        return sums

    @contextmanager
    def _lent(self, examples: objective.Examples, step: objective.Step) -> Iterator[list[Tensor]]:
        table = self._tables.get(examples.domain)
        if table is None or not step.home:
            yield []
            return
        with table.lent(examples.residents(step)) as vectors:
            yield [vectors]

    def _shares(self) -> list[Share]:
        passes, workers = self._config.accumulation, self._workers
        return [Share(n * workers.count + workers.index, passes * workers.count) for n in range(passes)]


def device_of(config: ThoughtSpaceConfig) -> torch.device:
    """Where to train."""
    if config.device != "auto":
        return torch.device(config.device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast(config: ThoughtSpaceConfig, device: torch.device) -> AbstractContextManager[object]:
    """The precision of the forward pass; bfloat16 has float32's range, so that no loss is scaled."""
    wanted = config.precision == "bfloat16" or (config.precision == "auto" and _has_bfloat16(device))
    return torch.autocast(device.type, dtype=torch.bfloat16) if wanted else nullcontext()


def _has_bfloat16(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.is_bf16_supported()


def _optimiser(parameters: dict[str, torch.nn.Parameter], config: ThoughtSpaceConfig) -> torch.optim.AdamW:
    scalars, departures, rest = [], [], []
    for name, parameter in parameters.items():
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
