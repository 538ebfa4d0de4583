"""The result table that `pulse run` and `pulse evaluate` end with."""

import polars as pl
from rich.table import Table

from pulse_pipeline.domains import ALL, Registry
from pulse_pipeline.evaluation.figures import distinct_figures
from pulse_pipeline.evaluation.in_domain import BASELINE, MODEL
from pulse_pipeline.home import Home
from resources.storage import table_path


def metrics(home: Home, registry: Registry) -> pl.DataFrame:
    """All figures of the home's evaluations; empty where nothing was evaluated.

    Args:
        home: Where the tables lie.
        registry: Its domains and mixes; what the home holds of others is left out.
    """
    files = [table_path(home, "in_domain_evaluation", name) for name in registry.names]
    files += [
        table_path(home, "cross_domain_evaluation", f"{mix}|{name}")
        for mix in registry.mixes
        for name in registry.names
    ]
    return distinct_figures(pl.read_parquet(file, glob=False) for file in files if file.exists())


def in_domain_table(figures: pl.DataFrame) -> Table:
    """NDCG@10 and HR@10 of every model on every domain, best first."""
    table = Table(title="In-domain, full ranking (95 % intervals over users)")
    for column in ("domain", "protocol", "model", "trained on", "NDCG@10", "HR@10"):
        table.add_column(column, justify="right" if "@" in column else "left")
    # The cells of the transfer matrix have a table of their own.
    mix = pl.col("train_mix")
    home = mix.is_null() | (mix == ALL) | (mix == pl.col("dataset"))
    for row in _at_ten(figures.filter(home)).iter_rows(named=True):
        table.add_row(
            row["dataset"],
            row["protocol"],
            row["model"],
            row["train_mix"] or "-",
            f"{row['NDCG']:.4f} [{row['NDCG_low']:.4f}, {row['NDCG_high']:.4f}]",
            f"{row['HR']:.4f}",
        )
    return table


def zero_shot_table(figures: pl.DataFrame, members: dict[str, list[str]]) -> Table:
    """NDCG@10 of source mixes on targets they have learned nothing from.

    Args:
        figures: Rows of the `metrics` table.
        members: The domains of each mix.
    """
    table = Table(title="Zero-shot transfer, NDCG@10")
    for column in ("target", "protocol", "trained on", "NDCG@10", "best baseline", "p of the difference"):
        table.add_column(column, justify="right" if "@" in column else "left")
    at_ten = _at_ten(figures)
    best = _best_baselines(at_ten)
    for row in at_ten.iter_rows(named=True):
        mix = row["train_mix"]
        if row["model"] == MODEL and mix in members and row["dataset"] not in members[mix]:
            p_value = row["p_value"]
            shown = "-" if p_value is None else f"{p_value:.3f}"
            known = best.get((row["dataset"], row["protocol"]), "-")
            table.add_row(row["dataset"], row["protocol"], mix, f"{row['NDCG']:.4f}", known, shown)
    return table


def _best_baselines(at_ten: pl.DataFrame) -> dict[tuple[str, str], str]:
    """What each domain's models are held against: the baseline's NDCG@10 and name."""
    baselines = at_ten.filter(arm=BASELINE).sort("NDCG", descending=True)
    best = baselines.unique(["dataset", "protocol"], keep="first", maintain_order=True)
    return {
        (row["dataset"], row["protocol"]): f"{row['NDCG']:.4f} {row['model']}"
        for row in best.iter_rows(named=True)
    }


def _at_ten(figures: pl.DataFrame) -> pl.DataFrame:
    keys = ["arm", "dataset", "protocol", "model", "train_mix"]
    shown = figures.filter(
        (pl.col("slice") == "all") & (pl.col("k") == 10) & (pl.col("candidates") == "full")
    )

    def of(metric: str) -> pl.DataFrame:
        return shown.filter(pl.col("metric") == metric)

    ndcg = of("NDCG").select(
        *keys,
        NDCG="value",
        NDCG_low="ci_low",
        NDCG_high="ci_high",
        p_value="p_value_vs_best_baseline",
    )
    hit_rate = of("HR").select(*keys, HR="value")
    return ndcg.join(hit_rate, on=keys, nulls_equal=True).sort(
        "dataset", "protocol", "NDCG", descending=[False, False, True]
    )
