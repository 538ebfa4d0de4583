"""How charts look, and how they become pictures without a browser and without a network.

A chart names its inks by the tokens below; in the dark they are exchanged in the finished SVG.
"""

import re
from collections.abc import Sequence
from typing import Any

import altair as alt
import vl_convert

Chart = alt.Chart | alt.LayerChart | alt.VConcatChart | alt.HConcatChart

# Okabe & Ito's colours, which people with any kind of colour vision can tell apart.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#666666"]

INK, SOFT, LINE, OURS = "#1b1f24", "#57606a", "#d8dee5", "#0b5cad"
PAPER = "#ffffff"
DARK = {INK: "#e6e9ed", SOFT: "#a3adb8", LINE: "#3a424c", OURS: "#7db8f5"}
"""What each ink is in the dark."""

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
PHONE = 340
"""Width of a chart on a phone, in pixels."""
DESK = 500
"""Width of a chart on a desktop: two fit side by side."""
PNG_SCALE = 1.0
LETTER = 7.2
"""Width of a letter of a label in a wide font, in pixels."""

_ATTRIBUTE = re.compile(r' (transform|d|x|y|x1|x2|y1|y2|width|height)="([^"<>]*)"')
_FRACTION = re.compile(r"(\.\d\d)\d+")


def to_svg(chart: Chart) -> str:
    """Draw a chart as SVG on nothing; what stands behind it shows through."""
    drawn: str = vl_convert.vegalite_to_svg(_spec(chart, "transparent"))
    # Hundredths of a pixel are more than an eye sees, and half of the bytes.
    return _ATTRIBUTE.sub(_rounded, drawn)


def in_the_dark(svg: str) -> str:
    """The same picture in inks for a dark page."""
    for light, dark in DARK.items():
        svg = svg.replace(f'"{light}"', f'"{dark}"')
    return svg


def to_png(chart: Chart) -> bytes:
    """Draw a chart as PNG on white, small enough to be kept as metadata."""
    drawn: bytes = vl_convert.vegalite_to_png(_spec(chart, PAPER), scale=PNG_SCALE)
    return drawn


def width(narrow: bool) -> int:
    """Width of the whole chart in pixels."""
    return PHONE if narrow else DESK


def fitted(chart: alt.Chart | alt.LayerChart, narrow: bool, height: float, wide: int = DESK) -> Chart:
    """Give a chart its size: the width with its labels, the height of the plot alone."""
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    return chart.properties(width=PHONE if narrow else wide, height=height, autosize=fit)


def by_name(column: str, names: Sequence[str], columns: int = 2) -> alt.Color:
    """One colour a name, in the order given."""
    return alt.Color(
        f"{column}:N",
        sort=list(names),
        scale=alt.Scale(domain=list(names), range=palette(len(names))),
        legend=alt.Legend(title=None, orient="top", columns=columns, columnPadding=16),
    )


def palette(n: int) -> list[str]:
    """The first n colours; they begin again where there are not enough."""
    return [COLOURS[place % len(COLOURS)] for place in range(n)]


def named_rows(labels: Sequence[str], limit: int, *, grid: bool = False, offset: int = 0) -> alt.Axis:
    """The axis of rows that have names, a line break in a name where it holds one.

    The font on a page may be wider than the one that room is measured with, so room is kept for it.

    Args:
        labels: The names.
        limit: Most pixels of a name.
        grid: Whether a line is drawn through each row.
        offset: Pixels between the names and the plot.
    """
    longest = max((len(line) for label in labels for line in label.split("\n")), default=0)
    return alt.Axis(
        labelExpr=lines("datum.label"),
        ticks=False,
        domain=False,
        grid=grid,
        offset=offset,
        labelLimit=limit,
        minExtent=min(limit, LETTER * longest),
    )


def lines(axis: str) -> str:
    """Vega expression that breaks an axis label where the data hold a line break."""
    return f"split({axis}, '\\n')"


def _rounded(attribute: re.Match[str]) -> str:
    figures = _FRACTION.sub(r"\1", attribute[2])
    return f' {attribute[1]}="{figures}"'


def _spec(chart: Chart, background: str) -> dict[str, Any]:
    with alt.data_transformers.enable("default", max_rows=None):
        spec: dict[str, Any] = chart.to_dict()
    return {**spec, "background": background, "config": _CONFIG}


_CONFIG: dict[str, Any] = {
    "aria": False,  # what is in the picture is said by its text beside it
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "labelColor": INK,
        "titleColor": SOFT,
        "titleFontWeight": "normal",
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
        "labelLimit": 220,
    },
    "legend": {"labelFontSize": 12, "labelColor": INK, "labelLimit": 200, "symbolStrokeWidth": 2},
    "title": {"color": INK, "fontSize": 14, "anchor": "start"},
    "header": {"labelColor": INK, "titleColor": SOFT},
}
