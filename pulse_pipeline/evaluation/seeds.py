"""How much of a figure is the luck of a seed: the same model trained several times.

What does not learn by gradients from random numbers comes out the same every time and is not repeated.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pulse_pipeline.evaluation.baselines.settings import BaselineSettings
from pulse_pipeline.evaluation.baselines.suite import SUITE
from pulse_pipeline.evaluation.bootstrap import intervals, paired_difference
from pulse_pipeline.evaluation.candidates import Candidates
from pulse_pipeline.evaluation.evaluate import P_RESAMPLES, Evaluated, evaluate_ranker, with_p_values
from pulse_pipeline.evaluation.in_domain import BASELINE, MODEL
from pulse_pipeline.evaluation.per_user import FULL, Figure, per_user
from pulse_pipeline.evaluation.slices import ALL
from pulse_pipeline.schemas import Metrics
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train

MEAN_OF_SEEDS = "NDCG mean of seeds"
SPREAD_OF_SEEDS = "NDCG spread of seeds"
HEADLINE = Figure(FULL, "NDCG", 10)


def repeated_model(
    data: DomainData,
    first: ThoughtSpace,
    *,
    config: ThoughtSpaceConfig,
    seeds: int,
    candidates: Candidates,
    states: Path,
    spec_fingerprint: str,
) -> list[Evaluated]:
    """The domain's own Thought Space, evaluated once for each seed.

    Args:
        data: The domain, under one protocol.
        first: The model of the settings' own seed.
        config: The settings it was trained with; the other seeds follow its own.
        seeds: How many.
        candidates: The frozen candidates.
        states: Folder where a training that is killed leaves where it stands.
        spec_fingerprint: Fingerprint of the rationale settings.
    """
    evaluated = []
    for seed in range(config.seed, config.seed + seeds):
        if seed == config.seed:
            model = first
        else:
            state = states / f"{data.protocol}-{seed}.safetensors"
            again = config.model_copy(update={"seed": seed})
            model = train(f"{data.domain} seed {seed}", [data], again, state=state).model
        evaluated.append(
            evaluate_ranker(
                ThoughtSpaceRanker(model, MODEL),
                data,
                train_mix=data.domain,
                seed=seed,
                spec_fingerprint=spec_fingerprint,
                candidates=candidates,
            )
        )
    return evaluated


def repeated_baselines(
    data: DomainData,
    settings: BaselineSettings,
    seeds: int,
    candidates: Candidates,
    known: Sequence[Evaluated],
) -> list[list[Evaluated]]:
    """Every baseline on the domain, evaluated once for each seed where it has one.

    Args:
        data: The domain, under one protocol.
        settings: Which baselines there are.
        seeds: How many.
        candidates: The frozen candidates.
        known: The baselines that were evaluated already, with the settings' own seed.
    """
    more = dict(_more_seeds(data, settings, seeds, candidates))
    return [[one, *more.get(one.metrics["model"][0], [])] for one in known]


def _more_seeds(
    data: DomainData, settings: BaselineSettings, seeds: int, candidates: Candidates
) -> Iterator[tuple[str, list[Evaluated]]]:
    for name in settings.run:
        entry, config = SUITE[name], settings.config(name).model_dump()
        if "seed" in config:
            rankers = [
                entry.build(entry.config.model_validate({**config, "seed": config["seed"] + n})).fit(data)
                for n in range(1, seeds)
            ]
            yield (
                rankers[0].name,
                [
                    evaluate_ranker(
                        ranker,
                        data,
                        train_mix=data.domain,
                        seed=n,
                        arm=BASELINE,
                        candidates=candidates,
                    )
                    for n, ranker in enumerate(rankers, start=1)
                ],
            )


def seed_rows(model: list[Evaluated], baselines: list[list[Evaluated]]) -> pl.DataFrame:
    """What the seeds beyond the first have given, and what is said of all seeds together.

    Args:
        model: The model, once for each seed.
        baselines: Each baseline once, or once for each seed.

    Returns:
        Rows of `schemas.Metrics`. Those named `MEAN_OF_SEEDS` average each user's NDCG@10 over the
        seeds, then over users; interval and p-value (against the best baseline, averaged likewise) are
        over users. Those named `SPREAD_OF_SEEDS` are the standard deviation between the seeds' NDCG@10.
    """
    means = [_mean(one) for one in baselines]
    best = max(means, key=lambda values: values.mean(), default=None)
    rows: list[pl.DataFrame] = [Metrics.create_empty()]
    for n, one in enumerate(model[1:], start=1):
        rows.append(with_p_values(one, [repeats[min(n, len(repeats) - 1)] for repeats in baselines]))
    rows += [one.metrics for repeats in baselines for one in repeats[1:]]
    rows += _together(model, best)
    for repeats in baselines:
        if len(repeats) > 1:
            rows += _together(repeats, None)
    return pl.concat(rows)


def _mean(repeats: list[Evaluated]) -> NDArray[np.float64]:
    """Each user's NDCG@10, averaged over the seeds [n_users]."""
    columns = np.stack([per_user(one.ranks).column(HEADLINE) for one in repeats])
    return np.asarray(columns.mean(axis=0), dtype=np.float64)


def _together(repeats: list[Evaluated], best: NDArray[np.float64] | None) -> list[pl.DataFrame]:
    template = repeats[0].metrics.filter(
        slice=ALL, candidates=HEADLINE.candidates, metric=HEADLINE.metric, k=HEADLINE.k
    )
    mean = _mean(repeats)
    (found,) = intervals(mean[:, None])
    p_value = None if best is None else paired_difference(mean, best, resamples=P_RESAMPLES).p_value
    spread = np.std([one.value(HEADLINE.metric, HEADLINE.k) for one in repeats], ddof=1)
    rows = [
        (MEAN_OF_SEEDS, found.value, found.low, found.high, p_value),
        (SPREAD_OF_SEEDS, float(spread), None, None, None),
    ]
    return [
        Metrics.validate(
            template.with_columns(
                metric=pl.lit(metric),
                value=pl.lit(value),
                ci_low=pl.lit(low, pl.Float64),
                ci_high=pl.lit(high, pl.Float64),
                p_value_vs_best_baseline=pl.lit(p, pl.Float64),
            )
        )
        for metric, value, low, high, p in rows
    ]
