"""AdamW for a table of a row an item, of which a step meets few: a step costs what it meets."""

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

    def lend(self, rows: Tensor) -> Tensor:
        """Let the home answer from a copy of rows until they are taken back.

        Args:
            rows: All rows that the step will ask for, ascending, each once [r].

        Returns:
            The copy, which gathers gradients [r, d].
        """
        vectors = self._home.vectors.detach()[rows].requires_grad_()
        self._home.lent = Lent(rows, vectors)
        return vectors

    def take_back(self) -> None:
        """Move the rows lent by what they gathered, and put them back."""
        lent, self._home.lent = self._home.lent, None
        if lent is None or lent.vectors.grad is None:
            return
        optimiser = torch.optim.AdamW(
            [lent.vectors], lr=self._config.learning_rate, weight_decay=self._config.weight_decay
        )
        means = ("exp_avg", "exp_avg_sq")
        state = {"step": self.moments["step"]} | {name: self.moments[name][lent.rows] for name in means}
        optimiser.state[lent.vectors] = state
        optimiser.step()
        for name in means:
            self.moments[name][lent.rows] = state[name]
        self._home.vectors.data[lent.rows] = lent.vectors.detach()
