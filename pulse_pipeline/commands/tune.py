"""``pulse tune``: a search for settings in the home's tables, the same budget for every model."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from pulse_pipeline.commands.train import mix_data
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation import tuning
from pulse_pipeline.evaluation.baselines.suite import SUITE
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import git_sha
from pulse_pipeline.settings import Settings
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, Protocol
from pulse_pipeline.thought_space.search import search
from pulse_pipeline.tuning import Budget, Tuned
from resources.tracking import Tracking

EXPERIMENT = "pulse-tuning"
PULSE = "pulse"


def tune(
    home: Home, settings: Settings, mix: str, *, protocol: Protocol, held_out: str | None, budget: Budget
) -> Tuned[ThoughtSpaceConfig]:
    """Search for the Thought Space's settings on validation items.

    Raises:
        PulseError: There is no such mix or protocol, or nothing to hold out and train on.
    """
    domains = _domains(home, mix, protocol)
    if held_out is not None:
        _check_held_out(domains, held_out)
    found = search(mix, domains, settings.thought_space, budget, held_out=held_out)
    _keep(PULSE, held_out or mix, protocol, budget, found)
    return found


def tune_baselines(
    home: Home, settings: Settings, mix: str, *, protocol: Protocol, budget: Budget
) -> Iterator[tuple[str, Tuned[Any]]]:
    """Search likewise for the settings of each baseline that runs and has any to search for.

    Args:
        home: Where the tables lie.
        settings: Which baselines run.
        mix: A domain: a baseline learns from one only.
        protocol: Whose validation items.
        budget: What each of them may spend, no more and no less than the Thought Space.

    Yields:
        The baseline's name in the settings, and what was found.

    Raises:
        PulseError: There is no such domain or protocol.
    """
    domains = _domains(home, mix, protocol)
    if [data.domain for data in domains] != [mix]:
        raise PulseError(f"a baseline learns from one domain: name one instead of {mix}")
    own = tuning.Budget(**budget.model_dump())
    for name in settings.baselines.run:
        if SUITE[name].config.search:
            found = tuning.tune_baseline(name, domains[0], own, settings.baselines.config(name))
            _keep(name, mix, protocol, own, found)
            yield name, found


def best_settings(name: str, found: Tuned[Any]) -> dict[str, Any]:
    """What differs from what was there before, as the settings file has it."""
    best = max(found.log.to_dicts(), key=lambda row: row["value"])
    changes = json.loads(best["params"])
    return {"thought_space": changes} if name == PULSE else {"baselines": {"parameters": {name: changes}}}


def _domains(home: Home, mix: str, protocol: Protocol) -> list[DomainData]:
    domains = mix_data(home, mix, protocol)
    if not domains:
        raise PulseError(f"no domain of {mix} has a {protocol} split: choose another --protocol")
    return domains


def _check_held_out(domains: list[DomainData], held_out: str) -> None:
    names = [data.domain for data in domains]
    if held_out not in names or len(names) < 2:
        raise PulseError(
            f"cannot hold out {held_out}: name one of a mix of several domains (here: {', '.join(names)})"
        )


def _keep(name: str, where: str, protocol: Protocol, budget: BaseModel, found: Tuned[Any]) -> None:
    """One MLflow run a search: the budget, every trial, the best."""
    tags = {
        "pulse/model": name,
        "pulse/domain": where,
        "pulse/protocol": protocol,
        "pulse/git_sha": git_sha() or "",
    }
    with Tracking(experiment=EXPERIMENT).named(f"{name} {where} {protocol}", tags) as run:
        run.params(budget.model_dump())
        run.curve(found.log.select("trial", "value", "seconds"), step="trial")
        run.metrics({"best_value": float(str(found.log["value"].max())), "trials": float(len(found.log))})
        run.artifact("trials.csv", found.log.write_csv())
        run.artifact("best.json", found.config.model_dump_json(indent=1))
