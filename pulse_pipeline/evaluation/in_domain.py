"""A domain's own evaluation: baselines, our models, and our model with its rationales taken away."""

import time
from collections.abc import Iterable

import polars as pl

from pulse_pipeline.evaluation.baselines.settings import BaselineSettings
from pulse_pipeline.evaluation.baselines.suite import SUITE
from pulse_pipeline.evaluation.candidates import Candidates
from pulse_pipeline.evaluation.evaluate import (
    Evaluated,
    Origin,
    difference,
    evaluate_ranker,
    evaluate_ranks,
    with_p_values,
)
from pulse_pipeline.evaluation.per_user import FULL
from pulse_pipeline.evaluation.ranking import Ranker
from pulse_pipeline.evaluation.slices import WITH_RATIONALE
from pulse_pipeline.evaluation.standings import standings
from pulse_pipeline.evaluation.standings_table import read_standings, standings_table
from pulse_pipeline.progress import track
from pulse_pipeline.schemas import BaselineScores, Metrics
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker

MODEL = "PULSE"
WITHOUT = "PULSE, no rationales"
SHUFFLED = "PULSE, shuffled rationales"
IN_FULL = "PULSE, rationales in full"
SHUFFLED_IN_FULL = "PULSE, shuffled rationales in full"
CONTROLS = (WITHOUT, SHUFFLED, IN_FULL, SHUFFLED_IN_FULL)
BASELINE = "baseline"
DIFFERENCE = "NDCG difference"


def baseline_ranks(
    data: DomainData,
    settings: BaselineSettings | None = None,
    candidates: Candidates | None = None,
    *,
    reads_rationales: bool = False,
) -> pl.DataFrame:
    """Fit baselines and rank every test target by each.

    Args:
        data: The domain, under one protocol.
        settings: Which baselines, and their settings; defaults without.
        candidates: The frozen candidates; without them nothing is ranked among candidates.
        reads_rationales: Run those baselines that read rationales, not those that do not.

    Returns:
        A `schemas.BaselineScores` table.
    """
    settings = settings or BaselineSettings()
    names = settings.chosen(reads_rationales=reads_rationales)
    tables: list[pl.DataFrame] = [BaselineScores.create_empty()]
    with track(f"baselines {data.domain}", len(names), "models") as progress:
        for name in names:
            progress.relabel(f"baselines {data.domain}: {name}")
            ranker = settings.build(name).fit(data)
            train_mix = data.domain if SUITE[name].learns else None
            tables.append(_standings_of(ranker, data, train_mix, candidates))
            progress.advance()
    return pl.concat(tables)


def _standings_of(
    ranker: Ranker, data: DomainData, train_mix: str | None, candidates: Candidates | None
) -> pl.DataFrame:
    started = time.perf_counter()
    ranked = standings(ranker, data, "test", candidates)
    table = standings_table(ranked, data).with_columns(
        model=pl.lit(ranker.name),
        train_mix=pl.lit(train_mix, pl.String),
        seconds=pl.lit(time.perf_counter() - started),
    )
    return BaselineScores.validate(table.select(BaselineScores.column_names()), cast=True)


def evaluated_baselines(data: DomainData, scores: pl.DataFrame) -> list[Evaluated]:
    """Figures of the baselines whose ranks are known.

    Args:
        data: The domain, under one protocol.
        scores: A `schemas.BaselineScores` table that holds this protocol's ranks.
    """
    here = scores.filter(pl.col("protocol") == data.protocol)
    evaluated = []
    for (model, mix, seconds), rows in here.group_by("model", "train_mix", "seconds", maintain_order=True):
        origin = Origin(str(model), _optional(mix), 0, BASELINE, None, float(str(seconds)))
        evaluated.append(evaluate_ranks(read_standings(rows, data), data, origin))
    return evaluated


def unmeasured_baselines(data: DomainData, scores: pl.DataFrame) -> list[Evaluated]:
    """The same baselines without figures of their own: all that a model is held against, for less.

    Args:
        data: The domain, under one protocol.
        scores: A `schemas.BaselineScores` table that holds this protocol's ranks.
    """
    here = scores.filter(pl.col("protocol") == data.protocol)
    models = here.partition_by("model", maintain_order=True)
    return [Evaluated(Metrics.create_empty(), read_standings(rows, data)) for rows in models]


def evaluate_in_domain(
    data: DomainData,
    models: Iterable[tuple[str, ThoughtSpace]],
    baselines: list[Evaluated],
    candidates: Candidates | None = None,
    *,
    seed: int,
    spec_fingerprint: str,
) -> list[Evaluated]:
    """Our models on a domain that they were trained on, with p-values against the best baseline.

    The domain's own model is also shown without rationales and with another user's rationales, so
    that what rationales add is seen on the same users; and where validation said to serve them in part or
    not at all, with both in full, so that it is seen whether validation was right.

    Args:
        data: The domain, under one protocol.
        models: Name of the training mix and the model.
        baselines: What they are held against.
        candidates: The frozen candidates.
        seed: Seed of the training.
        spec_fingerprint: Fingerprint of the rationale settings.

    Returns:
        Baselines first.
    """
    evaluated = list(baselines)
    for mix, model in models:
        rankers = [ThoughtSpaceRanker(model, MODEL)]
        if mix == data.domain:
            rankers.append(ThoughtSpaceRanker(model, WITHOUT, rationales="none"))
            rankers.append(ThoughtSpaceRanker(model, SHUFFLED, rationales="shuffled", seed=seed))
        held_back = _in_full(model, data, seed) if mix == data.domain else []
        for ranker in rankers + held_back:
            result = evaluate_ranker(
                ranker,
                data,
                train_mix=mix,
                seed=seed,
                spec_fingerprint=spec_fingerprint,
                candidates=candidates,
            )
            # What validation has held back is held against our model alone, and enters no family of tests.
            tested = ranker not in held_back
            evaluated.append(Evaluated(with_p_values(result, baselines), result.ranks) if tested else result)
    return evaluated


def _in_full(model: ThoughtSpace, data: DomainData, seed: int) -> list[ThoughtSpaceRanker]:
    """What would come of rationales, and of another user's, had validation not held them back."""
    if not data.has_rationale.any() or float(model.serving_weight(data.domain, home=True)) == 1:
        return []
    return [
        ThoughtSpaceRanker(model, IN_FULL, in_full=True),
        ThoughtSpaceRanker(model, SHUFFLED_IN_FULL, rationales="shuffled", seed=seed, in_full=True),
    ]


def rationale_differences(evaluated: list[Evaluated], data: DomainData) -> pl.DataFrame:
    """What rationales add: our own model minus itself without them, with others', with either in full.

    Only users who have a rationale are compared; for the others there is nothing to leave out.

    Args:
        evaluated: As `evaluate_in_domain` gives them.
        data: The domain they were evaluated on.

    Returns:
        Rows of `schemas.Metrics` whose metric is `DIFFERENCE`, with paired intervals; the p-value is that
        of the difference. None where no evaluated user has a rationale.
    """
    own_mix = [one for one in evaluated if one.metrics["train_mix"][0] == one.metrics["dataset"][0]]
    named = {one.metrics["model"][0]: one for one in own_mix}
    if MODEL not in named:
        return Metrics.create_empty()
    own = named[MODEL]
    with_one = data.has_rationale[own.ranks.users]
    if not with_one.any():
        return Metrics.create_empty()
    rows = []
    for name in (control for control in CONTROLS if control in named):
        found = difference(own, named[name], among=with_one)
        template = own.metrics.filter(slice="all", candidates=FULL, metric="NDCG", k=10)
        rows.append(
            template.with_columns(
                model=pl.lit(f"{MODEL} - {name}"),
                slice=pl.lit(WITH_RATIONALE),
                metric=pl.lit(DIFFERENCE),
                n_users=pl.lit(int(with_one.sum())),
                value=found.value,
                ci_low=found.low,
                ci_high=found.high,
                p_value_vs_best_baseline=found.p_value,
            )
        )
    return Metrics.validate(pl.concat(rows), cast=True)


def _optional(value: object) -> str | None:
    return None if value is None else str(value)
