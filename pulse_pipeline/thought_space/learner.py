"""All that an epoch changes: model, optimiser, sources of chance; it can be taken down and put back."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from pulse_pipeline.progress import Task
from pulse_pipeline.snapshots import put_back, standing, under
from pulse_pipeline.thought_space import objective
from pulse_pipeline.thought_space.batches import Shuffled, collate, schedule, steps_an_epoch, windows
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.optimisation import Stepper
from pulse_pipeline.thought_space.workers import Workers

MODEL = "model."


class Learner:
    """Trains a model, an epoch at a time."""

    def __init__(
        self, model: ThoughtSpace, domains: list[DomainData], config: ThoughtSpaceConfig, workers: Workers
    ) -> None:
        """Cut the domains into windows; what of the model is frozen by now stays so."""
        self._model, self._config, self._workers = model, config, workers
        self._device = model.rationale_shift.device
        self._rng = np.random.default_rng(config.seed)
        pools = [windows(data, config.history_length) for data in domains]
        self._sizes = [len(pool) for pool in pools]
        self._draws = [Shuffled(pool, config.batch_size, self._rng) for pool in pools]
        self._examples = [objective.Examples(model, data, config, self._rng) for data in domains]
        self._stepper = Stepper(model, config, workers)

    @property
    def steps(self) -> int:
        """Steps of an epoch; 0 where there is nothing to learn from."""
        return steps_an_epoch(self._sizes, self._config)

    def epoch(self, progress: Task) -> dict[str, float | None]:
        """Learn for an epoch.

        Args:
            progress: Advances with each step.

        Returns:
            Mean of each term over the steps that had it; None where none had.
        """
        self._model.train()
        sums = torch.zeros(len(objective.TERMS), device=self._device)
        counts = dict.fromkeys(objective.TERMS, 0)
        for domain in schedule(self._sizes, self._config, self._rng):
            batch = collate(self._draws[domain].draw(), self._device)
            examples = self._examples[domain]
            terms = self._stepper.step(examples, examples.step(batch))
            for place, name in enumerate(objective.TERMS):
                if name in terms:
                    sums[place] += terms[name]
                    counts[name] += 1
            progress.advance()
        self._workers.add_up(sums)
        totals = dict(zip(objective.TERMS, sums.tolist(), strict=True))
        return {name: totals[name] / n if n else None for name, n in counts.items()}

    def tensors(self) -> dict[str, Tensor]:
        """Weights, the optimiser's moments by parameter, states of torch's generators."""
        weights = {f"{MODEL}{name}": value for name, value in self._model.state_dict().items()}
        return weights | standing(self._stepper.moments(), self._device)

    def facts(self) -> dict[str, Any]:
        """What else it takes to go on, as JSON: numpy's generator, windows left in this round."""
        return {"rng": self._rng.bit_generator.state, "left": [draws.left for draws in self._draws]}

    def restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Go on from where `tensors` and `facts` were taken."""
        self._model.load_state_dict(under(MODEL, tensors))
        self._rng.bit_generator.state = facts["rng"]
        for draws, left in zip(self._draws, facts["left"], strict=True):
            draws.left = left
        put_back(self._stepper.moments(), tensors, self._device)
