"""A small report with a row for every section."""

from dataclasses import replace

import numpy as np
import polars as pl

from pulse_pipeline.evaluation.bootstrap import Difference
from pulse_pipeline.evaluation.report.inputs import (
    ChallengeRow,
    DifferenceRow,
    DomainFacts,
    Recommended,
    ReportInputs,
    SampleUser,
    ThoughtMap,
)

HOSTILE = "<script>alert('x')</script><img src=//evil.example/a onerror=alert(1)>\"'&"
MIXES = {"films": ["films"], "books": ["books"], "all": ["films", "books"], "all-but-films": ["books"]}


def row(model: str, dataset: str, mix: str | None, value: float, **other: object) -> dict[str, object]:
    arm = "pulse" if model.startswith("PULSE") else "baseline"
    figure = {"arm": arm, "model": model, "dataset": dataset, "train_mix": mix, "protocol": "loo"}
    figure |= {"candidates": "full", "slice": "all", "metric": "NDCG", "k": 10, "value": value, "seed": 0}
    figure |= {"ci_low": value - 0.01, "ci_high": value + 0.01, "n_users": 77, "seconds": 0.77}
    return figure | {"p_value_vs_best_baseline": None} | other


def frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, infer_schema_length=None)


def full_ranking() -> list[dict[str, object]]:
    rows = [
        row("PULSE", "films", "films", 0.2),
        row("PULSE", "films", "all-but-films", 0.09),
        row("PULSE", "films", "books", 0.08),
        row("popularity", "films", "films", 0.05),
        row("text-kNN centred", "films", None, 0.1),
        row("PULSE", "books", "books", 0.03),
        row("popularity", "books", "books", 0.06),
    ]
    return rows + [one | {"metric": "HR", "value": float(str(one["value"])) * 2} for one in rows]


def others() -> list[dict[str, object]]:
    """Rows that fill the sections which are left out where they are not there."""
    return [
        row("PULSE", "films", "films", 0.9, slice="target:head"),
        row("PULSE", "films", "films", 0.8, k=20),
        row("PULSE", "films", "films", 0.7, candidates="20", metric="HR", k=1),
        row("popularity", "films", "films", 0.4, candidates="5", metric="HR", k=1),
        row("PULSE", "films", "films", 0.61, metric="Coverage", ci_low=None, ci_high=None),
        row("PULSE", "films", "all-but-films+10%", 0.11),
        row("PULSE, votes", "films", "books+films", 0.12, slice="arrivals:books"),
        row("PULSE, no rationales", "films", "films", 0.19),
        row("PULSE", "films", "films", 0.5, arm="ablation"),
    ]


def difference(against: str, value: float, low: float, high: float, **other: object) -> DifferenceRow:
    found = DifferenceRow("films", "loo", "PULSE", against, Difference(value, low, high, 0.07), users=50)
    return replace(found, **other)  # type: ignore[arg-type]


def report(**changes: object) -> ReportInputs:
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    labels = pl.DataFrame(
        {
            "domain": ["films"] * 20 + ["books"] * 20,
            "kind": ["item", "thought"] * 20,
            "taste": ["war, love", "tea"] * 20,
        }
    )
    full = ReportInputs(
        metrics=frame(full_ranking() + others()),
        domains=[
            DomainFacts("films", 100, 50, 900, synthetic=True, tokens_per_user=640.0),
            DomainFacts("books", 90, 40, 800, note=HOSTILE),
        ],
        mixes=MIXES,
        differences=[
            difference("PULSE, no rationales", 0.0123, -0.001, 0.02),
            difference("PULSE, shuffled rationales", 0.0456, 0.03, 0.06),
            difference("no attention", -0.02, -0.03, -0.01, retrained=True),
        ],
        explanations=frame([row("rationales", "films", None, 0.031, metric="hallucinated title", k=None)]),
        challenges=[
            ChallengeRow("Cold start", "Users with few items", "0.9", "#slices"),
            ChallengeRow("Privacy", "Nothing was measured", addressed=False),
        ],
        training=pl.DataFrame(
            {"mix": ["all", "all"], "epoch": [0, 1], "loss": [2.0, 1.0], "valid_ndcg": [None, 0.1]}
        ),
        thoughts=ThoughtMap(vectors, vectors[:, ::-1].copy(), labels),
        samples=[
            SampleUser(
                "films",
                HOSTILE,
                [HOSTILE],
                HOSTILE,
                [Recommended(HOSTILE, 0.5, hit=True)],
                "all-but-films",
                HOSTILE,
                3,
                49,
            )
        ],
        provenance={HOSTILE: HOSTILE},
    )
    return replace(full, **changes)  # type: ignore[arg-type]
