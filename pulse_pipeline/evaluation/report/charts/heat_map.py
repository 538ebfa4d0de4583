"""The heat map of transfer: source mix x target domain."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from pulse_pipeline.evaluation.report.charts.style import INK, PHONE, Chart, fitted, lines

CELL, ROW, LINE_HEIGHT = 88, 36, 14  # pixels
BESIDE = 230  # room for the names of mixes
CROWDED = 3  # more targets than this are narrow on a phone


def heat_map(
    cells: pl.DataFrame,
    value: str,
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    narrow: bool = False,
) -> Chart:
    """Draw source mix x target domain; zero-shot cells have a thick frame.

    Args:
        cells: `source`, `target`, `zero_shot` and the column `value`.
        value: ``ndcg``, coloured from low to high, or ``ratio``, coloured around 1.
        sources: Rows from top to bottom.
        targets: Columns from left to right.
        narrow: For a phone.

    Returns:
        The chart.
    """
    shown = cells.filter(pl.col(value).is_not_null())
    gaps = alt.Scale(paddingInner=0.1, paddingOuter=0.05)  # so that each frame stands by itself
    crowded = narrow and len(targets) > CROWDED
    above = alt.Axis(
        orient="top",
        # Straight labels are broken at the words of a name; where there is no room for that they stand up.
        labelAngle=-90 if crowded else 0,
        labelExpr="datum.label" if crowded else "split(datum.label, '_')",
        # Lines of a label are set downwards, from where a single one would stand.
        labelPadding=4 if crowded else 4 + LINE_HEIGHT * max(name.count("_") for name in targets),
        ticks=False,
        domain=False,
        labelLimit=130,
    )
    beside = alt.Axis(
        labelExpr=lines("replace(datum.label, 'all-but-', 'all but\\n')"),
        ticks=False,
        domain=False,
        labelLimit=130 if narrow else 220,
    )
    x = alt.X("target:N", sort=list(targets), title="target", scale=gaps, axis=above)
    y = alt.Y("source:N", sort=list(sources), title=None if narrow else "trained on", scale=gaps, axis=beside)
    base = alt.Chart(shown).encode(x=x, y=y)
    squares = base.mark_rect(cornerRadius=3).encode(color=_cell_colour(shown, value))
    frames = (
        base.transform_filter(alt.datum.zero_shot)
        .mark_rect(filled=False, stroke=INK, strokeWidth=2.5, cornerRadius=3)
        .encode()
    )
    figures = (
        base.transform_calculate(figure=_figure(value, crowded))
        .mark_text(fontSize=11 if crowded else 14)
        .encode(text="figure:N", color=_ink(shown, value))
    )
    return fitted(squares + frames + figures, narrow, ROW * len(sources), _width(len(targets)))


def _width(targets: int) -> int:
    return max(BESIDE + CELL * targets, PHONE)


def _figure(value: str, crowded: bool) -> str:
    if value == "ratio":
        return "format(datum.ratio, '.2f')" if not crowded else "format(datum.ratio, '.1f')"
    return "slice(format(datum.ndcg, '.3f'), 1)" if crowded else "format(datum.ndcg, '.3f')"


def _cell_colour(cells: pl.DataFrame, value: str) -> alt.Color:
    if value == "ndcg":
        return alt.Color("ndcg:Q", scale=alt.Scale(scheme="blues", domainMin=0), legend=None)
    far = _farthest(cells)
    # Half and double lie equally far from 1 on a log scale.
    scale = alt.Scale(scheme="purpleorange", type="log", domain=[1 / far, far], reverse=True, clamp=True)
    return alt.Color("ratio:Q", scale=scale, legend=None)


def _ink(cells: pl.DataFrame, value: str) -> Any:
    """White figures on dark cells; the same by day and by night, as the cells are."""
    if value == "ndcg":
        dark = alt.datum.ndcg > 0.55 * float(cells["ndcg"].max() or 0.0)  # type: ignore[arg-type]
    else:
        edge = _farthest(cells) ** 0.7
        dark = (alt.datum.ratio > edge) | (alt.datum.ratio < 1 / edge)
    return alt.condition(dark, alt.value("#ffffff"), alt.value("#111111"))


def _farthest(cells: pl.DataFrame) -> float:
    positive = cells.filter(pl.col("ratio") > 0)["ratio"]
    ends = [float(end) for end in (*positive.bottom_k(1), *positive.top_k(1))]
    return min(8.0, max([1.25, *ends, *(1 / end for end in ends)]))
