"""Maps of the Thought Space: items and users' thoughts in the plane, before and after training."""

from dataclasses import dataclass

import altair as alt
import polars as pl

from pulse_pipeline.evaluation.report.charts.style import Chart, palette
from pulse_pipeline.evaluation.report.inputs import ThoughtMap
from pulse_pipeline.evaluation.report.projection import Method, aligned, project, subsample

SIDE = 400  # pixels
COLOURINGS = ("domain", "taste")  # columns of the labels
KINDS = {"item": "circle", "thought": "triangle-up"}


@dataclass(frozen=True)
class Layout:
    """Points in the plane.

    Attributes:
        title: Which space they lie in.
        points: `x`, `y`, `kind`, `domain` and, where it is known, `taste`.
    """

    title: str
    points: pl.DataFrame


def layouts(thoughts: ThoughtMap, method: Method = "tsne", seed: int = 0) -> list[Layout]:
    """Lay the same points out in each space, by one method and one seed.

    The trained map is turned and mirrored until it lies on the untrained one as well as it can: neither
    changes a distance, and a point is found again.

    Args:
        thoughts: The vectors and what each of them is.
        method: How they are laid out.
        seed: Seed of the choice of points and of the layouts.

    Returns:
        Before training, where that is known, and after.
    """
    groups = thoughts.labels.select(pl.concat_str("domain", "kind", separator=" "))["domain"].to_list()
    kept = subsample(groups, seed=seed)
    labels = thoughts.labels[kept]
    after = project(thoughts.trained[kept], method, seed)
    found = []
    if thoughts.untrained is not None:
        before = project(thoughts.untrained[kept], method, seed)
        after = aligned(after, before)
        found.append(Layout("before training", labels.with_columns(x=before[:, 0], y=before[:, 1])))
    return [*found, Layout("after training", labels.with_columns(x=after[:, 0], y=after[:, 1]))]


def thought_map(layout: Layout, by: str, names: list[str], *, legend: bool = False) -> Chart:
    """Draw one layout.

    Args:
        layout: The points.
        by: The column that colours them.
        names: Its values, in the order of the colours.
        legend: Whether the picture explains itself; else the page around it does.

    Returns:
        The chart; without a legend there is no word in it, so it can be shown at any size.
    """
    key = alt.Legend(title=None, orient="bottom", columns=2) if legend else None
    colours = alt.Scale(domain=names, range=palette(len(names)))
    shapes = alt.Scale(domain=list(KINDS), range=list(KINDS.values()))
    chart: alt.Chart = (
        alt.Chart(layout.points)
        .mark_point(filled=True, opacity=0.65, size=30)
        .encode(
            x=alt.X("x:Q", axis=None, scale=alt.Scale(zero=False)),
            y=alt.Y("y:Q", axis=None, scale=alt.Scale(zero=False)),
            color=alt.Color(f"{by}:N", sort=names, scale=colours, legend=key),
            shape=alt.Shape("kind:N", scale=shapes, legend=key),
        )
        .properties(width=SIDE, height=SIDE * 0.8)
    )
    return chart.properties(title=layout.title) if legend else chart
