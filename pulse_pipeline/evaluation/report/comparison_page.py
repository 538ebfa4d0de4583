"""The page that holds one run against another: self-contained, as the report is."""

from itertools import groupby
from pathlib import Path

import jinja2

from pulse_pipeline.evaluation.comparison import Comparison
from pulse_pipeline.files import replacing

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "comparison.html.jinja"


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write a comparison as one self-contained HTML file.

    Args:
        comparison: What to show.
        path: Where to; replaced in one step.
    """
    with replacing(path) as aside:
        aside.write_text(render_comparison(comparison), encoding="utf-8")


def render_comparison(comparison: Comparison) -> str:
    """Make the page's HTML; every text in it is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _figure
    ordered = sorted(comparison.deltas, key=lambda delta: (delta.dataset, delta.protocol))
    groups = {
        name: list(deltas) for name, deltas in groupby(ordered, lambda delta: (delta.dataset, delta.protocol))
    }
    return environment.get_template(TEMPLATE).render(comparison=comparison, groups=groups)


def _figure(value: float, signed: bool = False) -> str:
    text = f"{value:+.4f}" if signed else f"{value:.4f}"
    return text.replace("-", "\N{MINUS SIGN}")
