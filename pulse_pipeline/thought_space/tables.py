"""AdamW for a table of a vector an item, of which a step meets few: its cost follows what it meets."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.model import Lent, ThoughtSpace


class LazyTable:
    """Lends rows of a domain's ID residual to a step, and takes them back learned.

    Rows that a step does not meet stay as they are: their moments and their decay wait for the step that
    meets them again, as in torch's SparseAdam. That has no decay, and a sparse gradient can neither be
    clipped nor be added up over GPUs; rows lent are a dense tensor like any other.
    """

    def __init__(self, model: ThoughtSpace, domain: str, config: ThoughtSpaceConfig) -> None:
        """Start with empty moments."""
        self._home, self._config = model.home(domain), config
        table = self._home.vectors
        self.name = next(name for name, parameter in model.named_parameters() if parameter is table)
        self.moments = {
            "step": torch.zeros(()),
            "exp_avg": torch.zeros_like(table),
            "exp_avg_sq": torch.zeros_like(table),
        }

    @contextmanager
    def lent(self, rows: Tensor) -> Iterator[Tensor]:
        """Let the home answer from a copy of rows; at the end they are moved by what they gathered.

        Args:
            rows: All rows that will be asked for, ascending, each once [r].

        Yields:
            The copy, which gathers gradients [r, d].
        """
        vectors = self._home.vectors.detach()[rows].requires_grad_()
        self._home.lent = Lent(rows, vectors)
        try:
            yield vectors
        finally:
            self._home.lent = None
        if vectors.grad is not None:
            self._move(rows, vectors)

    def _move(self, rows: Tensor, vectors: Tensor) -> None:
        config, means = self._config, ("exp_avg", "exp_avg_sq")
        optimiser = torch.optim.AdamW([vectors], lr=config.learning_rate, weight_decay=config.weight_decay)
        state = {"step": self.moments["step"]} | {name: self.moments[name][rows] for name in means}
        optimiser.state[vectors] = state
        optimiser.step()
        for name in means:
            self.moments[name][rows] = state[name]
        self._home.vectors.data[rows] = vectors.detach()
