"""Training for a domain never seen: a source that was held out says when to stop.

What validation items of the sources say of a foreign domain is optimistic: gate and projection have learned
from these sources' own rationales. So one source is held out, a model learns from the others, and the
source judges its epochs and how much of a rationale it wants served. The model that travels then learns
from all of them for as many epochs, and serves as much, or less where its own sources want less: one
source may be the one that rationales help. Where nothing of a rationale is served nothing that an epoch
learns is used abroad, and the sources decide for themselves when to stop.
"""

from dataclasses import replace
from pathlib import Path

from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.geometry import has_text
from pulse_pipeline.thought_space.reading import FEWEST
from pulse_pipeline.thought_space.training import Abroad, Trained, kept_epoch, train
from pulse_pipeline.thought_space.workers import ALONE, Workers

NOT_SERVED = Abroad(most_served=0.0, epochs=None)


def train_to_travel(
    mix: str,
    domains: list[DomainData],
    config: ThoughtSpaceConfig,
    *,
    state: Path | None = None,
    workers: Workers = ALONE,
) -> Trained:
    """Train on all domains, for as many epochs as serve a source best that was held out.

    Args:
        mix: The mix's name, for progress.
        domains: The sources.
        config: The settings.
        state: As `train` has it; further trainings that are needed have their files beside it.
        workers: The processes that train together; each gets the result.

    Returns:
        The model of all sources, and the course of its training.

    Raises:
        PulseError: A state file is damaged.
    """
    judge = held_out_source(domains) if config.hold_out_source else None
    if judge is None:
        return train(mix, domains, config, state=state, workers=workers)
    others = [data for data in domains if data is not judge]

    def beside(what: str) -> Path | None:
        return state and state.with_stem(f"{state.stem}-{what}")

    without = f"without-{judge.domain}"
    tried = train(f"{mix} {without}", others, config, judges=[judge], state=beside(without), workers=workers)
    said = decided(tried)
    trained = train(mix, domains, config, abroad=said, state=state, workers=workers)
    if said.epochs is not None and not trained.model.rationale_serving_weight:
        own = beside("by-itself")
        trained = train(mix, domains, config, abroad=NOT_SERVED, state=own, workers=workers)
    return replace(trained, held_out=(judge.domain, tried.history))


def held_out_source(domains: list[DomainData]) -> DomainData | None:
    """The source to judge by: the one of whose validation users most have a rationale.

    None where fewer than `FEWEST` have one, and where so few of the other sources have one to learn from.
    """

    def able(judge: DomainData) -> bool:
        learned = sum(_learned_from(data) for data in domains if data is not judge)
        return _judging(judge) >= FEWEST and learned >= FEWEST

    return max(filter(able, domains), key=_judging, default=None)


def decided(tried: Trained) -> Abroad:
    """What the source that judged says: how much of a rationale is served, and from what epoch."""
    weight = float(tried.model.rationale_serving_weight)
    return Abroad(weight, epochs=kept_epoch(tried.history)["epoch"] if weight else None)


def _judging(data: DomainData) -> int:
    return int(data.has_rationale[data.evaluated_users("valid")].sum())


def _learned_from(data: DomainData) -> int:
    """Users with a rationale about training items."""
    if data.rationales is None:
        return 0
    return int(has_text(data.rationales.training).sum())
