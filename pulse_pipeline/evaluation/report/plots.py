"""The page's plots by themselves, one picture each, for Dagster and MLflow."""

from collections.abc import Iterable
from typing import cast

import altair as alt

from pulse_pipeline.evaluation.report.charts import (
    Chart,
    forest,
    heat_map,
    layouts,
    quality_cost,
    slice_plot,
    thought_map,
    to_png,
)
from pulse_pipeline.evaluation.report.charts.thought_map import COLOURINGS
from pulse_pipeline.evaluation.report.inputs import ReportInputs
from pulse_pipeline.evaluation.report.views import ablations, costs, slices, transfer
from pulse_pipeline.evaluation.report.views.metrics import protocols

Titled = tuple[str, Chart]


def plots(report: ReportInputs) -> dict[str, bytes]:
    """Draw what there is, under each protocol; a plot without material is left out.

    Args:
        report: What the page shows.

    Returns:
        PNG pictures by name: `thought_space_domain` and `thought_space_taste`, and `transfer`, `forest`,
        `quality_cost` and `slices` with the protocol's name behind: `slices_temporal`.
    """
    charts = _maps(report)
    for protocol in protocols(report):
        charts |= {
            f"transfer_{protocol}": _transfer(report, protocol),
            f"forest_{protocol}": _forests(report, protocol),
            f"quality_cost_{protocol}": _costs(report, protocol),
            f"slices_{protocol}": [(one.dataset, slice_plot(one)) for one in slices.slices(report, protocol)],
        }
    synthetic = {domain.name for domain in report.domains if domain.synthetic}
    return {name: to_png(_stacked(made, synthetic)) for name, made in charts.items() if made}


def _transfer(report: ReportInputs, protocol: str) -> list[Titled]:
    cells = transfer.transfer_matrix(report, protocol)
    sources, targets = transfer.sources(report, cells), transfer.targets(report, cells)
    return [
        (caption, heat_map(cells, value, sources, targets))
        for value, caption in transfer.CAPTIONS.items()
        if cells[value].is_not_null().any()
    ]


def _forests(report: ReportInputs, protocol: str) -> list[Titled]:
    return [
        (one.dataset, forest([(ablations.part(report, row), row) for row in one.rows]))
        for one in ablations.forests(report, protocol)
    ]


def _costs(report: ReportInputs, protocol: str) -> list[Titled]:
    priced = [(domain.name, costs.cost_points(report, protocol, domain)) for domain in report.domains]
    return [
        (name, quality_cost(points, currency)) for name, points in priced for currency in costs.paid(points)
    ]


def _maps(report: ReportInputs) -> dict[str, list[Titled]]:
    if report.thoughts is None:
        return {}
    labels, laid_out = report.thoughts.labels, layouts(report.thoughts)
    return {
        f"thought_space_{by}": [
            (one.title, thought_map(one, by, labels[by].unique(maintain_order=True).to_list(), legend=True))
            for one in laid_out
        ]
        for by in COLOURINGS
        if by in labels.columns
    }


def _stacked(charts: Iterable[Titled], synthetic: set[str]) -> Chart:
    """One below the other; what was generated says so in the picture itself."""
    titled = [
        _unfitted(chart).properties(title=f"{title} (synthetic)" if title in synthetic else title)
        for title, chart in charts
    ]
    stacked: alt.VConcatChart = alt.vconcat(*titled)
    return cast("Chart", stacked.resolve_scale(color="independent", shape="independent"))


def _unfitted(chart: Chart) -> Chart:
    """A chart among others cannot be fitted to a width with its labels."""
    copy: Chart = chart.copy()
    copy.autosize = alt.Undefined
    return copy
