"""Charts of the report, as altair: one file a chart, what they share in `style`.

Each is drawn twice, for a desktop and for a phone, so that its words stay readable on both.
"""

from pulse_pipeline.evaluation.report.charts.curves import training_curve
from pulse_pipeline.evaluation.report.charts.forest import forest
from pulse_pipeline.evaluation.report.charts.heat_map import heat_map
from pulse_pipeline.evaluation.report.charts.quality_cost import quality_cost
from pulse_pipeline.evaluation.report.charts.slices import slice_plot
from pulse_pipeline.evaluation.report.charts.style import Chart, palette, to_png, to_svg
from pulse_pipeline.evaluation.report.charts.thought_map import Layout, layouts, thought_map

__all__ = [
    "Chart",
    "Layout",
    "forest",
    "heat_map",
    "layouts",
    "palette",
    "quality_cost",
    "slice_plot",
    "thought_map",
    "to_png",
    "to_svg",
    "training_curve",
]
