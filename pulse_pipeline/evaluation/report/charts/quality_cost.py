"""Quality against cost: one point a model, cost on a log scale."""

import math
from collections.abc import Sequence
from typing import cast

import altair as alt
import polars as pl

from pulse_pipeline.evaluation.report.charts.places import place
from pulse_pipeline.evaluation.report.charts.style import INK, LINE, OURS, PHONE, SOFT, Chart
from pulse_pipeline.evaluation.report.views.costs import CostPoint, Currency, unbeaten

TITLES: dict[Currency, str] = {
    "tokens": "tokens per user, read and written (log)",
    "milliseconds": "milliseconds to rank one user (log)",
}
WIDE, NARROW, HEIGHT = 430, PHONE - 60, 270  # pixels of the plot, without its axes
LETTERS = 12


def quality_cost(points: Sequence[CostPoint], currency: Currency, *, narrow: bool = False) -> Chart:
    """Draw NDCG@10 over cost; a line joins the models that no other equals at less cost.

    Args:
        points: The models of one domain.
        currency: What is paid; a model that costs nothing stands at ``none``.
        narrow: For a phone, where fewer labels find room.

    Returns:
        The chart.
    """
    priced = [point for point in points if getattr(point, currency) is not None]
    costs = [float(getattr(point, currency)) for point in priced]
    scale = _Scale(costs, [point.ndcg for point in priced], NARROW if narrow else WIDE)
    front = unbeaten(list(points), currency)
    # Ours, the best and the front are named before the others take their room.
    order = sorted(
        range(len(priced)),
        key=lambda i: (not priced[i].ours, not priced[i].best_baseline, priced[i].model not in front),
    )
    pixels = [scale.pixels(costs[i], priced[i].ndcg) for i in order]
    placed = place(pixels, [priced[i].model for i in order], LETTERS, scale.width, HEIGHT)
    table = pl.DataFrame(
        [
            {
                "model": priced[i].model,
                "cost": scale.shown(costs[i]),
                "ndcg": priced[i].ndcg,
                "kind": _kind(priced[i]),
                "front": priced[i].model in front,
                **scale.back(where),
            }
            for i, where in zip(order, placed, strict=True)
        ],
        schema_overrides={"label_x": pl.Float64, "label_y": pl.Float64},
    )
    return _drawn(table, scale, currency, narrow)


def _drawn(table: pl.DataFrame, scale: "_Scale", currency: Currency, narrow: bool) -> Chart:
    x_axis = alt.Axis(
        values=scale.ticks(4 if narrow else 6),
        labelExpr=f"datum.value < {scale.least} ? 'none' : format(datum.value, ',.1~r')",
        grid=False,
    )
    x = alt.X("cost:Q", title=TITLES[currency], axis=x_axis, scale=scale.across())
    y = alt.Y("ndcg:Q", title="NDCG@10", scale=scale.up(), axis=alt.Axis(tickCount=5, format=".3~f"))
    kinds = ["PULSE", "best baseline", "baseline"]
    colour = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=[OURS, INK, SOFT]))
    base = alt.Chart(table)
    steps = (
        base.transform_filter(alt.datum.front)
        .mark_line(interpolate="step-after", color=LINE, strokeWidth=2)
        .encode(x=x, y=y)
    )
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=x,
        y=y,
        color=colour,
        shape=alt.Shape(
            "kind:N", legend=None, scale=alt.Scale(domain=kinds, range=["diamond", "square", "circle"])
        ),
    )
    names = (
        base.transform_filter("isValid(datum.label_x)")
        .mark_text(align="left", baseline="middle", fontSize=LETTERS)
        .encode(
            x=alt.X("label_x:Q", scale=scale.across(), axis=x_axis),
            y="label_y:Q",
            text="model:N",
            color=colour,
        )
    )
    chart: alt.LayerChart = steps + dots + names
    return cast("Chart", chart.properties(width=scale.width, height=HEIGHT))


def _kind(point: CostPoint) -> str:
    if point.ours:
        return "PULSE"
    return "best baseline" if point.best_baseline else "baseline"


class _Scale:
    """A log scale of costs with a place for nothing, a linear one of figures, in pixels and back."""

    def __init__(self, costs: Sequence[float], figures: Sequence[float], width: float) -> None:
        paid = [cost for cost in costs if cost > 0] or [1.0]
        self.width = width
        self.least = min(paid) / 2.5
        self._nothing = self.least / 4
        self._low = self._nothing / 1.6 if min(costs) == 0 else self.least
        self._high = max(paid) * 2.5
        self._top = max(figures) * 1.1 or 1.0

    def shown(self, cost: float) -> float:
        """The cost, or the place of nothing."""
        return cost if cost > 0 else self._nothing

    def ticks(self, most: int) -> list[float]:
        """Round costs, and nothing's place if anything is there."""
        first, last = math.floor(math.log10(self.least)), math.floor(math.log10(self._high))
        steps = (1, 2, 5) if last - first < 2 else (1,)
        round_ones = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        inside = [tick for tick in round_ones if self.least <= tick <= self._high]
        ticks = inside[:: max(1, math.ceil(len(inside) / most))]
        return [self._nothing, *ticks] if self._low < self._nothing else ticks

    def pixels(self, cost: float, figure: float) -> tuple[float, float]:
        """Where a point lies."""
        share = math.log(self.shown(cost) / self._low) / math.log(self._high / self._low)
        return share * self.width, (1 - figure / self._top) * HEIGHT

    def back(self, where: tuple[float, float] | None) -> dict[str, float | None]:
        """From pixels to data, for a mark that is to be drawn there."""
        if where is None:
            return {"label_x": None, "label_y": None}
        x = self._low * (self._high / self._low) ** (where[0] / self.width)
        return {"label_x": x, "label_y": (1 - where[1] / HEIGHT) * self._top}

    def across(self) -> alt.Scale:
        """The scale of costs."""
        return alt.Scale(type="log", domain=[self._low, self._high], nice=False)

    def up(self) -> alt.Scale:
        """The scale of figures."""
        return alt.Scale(domain=[0, self._top], nice=False)
