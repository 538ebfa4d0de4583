"""The sections of the page: what each shows, and whether there is anything to show."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import polars as pl

from pulse_pipeline.evaluation.report.charts.curves import training_curve
from pulse_pipeline.evaluation.report.charts.forest import forest
from pulse_pipeline.evaluation.report.charts.heat_map import heat_map
from pulse_pipeline.evaluation.report.charts.quality_cost import quality_cost
from pulse_pipeline.evaluation.report.charts.slices import slice_plot
from pulse_pipeline.evaluation.report.charts.style import Chart, palette, to_svg
from pulse_pipeline.evaluation.report.charts.thought_map import COLOURINGS, layouts, thought_map
from pulse_pipeline.evaluation.report.inputs import DifferenceRow, DomainFacts, ReportInputs
from pulse_pipeline.evaluation.report.pictures import Picture, address, picture
from pulse_pipeline.evaluation.report.views import (
    ablations,
    answer,
    beyond,
    costs,
    explanations,
    headline,
    newcomers,
    transfer,
)
from pulse_pipeline.evaluation.report.views import sampled as few
from pulse_pipeline.evaluation.report.views import slices as groups
from pulse_pipeline.evaluation.report.views.metrics import protocols

Material = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        name: Its anchor, and the name of its template.
        title: Its heading.
        material: What its template shows.
    """

    name: str
    title: str
    material: Material = field(repr=False)


def sections(report: ReportInputs) -> list[Section]:
    """The sections that there is material for, in the order to read them."""
    made = [Section(name, title, material(report)) for name, title, material in SECTIONS]
    return [section for section in made if any(section.material.values())]


def _answer(report: ReportInputs) -> Material:
    found = answer.verdicts(report)
    if not found:
        return {}
    return {
        "verdicts": found,
        "deciding": answer.deciding(found),
        "summary": answer.summary(found),
        "cases": answer.CASES,
    }


def _data(report: ReportInputs) -> Material:
    return {"domains": list(report.domains)}


def _models(report: ReportInputs) -> Material:
    names = [name for name in protocols(report) if headline.headlines(report, name)]
    return {
        "headlines": {name: headline.headlines(report, name) for name in names},
        "sampled": {name: choices for name in protocols(report) if (choices := few.sampled(report, name))},
        "beyond": {name: tables for name in names if (tables := beyond.beyond(report, name))},
    }


def _costs(report: ReportInputs) -> Material:
    return {"domains": [shown for domain in report.domains if (shown := _domain_costs(report, domain))]}


def _domain_costs(report: ReportInputs, domain: DomainFacts) -> Material:
    for protocol in protocols(report):
        points = costs.cost_points(report, protocol, domain)
        if points:
            break
    else:
        return {}
    pictures = [
        picture(partial(_quality_cost, points, currency), _cost_alt(currency, domain.name))
        for currency in costs.paid(points)
    ]
    shown = {"name": domain.name, "protocol": protocol, "points": points, "pictures": pictures}
    return shown if pictures else {}


def _quality_cost(points: list[costs.CostPoint], currency: costs.Currency, narrow: bool) -> Chart:
    return quality_cost(points, currency, narrow=narrow)


def _cost_alt(currency: str, domain: str) -> str:
    return f"Scatter plot of NDCG@10 over {currency} per user in {domain}; the figures are in the table below"


def _ablations(report: ReportInputs) -> Material:
    found = [one for protocol in protocols(report) for one in ablations.forests(report, protocol)]
    named = [(one, [(ablations.part(report, row), row) for row in one.rows]) for one in found]
    return {
        "forests": [
            (one, rows, picture(partial(_forest, rows), _forest_alt(one.dataset))) for one, rows in named
        ]
    }


def _forest(rows: list[tuple[str, DifferenceRow]], narrow: bool) -> Chart:
    return forest(rows, narrow=narrow)


def _forest_alt(dataset: str) -> str:
    return f"Forest plot of paired differences in NDCG@10 in {dataset}; the figures are in the table below"


def _slices(report: ReportInputs) -> Material:
    found = {protocol: groups.slices(report, protocol) for protocol in protocols(report)}
    return {
        "plots": {
            protocol: [(one, picture(partial(_slice_plot, one), _slice_alt(one))) for one in shown]
            for protocol, shown in found.items()
            if shown
        }
    }


def _slice_plot(one: groups.Slices, narrow: bool) -> Chart:
    return slice_plot(one, narrow=narrow)


def _slice_alt(one: groups.Slices) -> str:
    return f"Dot plot of NDCG@10 by group of users in {one.dataset}, for {', '.join(one.models)}"


def _transfer(report: ReportInputs) -> Material:
    maps = {name: shown for name in protocols(report) if (shown := heat_maps(report, name))}
    tables = {
        name: [*newcomers.few_shot(report, name), *newcomers.arrivals(report, name)]
        for name in protocols(report)
    }
    return {"maps": maps, "newcomers": {name: found for name, found in tables.items() if found}}


def heat_maps(report: ReportInputs, protocol: str) -> list[Picture]:
    """NDCG@10 of each source mix on each target, and its ratio to what item texts give unlearned."""
    cells = transfer.transfer_matrix(report, protocol)
    source, target = transfer.sources(report, cells), transfer.targets(report, cells)
    return [
        picture(
            partial(_heat_map, cells, value, source, target),
            f"Heat map by training mix and target domain: {caption}",
            caption,
        )
        for value, caption in transfer.CAPTIONS.items()
        if cells[value].is_not_null().any()
    ]


def _heat_map(cells: pl.DataFrame, value: str, source: list[str], target: list[str], narrow: bool) -> Chart:
    return heat_map(cells, value, source, target, narrow=narrow)


def _thoughts(report: ReportInputs) -> Material:
    if report.thoughts is None:
        return {}
    found = layouts(report.thoughts)
    colourings = []
    for by in COLOURINGS:
        title = f"Coloured by {by}"
        if by in report.thoughts.labels.columns:
            names = report.thoughts.labels[by].unique(maintain_order=True).to_list()
            maps = [
                (
                    one.title,
                    address(to_svg(thought_map(one, by, names))),
                    f"Map of the space {one.title}, {title.lower()}",
                )
                for one in found
            ]
            legend = list(zip(names, palette(len(names)), strict=True))
            colourings.append({"by": by, "title": title, "maps": maps, "legend": legend})
    return {"colourings": colourings}


def _explanations(report: ReportInputs) -> Material:
    return {
        "measures": explanations.measures(report),
        "domains": explanations.explanation_domains(report),
    }


def _challenges(report: ReportInputs) -> Material:
    return {"challenges": list(report.challenges)}


def _training(report: ReportInputs) -> Material:
    epochs = report.training
    titles = {"loss": "training loss", "valid_ndcg": "validation NDCG@10"}
    if epochs is None or epochs.is_empty():
        return {}
    return {
        "curves": [
            picture(
                partial(_curve, epochs, column, title),
                f"Line chart: {title} by epoch, one line a training mix",
            )
            for column, title in titles.items()
            if epochs[column].is_not_null().any()
        ]
    }


def _curve(epochs: pl.DataFrame, column: str, title: str, narrow: bool) -> Chart:
    return training_curve(epochs, column, title, narrow=narrow)


def _samples(report: ReportInputs) -> Material:
    return {"samples": list(report.samples)}


def _provenance(report: ReportInputs) -> Material:
    return {"provenance": dict(report.provenance)}


SECTIONS: tuple[tuple[str, str, Callable[[ReportInputs], Material]], ...] = (
    ("answer", "Do rationales help here?", _answer),
    ("models", "Which model finds the next item?", _models),
    ("costs", "Quality against cost", _costs),
    ("ablations", "What each part adds", _ablations),
    ("slices", "Who gains, who loses", _slices),
    ("transfer", "Transfer to other domains", _transfer),
    ("thoughts", "The Thought Space", _thoughts),
    ("explanations", "Are the explanations true?", _explanations),
    ("challenges", "Challenges of the field", _challenges),
    ("samples", "Some users", _samples),
    ("training", "Training", _training),
    ("data", "The data", _data),
    ("provenance", "Where this comes from", _provenance),
)
"""Anchor, heading and material of each section, in the order of the page."""
