"""The page: one HTML file that holds everything it shows and asks for nothing over a network."""

from pathlib import Path

import jinja2

from pulse_pipeline.evaluation.report.inputs import ReportInputs
from pulse_pipeline.evaluation.report.sections import sections
from pulse_pipeline.evaluation.report.views.ablations import part
from pulse_pipeline.evaluation.report.views.beyond import MEANINGS
from pulse_pipeline.evaluation.report.views.headline import SHOWN
from pulse_pipeline.evaluation.report.views.metrics import PROTOCOLS, K, corrected, is_baseline, is_zero_shot
from pulse_pipeline.files import replacing

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "page.html.jinja"


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
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _figure
    environment.globals.update(
        report=report,
        protocols=PROTOCOLS,
        shown=SHOWN,
        k=K,
        synthetic={domain.name for domain in report.domains if domain.synthetic},
        n_baselines=report.metrics.filter(is_baseline())["model"].n_unique(),
        zero_shot=is_zero_shot,
        meanings=MEANINGS,
        holm=corrected(report.metrics),
        part=part,
    )
    return environment.get_template(TEMPLATE).render(sections=sections(report))


def _figure(value: float, signed: bool = False) -> str:
    """Four places, a real minus sign, a plus where asked for."""
    text = f"{value:+.4f}" if signed else f"{value:.4f}"
    return text.replace("-", "\N{MINUS SIGN}")
