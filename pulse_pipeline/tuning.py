"""One tuner for every model: the same number of trials, the same time, and a log of all that was tried."""

import itertools
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from pulse_pipeline.progress import track

C = TypeVar("C", bound=BaseModel)

Search = Mapping[str, tuple[Any, ...]]
"""Values to try of each field that is tuned."""

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
    """No trial begins later than this; the first always does."""

    seed: int = 0
    """Seed of the tried settings."""


@dataclass(frozen=True)
class Tuned(Generic[C]):
    """What a search came to.

    Attributes:
        config: The settings with the highest value; of equal ones the first tried.
        log: One row a trial: model, trial, params (JSON of what differs from the defaults), value,
            seconds.
    """

    config: C
    log: pl.DataFrame


def tune(
    model: str, defaults: C, value: Callable[[C, float], float], *, search: Search, budget: Budget, where: str
) -> Tuned[C]:
    """Try the defaults and then random settings; keep those with the highest value.

    Random search is at least as good as a grid of the same size (Bergstra & Bengio, JMLR 2012), and
    trial n is the same whatever the budget. A trial that fails fails the search: it has no value.

    Args:
        model: The model's name in the log.
        defaults: The settings of the first trial.
        value: What settings are worth on validation, given the seconds that are left; higher is better.
        search: Values to try of each field that is tuned.
        budget: What may be spent.
        where: The data's name, for progress.

    Returns:
        The best settings and the log of all trials.
    """
    rows: list[tuple[Any, ...]] = []
    best, best_value, started = defaults, -math.inf, time.monotonic()
    changes = list(proposals(defaults, search, budget))
    with track(f"tuning {model} on {where}", len(changes), "trials") as progress:
        for trial, change in enumerate(changes):
            left = budget.max_seconds - (time.monotonic() - started)
            if trial and left <= 0:
                break
            config = defaults.model_copy(update=change)
            begun = time.monotonic()
            found = value(config, left)
            rows.append((model, trial, json.dumps(change), found, time.monotonic() - begun))
            if found > best_value:
                best, best_value = config, found
            progress.advance()
    return Tuned(best, pl.DataFrame(rows, schema=LOG_SCHEMA, orient="row"))


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
