"""The page: one HTML file that holds everything it shows and asks for nothing over a network."""

import base64
from pathlib import Path

import jinja2

from pulse_pipeline.evaluation.report import tables
from pulse_pipeline.evaluation.report.charts import Chart, heat_map, thought_map, to_svg, training_curve
from pulse_pipeline.evaluation.report.inputs import ReportInputs
from pulse_pipeline.files import replacing

HERE = Path(__file__).parent
TEMPLATE = "template.html.jinja"


def write_report(report: ReportInputs, path: Path) -> None:
    """Write the report as one self-contained HTML file.

    Args:
        report: What to show; sections without material are left out.
        path: Where to; replaced in one step.
    """
    with replacing(path) as aside:
        aside.write_text(render(report), encoding="utf-8")


def render(report: ReportInputs) -> str:
    """Make the page's HTML.

    Every text is escaped: titles, reviews and what a language model wrote are not to be trusted.
    Charts are images, so that no text in them can become part of the page.
    """
    protocols = tables.protocols(report)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _figure
    page = environment.get_template(TEMPLATE)
    return page.render(
        report=report,
        names=tables.PROTOCOLS,
        shown=tables.SHOWN,
        k=tables.K,
        protocols={name: tables.PROTOCOLS[name] for name in protocols},
        headlines={name: tables.headlines(report, name) for name in protocols},
        heat_maps={name: maps for name in protocols if (maps := _heat_maps(report, name))},
        curves=_curves(report),
        thought_map=_image(thought_map(report.thoughts)) if report.thoughts else None,
        synthetic={domain.name for domain in report.domains if domain.synthetic},
        zero_shot=tables.is_zero_shot,
    )


def _image(chart: Chart) -> str:
    encoded = base64.b64encode(to_svg(chart).encode()).decode()
    return f"data:image/svg+xml;base64,{encoded}"


def _heat_maps(report: ReportInputs, protocol: str) -> dict[str, str]:
    cells = tables.transfer_matrix(report, protocol)
    if cells.is_empty():
        return {}
    measured = set(cells["source"])
    sources = [mix for mix in report.mixes if mix in measured]
    sources += sorted(measured - set(sources))
    targets = [domain.name for domain in report.domains if domain.name in set(cells["target"])]
    return {
        value: _image(heat_map(cells, value, sources, targets))
        for value in ("ndcg", "ratio")
        if cells[value].is_not_null().any()
    }


def _curves(report: ReportInputs) -> dict[str, str]:
    titles = {"loss": "training loss", "valid_ndcg": "validation NDCG@10"}
    epochs = report.training
    if epochs is None or epochs.is_empty():
        return {}
    return {
        title: _image(training_curve(epochs, column, title))
        for column, title in titles.items()
        if epochs[column].is_not_null().any()
    }


def _figure(value: float, signed: bool = False) -> str:
    """Four places without the leading zero's clutter, a real minus sign, a plus where asked for."""
    text = f"{value:+.4f}" if signed else f"{value:.4f}"
    return text.replace("-", "\N{MINUS SIGN}")
