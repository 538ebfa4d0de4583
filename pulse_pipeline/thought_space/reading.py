"""Fitting the few scalars that gradients would bend: how histories are read, what else weighs how much."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import FloatArray
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.validation import Validation

Gains = list[FloatArray]
"""NDCG@10 of each user, a domain an array."""

FEWEST = 10
"""Of fewer users than these a standard error says nothing."""


def fit(model: ThoughtSpace, validation: Validation, config: ThoughtSpaceConfig) -> None:
    """Choose a few scalars, one after the other, on the mix's validation items, for home and abroad.

    Gradients on a source domain bend what a target domain needs; scalars on a grid cannot. Of the decays,
    then the flattenings, within one standard error of the best NDCG@10 the mildest is taken (the
    one-standard-error rule: Breiman et al., Classification and Regression Trees, 1984), which travels
    better than the best. For what an item's thought and a low rating weigh the error is that of the
    difference on the same users, which is smaller: enough to take in what helps, and to leave out noise.
    What weighs nothing then stays out of the training too.

    Args:
        model: An untrained model; its two readings are set.
        validation: The mix's validation items.
        config: Names the grids, each from the mildest setting on.
    """

    def decay(value: float) -> None:
        lags = torch.arange(config.recency_window, dtype=torch.float32)
        model.abroad.recency.copy_(lags * float(np.log(value)))

    def flattening(value: float) -> None:
        model.abroad.flattening.fill_(value)

    def item_thought(value: float) -> None:
        model.abroad.item_thought.fill_(value)

    def dislike(value: float) -> None:
        model.abroad.dislike.fill_(value)

    with torch.no_grad():
        _choose(config.decays, decay, validation)
        _choose(config.flattenings, flattening, validation)
        if model.views > 1:
            _choose(config.item_thought_weights, item_thought, validation, paired=True)
        if validation.has_dislikes:
            _choose(config.dislike_weights, dislike, validation, paired=True)
    model.at_home.load_state_dict(model.abroad.state_dict())
    model.abroad.requires_grad_(False)
    model.abroad.log_temperature.requires_grad_(True)
    model.at_home.item_thought.requires_grad_(bool(model.abroad.item_thought))
    rated = bool(model.abroad.dislike)
    model.at_home.dislike.requires_grad_(rated)
    if model.attention is not None:
        model.attention.disliked.requires_grad_(rated)


def serve_at_home(model: ThoughtSpace, told: Validation, config: ThoughtSpaceConfig) -> None:
    """Choose, for each domain of the mix, how much of what the gate lets in of a rationale is served.

    The gate learns from training items that a rationale is right about them; whether it is about the next
    ones, validation tells, and flatters it: a rationale was written right before the validation items, and
    is older at test. A rationale also costs a language model's answer. So of the weights the mildest is taken
    that is within two standard errors of the difference to the best.

    Args:
        model: A model at any time of its training.
        told: Validation items of users who have a rationale, of domains of the mix.
        config: Names the weights.
    """
    ranker = told.ranker()
    for domain in told.names:
        weight = model.home(domain).rationale_serving_weight
        _serve(weight, config, partial(told.domain_gains, domain, ranker))


def serve_abroad(model: ThoughtSpace, told: Validation, config: ThoughtSpaceConfig) -> None:
    """Choose how much is served in a foreign domain; as `serve_at_home`, on all domains together.

    Of domains that gate and projection have learned from, foreign as they are named, what is chosen is
    optimistic about one that they have not seen; `travelling` asks one that was held out.

    Args:
        model: A model at any time of its training.
        told: Validation items of users who have a rationale, of domains that the model does not know by name.
        config: Names the weights.
    """
    _serve(model.rationale_serving_weight, config, partial(told.gains, abroad=True, rationales="own"))


def fit_counts(model: ThoughtSpace, validation: Validation, config: ThoughtSpaceConfig) -> None:
    """Choose, for each domain of the mix, how much counts weigh beside the trained model.

    What follows gets the weight with the best NDCG@10 on the domain's validation items, the smaller of
    equals: it stays at home, so it needs not travel. Then what is taken lately: it changes from validation
    to test, so of its weights the mildest is taken that is within two standard errors of the difference to
    the best; one lets noise in more often than not.
    """
    ranker = validation.ranker()

    for domain in validation.names:
        home, gains = model.home(domain), partial(validation.domain_gains, domain, ranker)
        tried = _tried(home.following, config.following_weights, gains)
        home.following.fill_(config.following_weights[int(np.argmax([_mean(one) for one in tried]))])
        tried = _tried(home.trend, config.trend_weights, gains)
        home.trend.fill_(config.trend_weights[_mildest(tried, paired=True, errors=2)])


def _choose(
    values: tuple[float, ...],
    apply: Callable[[float], None],
    validation: Validation,
    *,
    paired: bool = False,
) -> None:
    tried: list[Gains] = []
    for value in values:
        apply(value)
        gains = validation.gains(abroad=True, rationales="none")
        if not gains:
            break
        tried.append(gains)
    if not tried:
        apply(values[0])
        return
    apply(values[_mildest(tried, paired=paired)])


def _serve(weight: Tensor, config: ThoughtSpaceConfig, gains: Callable[[], Gains]) -> None:
    values = config.rationale_serving_weights
    told = [[of for of in found if len(of) >= FEWEST] for found in _tried(weight, values, gains)]
    weight.fill_(values[_mildest(told, paired=True, errors=2) if told[0] else 0])


def _tried(weight: Tensor, values: tuple[float, ...], gains: Callable[[], Gains]) -> list[Gains]:
    """What each value gains; leaves the weight at the last."""
    found = []
    for value in values:
        weight.fill_(value)
        found.append(gains())
    return found


def _mildest(tried: list[Gains], *, paired: bool, errors: float = 1) -> int:
    """The first that is within so many standard errors of the best, or of the difference to it."""
    best = max(tried, key=_mean)
    behind = [[top - own for top, own in zip(best, gains, strict=True)] for gains in tried]
    return next(
        place
        for place, gaps in enumerate(behind)
        if _mean(gaps) <= errors * _standard_error(gaps if paired else best)
    )


def _mean(gains: Gains) -> float:
    return float(np.mean([gain.mean() for gain in gains]))


def _standard_error(gains: Gains) -> float:
    return float(np.sqrt(sum(gain.var() / len(gain) for gain in gains)) / len(gains))
