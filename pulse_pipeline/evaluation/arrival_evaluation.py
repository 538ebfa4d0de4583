"""Figures of people who arrive: what ranks for them, against popularity, on the people of the test part."""

import time
from dataclasses import replace

import numpy as np
import polars as pl

from pulse_pipeline.evaluation.arrivals import Arrivals
from pulse_pipeline.evaluation.baselines.popularity import Popularity
from pulse_pipeline.evaluation.crossing import AMONG_ARRIVALS, Crossing, SourceText
from pulse_pipeline.evaluation.evaluate import Evaluated, Origin, evaluate_ranks, with_p_values
from pulse_pipeline.evaluation.in_domain import BASELINE, MODEL, SHUFFLED, WITHOUT
from pulse_pipeline.evaluation.ranking import Ranker
from pulse_pipeline.evaluation.slices import ALL
from pulse_pipeline.evaluation.standings import standings

AMONG = "popularity among arrivals"


def arrivals_slice(source: str) -> str:
    """Name of the slice of all who come from a source."""
    return f"arrivals:{source}"


def evaluate_arrivals(
    arrivals: Arrivals, *, seed: int = 0, spec_fingerprint: str | None = None
) -> list[Evaluated]:
    """Rank what the people of the test part chose in the full catalogue of the target.

    Args:
        arrivals: The people.
        seed: Seed of the shuffled rationales.
        spec_fingerprint: Fingerprint of the bridging prompt, where rationales are used.

    Returns:
        Popularity, text-kNN from the source, popularity among arrivals; then our model with p-values against
        the best of them, and where rationales are written itself without and with another's. Slices are
        named `arrivals_slice`, followed by that of the others. Nothing where nobody is of the test part or
        nobody is left to learn from.
    """
    if not arrivals.tested.any() or arrivals.tested.all():
        return []
    target, source = arrivals.target.domain, arrivals.source.domain
    plain = Origin("", None, 0, BASELINE, None, None)
    counted, both = replace(plain, train_mix=target), replace(plain, train_mix=f"{source}+{target}")
    baselines = [
        evaluated_at_door(arrivals, Popularity().fit(arrivals.door(arrivals.tested)), counted),
        evaluated_at_door(arrivals, SourceText(arrivals), plain),
        evaluated_at_door(arrivals, Crossing(AMONG, arrivals, "none", weights=AMONG_ARRIVALS), both),
    ]
    own = replace(both, arm="pulse", seed=seed, spec_fingerprint=spec_fingerprint)
    models = [evaluated_at_door(arrivals, one, own) for one in _models(arrivals, seed)]
    tested = [Evaluated(with_p_values(one, baselines), one.ranks) for one in models]
    return [Evaluated(_named(one.metrics, source), one.ranks) for one in baselines + tested]


def _models(arrivals: Arrivals, seed: int) -> list[Crossing]:
    found = [Crossing(MODEL, arrivals)]
    if not np.isnan(arrivals.rationales).all():
        found.append(Crossing(WITHOUT, arrivals, "none"))
        found.append(Crossing(SHUFFLED, arrivals, "shuffled", seed))
    return found


def evaluated_at_door(arrivals: Arrivals, ranker: Ranker, origin: Origin) -> Evaluated:
    """Rank for the people of the test part, of whom the target knows nothing."""
    started = time.perf_counter()
    door = arrivals.door(arrivals.tested)
    ranked = standings(ranker, door, "test", users=arrivals.people[arrivals.tested])
    origin = replace(origin, model=ranker.name, seconds=time.perf_counter() - started)
    return evaluate_ranks(ranked, door, origin)


def _named(metrics: pl.DataFrame, source: str) -> pl.DataFrame:
    everybody, part = arrivals_slice(source), pl.col("slice")
    return metrics.with_columns(
        slice=pl.when(part == ALL).then(pl.lit(everybody)).otherwise(pl.lit(f"{everybody} ") + part)
    )
