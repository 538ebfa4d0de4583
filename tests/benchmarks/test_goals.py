"""A goal is called reached by its figure, and beyond chance by its interval."""

import polars as pl
import pytest

from benchmarks import goals
from pulse_pipeline.schemas import Metrics


def figure(model, value, *, dataset, mix=None, arm="pulse", metric="NDCG"):
    row = {
        "arm": arm,
        "model": model,
        "dataset": dataset,
        "train_mix": mix,
        "protocol": "loo",
        "candidates": "full",
        "slice": "all",
        "metric": metric,
        "k": 10,
        "value": value,
        "ci_low": value - 0.01,
        "ci_high": value + 0.01,
        "n_users": 100,
        "seed": 0,
        "git_sha": "a",
    }
    return pl.DataFrame([row], schema=Metrics.create_empty().schema)


def model(name, value, **about):
    return [figure(name, value, metric=metric, **about) for metric in ("NDCG", "HR")]


@pytest.mark.parametrize(
    ("value", "low", "said"),
    [(0.2, 0.1, "reached, beyond chance"), (0.1, 0.05, "reached"), (0.09, 0.2, "missed")],
)
def test_a_goal_is_reached_by_the_figure(value, low, said):
    assert goals.verdict(0.1, value, min(low, value)) == said


def test_each_goal_that_was_measured_has_a_line():
    figures = pl.concat(
        [
            *model("PULSE", 0.13, dataset="ML-100K", mix="ML-100K"),
            *model("PULSE", 0.13, dataset="Office_Products", mix="Office_Products"),
            *model("PULSE", 0.5, dataset="Office_Products", mix="all"),
            *model("EASE", 0.1, dataset="Office_Products", mix="Office_Products", arm="baseline"),
            *model("popularity", 0.05, dataset="Office_Products", mix="Office_Products", arm="baseline"),
            *model("text-kNN centred", 0.04, dataset="Office_Products", arm="baseline"),
            *model("PULSE", 0.05, dataset="Office_Products", mix="all-but-Office_Products"),
            *model("PULSE", 0.03, dataset="Office_Products", mix="ML-100K"),
            *model("PULSE", 0.01, dataset="Office_Products", mix="all-but-ML-100K"),
        ]
    )
    about = {"experiment": "arrivals", "sources": "Beauty", "target": "Toys"}
    rows = [
        about | {"model": "popularity", "ndcg@10": 0.01, "interval": [0.0, 0.02]},
        about | {"model": "PULSE", "ndcg@10": 0.019, "interval": [0.015, 0.022]},
    ]
    abroad = {"experiment": "zero-shot", "sources": "Beauty", "target": "ML100K", "interval": [0.0, 0.1]}
    rows += [
        abroad | {"model": "PULSE", "ndcg@10": 0.03},
        abroad | {"model": "text-kNN centred", "ndcg@10": 0.02},
    ]
    lines = goals.section(figures, rows).splitlines()
    assert "| ML-100K | 0.1250 | 0.1300 | 0.1200 to 0.1400 | reached |" in lines
    assert (
        "| Office_Products | 0.1100 (1.1 x EASE) | 0.1300 | 0.1200 to 0.1400 | reached, beyond chance |"
        in lines
    )
    assert (
        "| Beauty to Toys, first item | 0.0200 (2 x popularity) | 0.0190 | 0.0150 to 0.0220 | missed |"
        in lines
    )
    # Two cells are zero-shot: one from all others, one from another domain alone.
    floor = "no less than text-kNN centred"
    assert (
        f"| 2 zero-shot cells of four shops | {floor} | -0.0100 at the least (Office_Products) | | missed |"
        in lines
    )
    assert f"| 1 zero-shot cells of all sets | {floor} | +0.0100 at the least (ML100K) | | reached |" in lines
    assert len([line for line in lines if line.startswith("| ")]) == 7
