"""Which rows of the `metrics` table are which; the words that stand for them."""

import polars as pl

from pulse_pipeline.evaluation.in_domain import BASELINE
from pulse_pipeline.evaluation.report.inputs import ReportInputs
from pulse_pipeline.evaluation.slices import ALL
from pulse_pipeline.evaluation.transfer import zero_shot

PROTOCOLS = {"temporal": "Global temporal split", "loo": "Leave-one-out"}
"""The protocols in the order to show them; the first that a domain has is its headline."""

K = 10
ARRIVALS = "arrivals:"
"""How a slice begins whose users are known in another domain only."""

ABLATION = "ablation"
"""The arm of models that were trained with something taken away, and of the full model beside them."""

RAW, HOLM = "p_value_vs_best_baseline", "p_value_holm"

SEED_MEAN = (
    pl.col("value", "ci_low", "ci_high").mean(),
    pl.col("value").min().alias("lowest"),
    pl.col("value").max().alias("highest"),
    # A mean of p-values means nothing; the largest promises least.
    pl.col(RAW).max().alias("p_value"),
    pl.col("seed").n_unique().alias("seeds"),
    pl.col("n_users").max(),
)
"""Several seeds as one row: figures averaged, the ends of their intervals too."""


def corrected(metrics: pl.DataFrame) -> bool:
    """Whether p-values are corrected for how many models are compared."""
    return HOLM in metrics.columns and metrics[HOLM].is_not_null().any()


def with_corrected(metrics: pl.DataFrame) -> pl.DataFrame:
    """The corrected p-value in place of the raw one, where there is one."""
    if not corrected(metrics):
        return metrics
    return metrics.with_columns(pl.coalesce(HOLM, RAW).alias(RAW))


def protocols(report: ReportInputs) -> list[str]:
    """The protocols that were measured, in the order to show them."""
    measured = set(report.metrics["protocol"])
    return [name for name in PROTOCOLS if name in measured]


def ranked_in_full(report: ReportInputs, protocol: str) -> pl.DataFrame:
    """Rows at the cut-off that is shown, of all users, against the whole catalogue, ablations left out."""
    return with_corrected(report.metrics).filter(
        (pl.col("slice") == ALL)
        & (pl.col("arm") != ABLATION)
        & (pl.col("candidates") == "full")
        & (pl.col("k") == K)
        & (pl.col("protocol") == protocol)
    )


def of_home_models(metrics: pl.DataFrame) -> pl.DataFrame:
    """Rows of models that learned from the domain alone, or from nothing."""
    return metrics.filter(pl.col("train_mix").is_null() | (pl.col("train_mix") == pl.col("dataset")))


def best_baselines(report: ReportInputs, protocol: str) -> dict[str, str]:
    """The baseline with the highest NDCG@10 in each domain."""
    home = of_home_models(ranked_in_full(report, protocol))
    measured = home.filter((pl.col("metric") == "NDCG") & is_baseline())
    means = measured.group_by("dataset", "model", maintain_order=True).agg(pl.col("value").mean())
    best = means.sort("value", descending=True, maintain_order=True).unique("dataset", maintain_order=True)
    return dict(best.select("dataset", "model").iter_rows())


def is_baseline() -> pl.Expr:
    """Whether a row is one of a baseline."""
    return pl.col("arm") == BASELINE


def is_variant(report: ReportInputs) -> pl.Expr:
    """Whether a row is one of our model changed, such as ``PULSE, no rationales``."""
    return pl.col("model").str.starts_with(f"{report.model}, ")


def is_zero_shot(report: ReportInputs, mix: str | None, target: str) -> bool:
    """Whether a model trained on `mix` met nothing of `target`; one without a mix learned nothing at all."""
    return mix is not None and zero_shot(report.mixes.get(mix, [mix]), target)
