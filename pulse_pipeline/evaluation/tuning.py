"""One tuner for every model: the same number of trials, the same time, chosen on validation items."""

import itertools
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from pulse_pipeline.evaluation.baselines.config import BaselineConfig, Search
from pulse_pipeline.evaluation.baselines.neural.config import TrainingConfig
from pulse_pipeline.evaluation.baselines.suite import SUITE
from pulse_pipeline.evaluation.ranking import Ranker
from pulse_pipeline.evaluation.validation import validation_ndcg, validation_users
from pulse_pipeline.progress import track
from pulse_pipeline.thought_space.data import DomainData

C = TypeVar("C", bound=BaseModel)

LOG_SCHEMA = {
    "model": pl.String,
    "trial": pl.Int32,
    "params": pl.String,
    "value": pl.Float64,
    "seconds": pl.Float64,
}


class Budget(BaseModel):
    """What every model may spend; equal for all, so that no row of a table is tuned harder."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    trials: int = Field(default=20, ge=1)
    """Settings that are tried, the defaults first; fewer where the search space holds fewer."""

    max_seconds: float = Field(default=1800.0, gt=0)
    """No trial begins later than this. A neural trial is besides cut to what is left of it."""

    validation_users: int = Field(default=2000, ge=1)
    """Most users that a trial is judged on, a seeded sample."""

    seed: int = 0
    """Seed of the tried settings and of the sample."""


@dataclass(frozen=True)
class Tuned(Generic[C]):
    """What a search came to.

    Attributes:
        config: The settings with the best validation NDCG@10; of equal ones the first tried.
        log: One row a trial: model, trial, params (JSON of what differs from the defaults), value,
            seconds.
    """

    config: C
    log: pl.DataFrame


def tune_baseline(name: str, data: DomainData, budget: Budget) -> Tuned[BaselineConfig]:
    """Search a baseline's own search space.

    Args:
        name: Its name in `suite.SUITE`.
        data: The domain, under one protocol.
        budget: What may be spent.
    """
    entry = SUITE[name]

    def fit(config: BaselineConfig, seconds: float) -> Ranker:
        if isinstance(config, TrainingConfig):
            config = config.model_copy(update={"max_seconds": min(config.max_seconds, seconds)})
        return entry.build(config).fit(data)

    return tune(name, data, entry.config(), fit, search=entry.config.search, budget=budget)


def tune(
    model: str,
    data: DomainData,
    defaults: C,
    fit: Callable[[C, float], Ranker],
    *,
    search: Search,
    budget: Budget,
) -> Tuned[C]:
    """Try the defaults and then random settings; keep those with the best validation NDCG@10.

    Random search is at least as good as a grid of the same size (Bergstra & Bengio, JMLR 2012), and
    trial n is the same whatever the budget. A trial that fails fails the search: it has no value.

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
    rows: list[dict[str, Any]] = []
    best, best_value, started = defaults, -math.inf, time.monotonic()
    changes = list(proposals(defaults, search, budget))
    with track(f"tuning {model} on {data.domain}", len(changes), "trials") as progress:
        for trial, change in enumerate(changes):
            left = budget.max_seconds - (time.monotonic() - started)
            if trial and left <= 0:
                break
            config = defaults.model_copy(update=change)
            begun = time.monotonic()
            value = validation_ndcg(fit(config, left), data, users)
            seconds = time.monotonic() - begun
            rows.append(
                dict(zip(LOG_SCHEMA, (model, trial, json.dumps(change), value, seconds), strict=True))
            )
            if value > best_value:
                best, best_value = config, value
            progress.advance()
    return Tuned(best, pl.DataFrame(rows, schema=LOG_SCHEMA))


def proposals(defaults: BaseModel, search: Search, budget: Budget) -> Iterator[dict[str, Any]]:
    """Yield what to change of the defaults: nothing, then random points of the search space, none twice."""
    yield {}
    sizes = [len(values) for values in search.values()]
    order = np.random.default_rng(budget.seed).permutation(math.prod(sizes))
    points = (dict(zip(search, _values(search, index, sizes), strict=True)) for index in order)
    others = (point for point in points if any(getattr(defaults, key) != point[key] for key in point))
    yield from itertools.islice(others, budget.trials - 1)


def _values(search: Search, index: int, sizes: list[int]) -> Iterator[Any]:
    places = np.unravel_index(index, sizes) if sizes else ()
    return (values[place] for values, place in zip(search.values(), places, strict=True))
