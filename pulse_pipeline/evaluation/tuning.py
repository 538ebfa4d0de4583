"""Tuning of rankers: every baseline under one budget, chosen on validation items."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, Field

from pulse_pipeline import tuning
from pulse_pipeline.evaluation.baselines.config import BaselineConfig
from pulse_pipeline.evaluation.baselines.neural.config import TrainingConfig
from pulse_pipeline.evaluation.baselines.suite import SUITE
from pulse_pipeline.evaluation.ranking import Ranker
from pulse_pipeline.evaluation.validation import validation_ndcg, validation_users
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.tuning import Search, Tuned

C = TypeVar("C", bound=BaseModel)


class Budget(tuning.Budget):
    """What every ranker may spend. A neural trial is besides cut to the time that is left."""

    validation_users: int = Field(default=2000, ge=1)
    """Most users that a trial is judged on, a sample by the budget's seed."""


def tune_baseline(
    name: str, data: DomainData, budget: Budget, present: BaselineConfig | None = None
) -> Tuned[BaselineConfig]:
    """Search a baseline's own search space.

    Args:
        name: Its name in `suite.SUITE`.
        data: The domain, under one protocol.
        budget: What may be spent.
        present: The settings of the first trial; the defaults if None.
    """
    entry = SUITE[name]

    def fit(config: BaselineConfig, seconds: float) -> Ranker:
        if isinstance(config, TrainingConfig):
            config = config.model_copy(update={"max_seconds": min(config.max_seconds, seconds)})
        return entry.build(config).fit(data)

    return tune(name, data, present or entry.config(), fit, search=entry.config.search, budget=budget)


def tune(
    model: str,
    data: DomainData,
    defaults: C,
    fit: Callable[[C, float], Ranker],
    *,
    search: Search,
    budget: Budget,
) -> Tuned[C]:
    """Keep the settings whose fitted model has the best validation NDCG@10.

    Args:
        model: The model's name in the log.
        data: The domain, under one protocol.
        defaults: The settings of the first trial.
        fit: Makes a fitted model of settings and of the seconds that are left.
        search: Values to try of each field that is tuned.
        budget: What may be spent.

    Returns:
        The best settings and the log of all trials.
    """
    users = validation_users(data, budget.validation_users, budget.seed)

    def value(config: C, seconds: float) -> float:
        return validation_ndcg(fit(config, seconds), data, users)

    return tuning.tune(model, defaults, value, search=search, budget=budget, where=data.domain)
