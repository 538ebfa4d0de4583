"""The paper's protocol: the target among few sampled candidates. It flatters every model."""

from dataclasses import dataclass

import polars as pl

from pulse_pipeline.evaluation.report.inputs import DifferenceRow, ReportInputs
from pulse_pipeline.evaluation.report.views.metrics import ABLATION, SEED_MEAN, is_variant
from pulse_pipeline.evaluation.slices import ALL

FULL, FAITHFUL = "full", "faithful"


@dataclass(frozen=True)
class Share:
    """How often a target came first.

    Attributes:
        value: HR@1.
        low: Lower end of its interval.
        high: Upper end.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Choosing:
    """One model among few candidates.

    Attributes:
        model: The model.
        about: What has to be known of the faithful arm's: what was learned from, of how many users it tells.
        shares: One for each number of candidates, None where it was not asked.
    """

    model: str
    about: str
    shares: list[Share | None]


@dataclass(frozen=True)
class Sampled:
    """HR@1 among few candidates on one domain.

    Attributes:
        dataset: The domain.
        sizes: Numbers of candidates, the most first.
        rows: The models, the best first.
        differences: What a rationale adds here, where that was measured.
    """

    dataset: str
    sizes: list[int]
    rows: list[Choosing]
    differences: list[DifferenceRow]


def sampled(report: ReportInputs, protocol: str) -> list[Sampled]:
    """One table a domain in which models chose among few candidates."""
    tables = [_sampled(report, protocol, domain.name) for domain in report.domains]
    return [table for table in tables if table is not None]


def _sampled(report: ReportInputs, protocol: str, dataset: str) -> Sampled | None:
    frame = report.metrics.filter(
        (pl.col("dataset") == dataset)
        & (pl.col("protocol") == protocol)
        & pl.col("candidates").str.contains(r"^\d+$")
        & (pl.col("slice") == ALL)
        & (pl.col("metric") == "HR")
        & (pl.col("k") == 1)
        & (pl.col("train_mix").is_null() | (pl.col("train_mix") == dataset) | (pl.col("arm") == FAITHFUL))
        & (pl.col("arm") != ABLATION)
        & ~is_variant(report)
    )
    if frame.is_empty():
        return None
    sizes = sorted({int(size) for size in frame["candidates"]}, reverse=True)
    keys = ["arm", "model", "train_mix", "candidates"]
    groups = frame.group_by(keys, maintain_order=True).agg(*SEED_MEAN)
    rows: dict[tuple[str, str], Choosing] = {}
    for row in groups.iter_rows(named=True):
        key = row["model"], _about(row["arm"], row["train_mix"], row["n_users"])
        found = rows.setdefault(key, Choosing(*key, [None] * len(sizes)))
        place = sizes.index(int(row["candidates"]))
        found.shares[place] = Share(row["value"], row["ci_low"], row["ci_high"])
    best_first = sorted(rows.values(), key=lambda row: [-(one.value if one else 0.0) for one in row.shares])
    differences = [
        row
        for row in report.differences
        if row.candidates != FULL and (row.dataset, row.protocol) == (dataset, protocol)
    ]
    return Sampled(dataset, sizes, best_first, differences)


def _about(arm: str, train_mix: str | None, users: int) -> str:
    if arm != FAITHFUL:
        return ""
    learned = f", trained on {train_mix}" if train_mix else ""
    return f"as published{learned}; {users} users"
