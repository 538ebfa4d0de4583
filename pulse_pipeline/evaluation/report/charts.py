"""Charts of the report, as altair; turned into pictures without a browser and without a network."""

from collections.abc import Sequence
from typing import Any, cast

import altair as alt
import polars as pl
import vl_convert

from pulse_pipeline.evaluation.report.inputs import ThoughtMap
from pulse_pipeline.evaluation.report.projection import Method, project, subsample

Chart = alt.Chart | alt.LayerChart

# Okabe & Ito's colours, which people with any kind of colour vision can tell apart.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#666666"]
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
CELL = 62  # pixels
PNG_SCALE = 2.0


def heat_map(cells: pl.DataFrame, value: str, sources: Sequence[str], targets: Sequence[str]) -> Chart:
    """Draw source mix x target domain; zero-shot cells have a thick frame.

    Args:
        cells: `source`, `target`, `zero_shot` and the column `value`.
        value: ``ndcg``, coloured from low to high, or ``ratio``, coloured around 1.
        sources: Rows from top to bottom.
        targets: Columns from left to right.

    Returns:
        The chart.
    """
    shown = cells.filter(pl.col(value).is_not_null())
    gaps = alt.Scale(paddingInner=0.08, paddingOuter=0.04)  # so that each frame stands by itself
    above = alt.Axis(orient="top", labelAngle=-30, ticks=False, domain=False)
    beside = alt.Axis(ticks=False, domain=False)
    x = alt.X("target:N", sort=list(targets), title="target", scale=gaps, axis=above)
    y = alt.Y("source:N", sort=list(sources), title="trained on", scale=gaps, axis=beside)
    base = alt.Chart(shown).encode(x=x, y=y)
    squares = base.mark_rect().encode(color=_cell_colour(shown, value))
    frames = (
        base.transform_filter(alt.datum.zero_shot)
        .mark_rect(filled=False, stroke="#111111", strokeWidth=2.5)
        .encode()
    )
    text_format = ".3f" if value == "ndcg" else ".2f"
    figures = base.mark_text(fontSize=14).encode(
        text=alt.Text(f"{value}:Q", format=text_format), color=_ink(shown, value)
    )
    return _sized(squares + frames + figures, CELL * len(targets), CELL * 0.6 * len(sources))


def training_curve(epochs: pl.DataFrame, column: str, title: str) -> Chart:
    """Draw one line a training mix.

    Args:
        epochs: `mix`, `epoch` and `column`; rows where it is null are left out.
        column: ``loss`` or ``valid_ndcg``.
        title: Title of the vertical axis.

    Returns:
        The chart.
    """
    shown = epochs.filter(pl.col(column).is_not_null())
    mixes = shown["mix"].unique(maintain_order=True).to_list()
    dashes = [[1, 0], [6, 3], [2, 2]]
    chart = (
        alt.Chart(shown)
        .mark_line(point=alt.OverlayMarkDef(size=22), strokeWidth=2)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y(f"{column}:Q", title=title, scale=alt.Scale(zero=False)),
            color=_by_domain("mix", mixes),
            strokeDash=alt.StrokeDash(
                "mix:N",
                sort=mixes,
                scale=alt.Scale(
                    domain=mixes, range=[dashes[i // len(COLOURS) % 3] for i in range(len(mixes))]
                ),
            ),
        )
    )
    return _sized(chart, 430, 260)


def thought_map(thoughts: ThoughtMap, method: Method = "tsne", seed: int = 0) -> Chart:
    """Draw items and users' thoughts in the plane, coloured by domain.

    Args:
        thoughts: The vectors and what each of them is.
        method: How they are laid out.
        seed: Seed of the choice of points and of the layout.

    Returns:
        The chart.
    """
    groups = thoughts.labels.select(pl.concat_str("domain", "kind", separator=" "))["domain"].to_list()
    kept = subsample(groups, seed=seed)
    plane = project(thoughts.vectors[kept], method, seed)
    points = thoughts.labels[kept].select("domain", "kind").with_columns(x=plane[:, 0], y=plane[:, 1])
    domains = thoughts.labels["domain"].unique(maintain_order=True).to_list()
    hidden = alt.Axis(labels=False, ticks=False, domain=False, grid=False, title=None)
    chart = (
        alt.Chart(points)
        .mark_point(filled=True, opacity=0.6, size=36)
        .encode(
            x=alt.X("x:Q", axis=hidden, scale=alt.Scale(zero=False)),
            y=alt.Y("y:Q", axis=hidden, scale=alt.Scale(zero=False)),
            color=_by_domain("domain", domains),
            shape=alt.Shape(
                "kind:N",
                scale=alt.Scale(domain=["item", "thought"], range=["circle", "triangle-up"]),
                legend=alt.Legend(title=None, orient="top", columns=1),
            ),
        )
    )
    return _sized(chart, 640, 460)


def to_svg(chart: Chart) -> str:
    """Draw a chart as SVG."""
    return vl_convert.vegalite_to_svg(_spec(chart))


def to_png(chart: Chart) -> bytes:
    """Draw a chart as PNG, twice its size for sharp screens."""
    return vl_convert.vegalite_to_png(_spec(chart), scale=PNG_SCALE)


def _spec(chart: Chart) -> dict[str, Any]:
    with alt.data_transformers.enable("default", max_rows=None):
        return chart.to_dict()


def _sized(chart: Chart, width: float, height: float) -> Chart:
    sized = chart.properties(width=width, height=height)
    styled = sized.configure(font=FONT, background="#ffffff").configure_view(stroke=None)
    labels = styled.configure_axis(labelFontSize=12, titleFontSize=12, labelLimit=220)
    return cast("Chart", labels.configure_legend(labelFontSize=12, titleFontSize=12, labelLimit=220))


def _by_domain(column: str, names: Sequence[str]) -> alt.Color:
    colours = [COLOURS[place % len(COLOURS)] for place in range(len(names))]
    return alt.Color(
        f"{column}:N",
        sort=list(names),
        scale=alt.Scale(domain=list(names), range=colours),
        legend=alt.Legend(title=None, orient="top", columns=2, columnPadding=40),
    )


def _cell_colour(cells: pl.DataFrame, value: str) -> alt.Color:
    if value == "ndcg":
        return alt.Color("ndcg:Q", scale=alt.Scale(scheme="blues", domainMin=0), legend=None)
    far = _farthest(cells)
    # Half and double lie equally far from 1 on a log scale.
    scale = alt.Scale(scheme="purpleorange", type="log", domain=[1 / far, far], reverse=True, clamp=True)
    return alt.Color("ratio:Q", scale=scale, legend=None)


def _ink(cells: pl.DataFrame, value: str) -> Any:
    """White figures on dark cells."""
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
