"""The tables of `pulse evaluate` about transfer and arrivals, where those were evaluated."""

from collections.abc import Collection

import polars as pl
from rich.table import Table

from pulse_pipeline.domains import ALL, ALL_BUT
from pulse_pipeline.evaluation.baselines.text_knn import TextKNN
from pulse_pipeline.evaluation.few_shot import SHARES, share_of, shared_mix
from pulse_pipeline.evaluation.in_domain import BASELINE
from pulse_pipeline.evaluation.word_reader import WordReader

NOT_MEASURED = "-"
TEXT = TextKNN(centred=True).name  # learns from nobody, so it has no row for a share


def word_table(figures: pl.DataFrame, synthetic: Collection[str] = ()) -> Table:
    """NDCG@10 of reading a foreign domain by vectors and words, beside centred text-kNN.

    Args:
        figures: Rows of the `metrics` table.
        synthetic: Domains that are generated; the table says so.
    """
    table = Table(title="Zero-shot by vectors and words, NDCG@10; nothing of the target's users is learned")
    for column in ("target", "protocol", TEXT, WordReader.name, "p of the difference"):
        table.add_column(column, justify="left" if column in {"target", "protocol"} else "right")
    headline = figures.filter(slice="all", metric="NDCG", k=10, candidates="full")
    keys = ["dataset", "protocol"]
    plain = headline.filter(model=TEXT).select(*keys, plain="value")
    for row in headline.filter(model=WordReader.name).join(plain, on=keys).iter_rows(named=True):
        table.add_row(
            _told(row["dataset"], synthetic),
            row["protocol"],
            f"{row['plain']:.4f}",
            f"{row['value']:.4f} [{row['ci_low']:.4f}, {row['ci_high']:.4f}]",
            f"{row['p_value_vs_best_baseline']:.3f}",
        )
    return table


def few_shot_table(figures: pl.DataFrame, synthetic: Collection[str] = ()) -> Table:
    """NDCG@10 by how much of a target's training users is known.

    Args:
        figures: Rows of the `metrics` table.
        synthetic: Domains that are generated; the table says so.

    Returns:
        Our model and each baseline that was fitted on the same shares; no row without a few-shot evaluation.
    """
    table = Table(
        title="Few-shot transfer, NDCG@10 by the share of the target's training users that is known"
    )
    for column in ("target", "protocol", "model", "none", *(f"{share:.0%}" for share in SHARES), "all"):
        table.add_column(column, justify="left" if column in {"target", "protocol", "model"} else "right")
    headline = figures.filter(slice="all", metric="NDCG", k=10, candidates="full")
    for (dataset, protocol), rows in headline.group_by("dataset", "protocol", maintain_order=True):
        known = {(row["model"], row["train_mix"]): row["value"] for row in rows.iter_rows(named=True)}
        arms = dict(zip(rows["model"], rows["arm"], strict=True))
        lines = [
            (model, [known.get((model, mix)) for mix in _mixes(str(dataset), arms[model])]) for model in arms
        ]
        if not any(_of_shares(cells) for _, cells in lines):
            continue
        for model, cells in lines:
            if model == TEXT or _of_shares(cells):
                shown = (NOT_MEASURED if cell is None else f"{cell:.4f}" for cell in cells)
                table.add_row(_told(str(dataset), synthetic), str(protocol), model, *shown)
    return table


def arrival_table(figures: pl.DataFrame, synthetic: Collection[str] = ()) -> Table:
    """NDCG@10 for people who come from another domain, by target and source.

    Args:
        figures: Rows of the `metrics` table.
        synthetic: Domains that are generated; the table says so.
    """
    table = Table(
        title="Arrivals: known in another domain, no history in the target (95 % intervals over users)"
    )
    for column in ("target", "from", "model", "people", "NDCG@10", "p of the difference"):
        table.add_column(column, justify="right" if column in {"people", "NDCG@10"} else "left")
    # Slices of these slices are told after a space, which no domain's name holds.
    arriving = pl.col("slice").str.starts_with("arrivals:") & ~pl.col("slice").str.contains(" ")
    rows = figures.filter(arriving, metric="NDCG", k=10)
    for row in rows.sort("dataset", "slice", "value", descending=[False, False, True]).iter_rows(named=True):
        p_value = row["p_value_vs_best_baseline"]
        table.add_row(
            _told(row["dataset"], synthetic),
            row["slice"].removeprefix("arrivals:"),
            row["model"],
            f"{row['n_users']:,}",
            f"{row['value']:.4f} [{row['ci_low']:.4f}, {row['ci_high']:.4f}]",
            NOT_MEASURED if p_value is None else f"{p_value:.3f}",
        )
    return table


def _mixes(target: str, arm: str) -> list[str | None]:
    """The training mixes of a row: nobody of the target known, each share, everybody."""
    if arm == BASELINE:
        return [None, *(share_of(target, share) for share in SHARES), target]
    sources = ALL_BUT + target
    return [sources, *(shared_mix(sources, share) for share in SHARES), ALL]


def _of_shares(cells: list[float | None]) -> bool:
    return any(cell is not None for cell in cells[1:-1])


def _told(domain: str, synthetic: Collection[str]) -> str:
    return f"{domain} (synthetic)" if domain in synthetic else domain
