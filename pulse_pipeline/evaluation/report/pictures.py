"""Charts as pictures of the page: each for a desktop and a phone, by day and by night."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from pulse_pipeline.evaluation.report.charts.style import Chart, in_the_dark, to_svg


@dataclass(frozen=True)
class Picture:
    """One chart as the page shows it; images, so that no text in them can become part of the page.

    Attributes:
        alt: What a reader who cannot see it is told.
        caption: What stands below it.
        wide: For a desktop, as data address.
        wide_dark: The same on a dark page.
        narrow: For a phone.
        narrow_dark: The same on a dark page.
    """

    alt: str
    caption: str
    wide: str = field(repr=False)
    wide_dark: str = field(repr=False)
    narrow: str = field(repr=False)
    narrow_dark: str = field(repr=False)


def picture(draw: Callable[[bool], Chart], alt: str, caption: str = "") -> Picture:
    """Draw a chart for every reader.

    Args:
        draw: Makes the chart; told whether it is for a phone.
        alt: What a reader who cannot see it is told.
        caption: What stands below it.
    """
    wide, narrow = to_svg(draw(False)), to_svg(draw(True))
    return Picture(
        alt,
        caption,
        wide=address(wide),
        wide_dark=address(in_the_dark(wide)),
        narrow=address(narrow),
        narrow_dark=address(in_the_dark(narrow)),
    )


def address(svg: str) -> str:
    """An image as an address that needs no file."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
