"""``pulse tune``: a search for a mix's settings in the home's tables."""

from pulse_pipeline.commands.train import mix_data
from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home
from pulse_pipeline.settings import Settings
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, Protocol
from pulse_pipeline.thought_space.search import search
from pulse_pipeline.tuning import Budget, Tuned


def tune(
    home: Home, settings: Settings, mix: str, *, protocol: Protocol, held_out: str | None, budget: Budget
) -> Tuned[ThoughtSpaceConfig]:
    """Search on validation items.

    Raises:
        PulseError: There is no such mix or protocol, or nothing to hold out and train on.
    """
    domains = mix_data(home, mix, protocol)
    if not domains:
        raise PulseError(f"no domain of {mix} has a {protocol} split: choose another --protocol")
    if held_out is not None:
        _check_held_out(domains, held_out)
    return search(mix, domains, settings.thought_space, budget, held_out=held_out)


def _check_held_out(domains: list[DomainData], held_out: str) -> None:
    names = [data.domain for data in domains]
    if held_out not in names or len(names) < 2:
        raise PulseError(
            f"cannot hold out {held_out}: name one of a mix of several domains (here: {', '.join(names)})"
        )
