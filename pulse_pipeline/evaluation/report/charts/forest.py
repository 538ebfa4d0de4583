"""The forest plot: paired differences with their intervals around a line at zero."""

from collections.abc import Sequence

import altair as alt
import polars as pl

from pulse_pipeline.evaluation.report.charts.style import (
    INK,
    LETTER,
    OURS,
    SOFT,
    Chart,
    fitted,
    named_rows,
)
from pulse_pipeline.evaluation.report.inputs import DifferenceRow

ROW = 42  # pixels


def forest(rows: Sequence[tuple[str, DifferenceRow]], *, narrow: bool = False) -> Chart:
    """Draw one line a difference, in the order given.

    Args:
        rows: What each is called, and the difference.
        narrow: For a phone.

    Returns:
        The chart; differences whose interval holds zero are hollow and grey.
    """
    limit = 200 if narrow else 230
    table = pl.DataFrame(
        [
            {
                "label": _label(name, row.difference.value, int(limit / LETTER)),
                "value": row.difference.value,
                "low": row.difference.low,
                "high": row.difference.high,
                "sure": row.difference.low > 0 or row.difference.high < 0,
            }
            for name, row in rows
        ]
    )
    order = table["label"].to_list()
    sure = alt.condition(alt.datum.sure, alt.value(OURS), alt.value(SOFT))
    zero = alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=INK, strokeDash=[4, 3]).encode(x="zero:Q")
    names = named_rows(order, limit)
    base = alt.Chart(table).encode(y=alt.Y("label:N", sort=order, title=None, axis=names))
    axis = alt.Axis(format="+.3~f", tickCount=3 if narrow else 4, labelOverlap=True)
    whiskers = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X("low:Q", title="difference in NDCG@10", axis=axis), x2="high:Q", color=sure
    )
    points = base.mark_point(size=90, filled=True, opacity=1).encode(x="value:Q", color=sure)
    return fitted(zero + whiskers + points, narrow, ROW * len(order))


def figure(value: float) -> str:
    """Four places, always signed, with a real minus sign."""
    return f"{value:+.4f}".replace("-", "\N{MINUS SIGN}")


def _label(name: str, value: float, letters: int) -> str:
    """A name, a line each part, and its figure: behind the last part if the line has room for it."""
    *before, last = name.split(", ")
    together = f"{last}, {figure(value)}"
    return "\n".join([*before, *([together] if len(together) <= letters else [last, figure(value)])])
