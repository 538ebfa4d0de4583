"""Fitting the few scalars that gradients would bend: how histories are read, how much counts weigh."""

from collections.abc import Callable

import numpy as np
import torch

from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.validation import Validation


def fit(model: ThoughtSpace, validation: Validation, config: ThoughtSpaceConfig) -> None:
    """Choose recency decay, then flattening, on the mix's validation items, for home and abroad.

    Gradients on a source domain bend what a target domain needs; two scalars on a grid cannot. Of the
    settings within one standard error of the best NDCG@10 the mildest is taken (the one-standard-error
    rule: Breiman et al., Classification and Regression Trees, 1984), which travels better than the best.

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

    with torch.no_grad():
        _choose(config.decays, decay, validation)
        _choose(config.flattenings, flattening, validation)
    model.at_home.load_state_dict(model.abroad.state_dict())
    model.abroad.requires_grad_(False)
    model.abroad.log_temperature.requires_grad_(True)


def fit_following(model: ThoughtSpace, validation: Validation, config: ThoughtSpaceConfig) -> None:
    """Choose, for each domain of the mix, how much counts weigh beside the trained model.

    The weight with the best NDCG@10 on the domain's validation items, the smaller of equals: it stays at
    home, so it needs not travel.
    """
    ranker = ThoughtSpaceRanker(model)
    for domain in model.catalogues:
        weight = model.home(domain).following
        found = []
        for value in config.following_weights:
            weight.fill_(value)
            gains = validation.domain_gains(domain, ranker)
            if gains is None:
                break
            found.append(float(gains.mean()))
        weight.fill_(config.following_weights[int(np.argmax(found))] if found else 0.0)


def _choose(values: tuple[float, ...], apply: Callable[[float], None], validation: Validation) -> None:
    means, errors = [], []
    for value in values:
        apply(value)
        gains = validation.gains(abroad=True)
        if not gains:
            break
        means.append(np.mean([gain.mean() for gain in gains]))
        errors.append(np.sqrt(sum(gain.var() / len(gain) for gain in gains)) / len(gains))
    if not means:
        apply(values[0])
        return
    best = int(np.argmax(means))
    mildest = int(np.flatnonzero(np.array(means) >= means[best] - errors[best])[0])
    apply(values[mildest])
