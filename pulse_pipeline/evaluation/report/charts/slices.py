"""A dot plot of groups of users: one row a group, one dot a model."""

import altair as alt
import polars as pl

from pulse_pipeline.evaluation.report.charts.style import COLOURS, OURS, Chart, fitted, named_rows
from pulse_pipeline.evaluation.report.views.slices import Slices, spoken

STEP = 13  # pixels a dot
SHAPES = ["circle", "square", "triangle-up"]


def slice_plot(slices: Slices, *, narrow: bool = False) -> Chart:
    """Draw NDCG@10 of each model in each group of users.

    Args:
        slices: The groups of one domain.
        narrow: For a phone.

    Returns:
        The chart.
    """
    names = slices.rows["slice"].unique(maintain_order=True).to_list()
    users = dict(slices.rows.select("slice", "n_users").iter_rows())
    labels = {name: f"{spoken(name)}\n{users[name]:,} users" for name in names}
    table = slices.rows.select(
        "model", "value", "ci_low", "ci_high", label=pl.col("slice").replace_strict(labels)
    )
    colours = alt.Scale(domain=slices.models, range=[OURS, COLOURS[1], COLOURS[2]][: len(slices.models)])
    legend = alt.Legend(title=None, orient="top", columns=1 if narrow else 3)
    base = alt.Chart(table).encode(
        y=alt.Y(
            "label:N",
            sort=list(labels.values()),
            title=None,
            scale=alt.Scale(paddingInner=0.35),
            axis=named_rows(list(labels.values()), 220, grid=True, offset=6),
        ),
        yOffset=alt.YOffset("model:N", sort=slices.models),
        color=alt.Color("model:N", sort=slices.models, scale=colours, legend=legend),
    )
    axis = alt.Axis(format=".3~f", tickCount=4 if narrow else 6)
    whiskers = base.mark_rule(strokeWidth=2, opacity=0.6).encode(
        x=alt.X("ci_low:Q", title="NDCG@10", axis=axis), x2="ci_high:Q"
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x="value:Q",
        shape=alt.Shape(
            "model:N", sort=slices.models, scale=alt.Scale(domain=slices.models, range=SHAPES), legend=legend
        ),
    )
    return fitted(whiskers + points, narrow, (STEP * len(slices.models) + 8) * len(names))
