"""The goals that were set for the Thought Space, and what was measured: a section of docs/results.md."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from pulse_pipeline.commands.results import at_ten
from pulse_pipeline.domains import ALL, ALL_BUT
from pulse_pipeline.evaluation.in_domain import BASELINE, MODEL

FIXED = {"ML-100K": 0.125, "Beauty": 0.062, "Toys": 0.067}
"""NDCG@10 to reach, leave-one-out: above what is published, or gets there untrained."""

OVER_THE_BEST = {"Office_Products": 1.1, "Industrial_and_Scientific": 1.1}
"""How many times the best baseline."""

ZERO_SHOT = ("Office+Industrial", "Games", 0.035)
ARRIVING = ("Beauty", "Toys", 2.0)
FLOOR = "text-kNN centred"
"""What zero-shot figures must not fall below on any target."""

HEADER = """
## Goals

Set beforehand; NDCG@10 of test users, leave-one-out. *Reached* is said of the figure, *beyond chance* where
its whole interval lies at or above the goal; a goal that is a multiple of another model's figure is taken as
if that were exact. The best baseline is the best of those in the set's table, untuned as ours is: of neural
ones SASRec stands there alone, and no other that was run on the shops leads ([in-domain](transfer.md)). The
file of Toys is sorted by item id, which is easier than time: its line says nothing against the published
figures that its goal is made of. Three lines are from [what was tried](transfer.md), of drawn users: 6,000
of `Games`, zero-shot, others than the goal was set on; 818 people of `Beauty to Toys` without a history in
the target, by the votes of those who came before them: there popularity among these, which asks for nothing
else of a person, reaches as much by first items, and the text of what they have elsewhere is fitted to weigh
nothing. The last two lines hold zero-shot figures against those of centred text-kNN on the same users: the
least difference of all cells, of one to three of four shops to another and of the last table of what was
tried. What stays at home of all that is learned was decided by one look at test items of `Games`. Of three
seeds are ML-100K, Office_Products and Industrial_and_Scientific, the others of one. The rationales that were
trained with are SmolLM2-135M's and are served nowhere; nor are a 1.5B model's ([writers](writers.md)).

| set | goal | PULSE | interval | |
| --- | --- | --- | --- | --- |
"""


def section(figures: pl.DataFrame, transfer: list[dict[str, Any]]) -> str:
    """One line a goal.

    Args:
        figures: Rows of the `metrics` schema.
        transfer: Rows of docs/transfer.json.
    """
    measured = [
        f"| {name} | {said} | {value:.4f} | {low:.4f} to {high:.4f} | {verdict(goal, value, low)} |"
        for name, said, goal, value, low, high in [*_in_domain(figures), *_transfer(transfer)]
    ]
    cells = (("four shops", _over_floor(figures)), ("all sets", _tried_over_floor(transfer)))
    over_floor = [_floor_line(where, gains) for where, gains in cells if gains]
    return HEADER + "\n".join([*measured, *over_floor]) + "\n"


def verdict(goal: float, value: float, low: float) -> str:
    """Whether a figure reaches a goal, and whether chance may have had a part in it."""
    if low >= goal:
        return "reached, beyond chance"
    return "reached" if value >= goal else "missed"


_Line = tuple[str, str, float, float, float, float]


def _in_domain(figures: pl.DataFrame) -> Iterator[_Line]:
    for name in (*FIXED, *OVER_THE_BEST):
        found = at_ten(figures).filter(dataset=name, protocol="loo")
        own = found.filter(model=MODEL, train_mix=name)
        if own.is_empty():
            continue
        measured = own.select("NDCG", "NDCG_low", "NDCG_high").row(0)
        if name in FIXED:
            yield name, f"{FIXED[name]:.4f}", FIXED[name], *measured
        else:
            best = found.filter(arm=BASELINE).row(0, named=True)
            goal = OVER_THE_BEST[name] * best["NDCG"]
            yield name, f"{goal:.4f} ({OVER_THE_BEST[name]} x {best['model']})", goal, *measured


def _transfer(rows: list[dict[str, Any]]) -> Iterator[_Line]:
    sources, target, goal = ZERO_SHOT
    for row in _ours(rows, "zero-shot", sources, target):
        yield f"{sources} to {target}", f"{goal:.4f}", goal, row["ndcg@10"], *row["interval"]
    source, target, times = ARRIVING
    for experiment, of in (("arrivals", "first item"), ("arrivals, drawn item", "drawn item")):
        about = {"experiment": experiment, "sources": source, "target": target, "model": "popularity"}
        for row in _ours(rows, experiment, source, target):
            popular = next(one["ndcg@10"] for one in rows if about.items() <= one.items())
            goal = times * popular
            name, said = f"{source} to {target}, {of}", f"{goal:.4f} ({times:g} x popularity)"
            yield name, said, goal, row["ndcg@10"], *row["interval"]


def _ours(rows: list[dict[str, Any]], experiment: str, sources: str, target: str) -> Iterator[dict[str, Any]]:
    about = {"experiment": experiment, "sources": sources, "target": target, "model": MODEL}
    return (row for row in rows if about.items() <= row.items())


def _floor_line(where: str, gains: list[tuple[float, str]]) -> str:
    least, target = min(gains)
    reached = "reached" if least >= 0 else "missed"
    cells = f"{len(gains)} zero-shot cells of {where}"
    return f"| {cells} | no less than {FLOOR} | {least:+.4f} at the least ({target}) | | {reached} |"


def _over_floor(figures: pl.DataFrame) -> list[tuple[float, str]]:
    """What each zero-shot cell has more than the floor, leave-one-out, and its target."""
    found = at_ten(figures).filter(protocol="loo")
    own, all_but = pl.col("dataset"), pl.lit(ALL_BUT)
    abroad = (pl.col("train_mix") == all_but + own) | (
        (pl.col("train_mix") != own)
        & (pl.col("train_mix") != ALL)
        & ~pl.col("train_mix").str.starts_with(ALL_BUT)
    )
    floor = found.filter(model=FLOOR).select("dataset", floor="NDCG")
    cells = found.filter(abroad, model=MODEL).join(floor, on="dataset")
    return list(cells.select(pl.col("NDCG") - pl.col("floor"), "dataset").iter_rows())


def _tried_over_floor(rows: list[dict[str, Any]]) -> list[tuple[float, str]]:
    """The same of docs/transfer.json."""
    cells = [row for row in rows if row["experiment"] == "zero-shot"]
    floor = {(row["sources"], row["target"]): row["ndcg@10"] for row in cells if row["model"] == FLOOR}
    ours = [row for row in cells if row["model"] == MODEL]
    return [(row["ndcg@10"] - floor[row["sources"], row["target"]], row["target"]) for row in ours]
