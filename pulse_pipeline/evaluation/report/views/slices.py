"""Groups of users: where our model is better than the best baseline, and where it is not."""

from dataclasses import dataclass

import polars as pl

from pulse_pipeline.evaluation.report.inputs import ReportInputs
from pulse_pipeline.evaluation.report.views.metrics import (
    ABLATION,
    ARRIVALS,
    SEED_MEAN,
    K,
    best_baselines,
    of_home_models,
)
from pulse_pipeline.evaluation.slices import ALL, WITH_RATIONALE, WITHOUT_RATIONALE

PLAIN = "text-kNN centred"
"""What item texts give without any learning: the floor to compare with."""


WORDS = {
    ALL: "all users",
    WITH_RATIONALE: "with a rationale",
    WITHOUT_RATIONALE: "without a rationale",
    "target:head": "target is popular",
    "target:tail": "target is not popular",
    "target:cold": "target new to training",
    "target:rare": "target rare in training",
}
"""What groups are called where the name alone would be a riddle."""


@dataclass(frozen=True)
class Slices:
    """The groups of one domain's users.

    Attributes:
        dataset: The domain.
        models: Ours, the best baseline, text-kNN: those that were measured.
        rows: `slice`, `model`, `value`, `ci_low`, `ci_high`, `n_users`; groups in the order measured.
    """

    dataset: str
    models: list[str]
    rows: pl.DataFrame


def slices(report: ReportInputs, protocol: str) -> list[Slices]:
    """One a domain in which anything but all users together was measured."""
    best = best_baselines(report, protocol)
    found = []
    for domain in report.domains:
        wanted = dict.fromkeys([report.model, best.get(domain.name, PLAIN), PLAIN])
        frame = of_home_models(report.metrics).filter(
            (pl.col("dataset") == domain.name)
            & (pl.col("protocol") == protocol)
            & (pl.col("candidates") == "full")
            & (pl.col("metric") == "NDCG")
            & (pl.col("k") == K)
            & pl.col("model").is_in(list(wanted))
            & (pl.col("arm") != ABLATION)
            & ~pl.col("slice").str.starts_with(ARRIVALS)
        )
        rows = frame.group_by("slice", "model", maintain_order=True).agg(*SEED_MEAN)
        if (rows["slice"] != ALL).any():
            measured = set(rows["model"])
            found.append(Slices(domain.name, [name for name in wanted if name in measured], rows))
    return found


def spoken(name: str) -> str:
    """A group's name for people."""
    if name in WORDS:
        return WORDS[name]
    kind, _, group = name.partition(":")
    if kind == "history":
        return f"{group.replace('-', ' to ')} known items"
    if group.startswith("fifth-"):
        return f"target in fifth {group.removeprefix('fifth-')}"
    return f"{kind} {group}".strip().replace("_", " ")
