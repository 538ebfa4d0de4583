"""The course of a training: one line a mix."""

import altair as alt
import polars as pl

from pulse_pipeline.evaluation.report.charts.style import COLOURS, Chart, by_name, fitted

DASHES = [[1, 0], [6, 3], [2, 2]]


def training_curve(epochs: pl.DataFrame, column: str, title: str, *, narrow: bool = False) -> Chart:
    """Draw one line a training mix.

    Args:
        epochs: `mix`, `epoch` and `column`; rows where it is null are left out.
        column: ``loss`` or ``valid_ndcg``.
        title: Title of the vertical axis.
        narrow: For a phone.

    Returns:
        The chart.
    """
    shown = epochs.filter(pl.col(column).is_not_null())
    mixes = shown["mix"].unique(maintain_order=True).to_list()
    dashes = [DASHES[place // len(COLOURS) % len(DASHES)] for place in range(len(mixes))]
    chart = (
        alt.Chart(shown)
        .mark_line(point=alt.OverlayMarkDef(size=22), strokeWidth=2)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1, format="d", grid=False)),
            y=alt.Y(f"{column}:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
            color=by_name("mix", mixes, columns=1 if narrow else 2),
            strokeDash=alt.StrokeDash("mix:N", sort=mixes, scale=alt.Scale(domain=mixes, range=dashes)),
        )
    )
    return fitted(chart, narrow, 220 if narrow else 260)
