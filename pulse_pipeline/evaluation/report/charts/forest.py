"""The forest plot: paired differences with their intervals around a line at zero."""

from collections.abc import Sequence

import altair as alt
import polars as pl

from pulse_pipeline.evaluation.report.charts.style import INK, OURS, SOFT, Chart, fitted, lines
from pulse_pipeline.evaluation.report.inputs import DifferenceRow

ROW, SPARE = 42, 28  # pixels


def forest(rows: Sequence[tuple[str, DifferenceRow]], *, narrow: bool = False) -> Chart:
    """Draw one line a difference, in the order given.

    Args:
        rows: What each is called, and the difference.
        narrow: For a phone.

    Returns:
        The chart; differences whose interval holds zero are hollow and grey.
    """
    table = pl.DataFrame(
        [
            {
                "label": "\n".join([*said[:-1], f"{said[-1]}, {figure(row.difference.value)}"]),
                "value": row.difference.value,
                "low": row.difference.low,
                "high": row.difference.high,
                "sure": row.difference.low > 0 or row.difference.high < 0,
            }
            for said, row in ((name.split(", "), row) for name, row in rows)
        ]
    )
    order = table["label"].to_list()
    sure = alt.condition(alt.datum.sure, alt.value(OURS), alt.value(SOFT))
    zero = alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=INK, strokeDash=[4, 3]).encode(x="zero:Q")
    base = alt.Chart(table).encode(
        y=alt.Y(
            "label:N",
            sort=order,
            title=None,
            axis=alt.Axis(
                labelExpr=lines("datum.label"), ticks=False, domain=False, labelLimit=170 if narrow else 230
            ),
        )
    )
    axis = alt.Axis(format="+.3~f", tickCount=4 if narrow else 6, labelOverlap=True)
    whiskers = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X("low:Q", title="difference in NDCG@10", axis=axis), x2="high:Q", color=sure
    )
    points = base.mark_point(size=90, filled=True, opacity=1).encode(x="value:Q", color=sure)
    chart = fitted(zero + whiskers + points, narrow, ROW * len(order))
    # Where the font is another than the one measured with, long names need more room than was kept.
    return chart.properties(padding={"left": SPARE, "right": 5, "top": 5, "bottom": 5})


def figure(value: float) -> str:
    """Four places, always signed, with a real minus sign."""
    return f"{value:+.4f}".replace("-", "\N{MINUS SIGN}")
