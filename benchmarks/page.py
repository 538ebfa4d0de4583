"""docs/benchmarks.md from docs/benchmarks.json: the page holds no figure of its own."""

import json
from pathlib import Path
from typing import Any

from pulse_pipeline.files import replacing

HEADER = """\
# Benchmarks

Generated from `benchmarks.json`, which `make bench` writes. Shared machines are noisy: compare what was
measured side by side in one run. Not measured on a GPU.
"""


def write_page(results: Path) -> None:
    """Render every benchmark's figures as a table."""
    sections = [HEADER, *(_section(name, result) for name, result in json.loads(results.read_text()).items())]
    with replacing(results.with_suffix(".md")) as aside:
        aside.write_text("\n".join(sections), encoding="utf-8")


def _section(name: str, result: dict[str, Any]) -> str:
    figures = result["figures"]
    # Parts of one benchmark measure different things.
    shown = dict.fromkeys(
        key for row in figures for key, value in row.items() if not isinstance(value, dict | list)
    )
    lines = [
        f"## {name}",
        "",
        f"{result['machine']}; {result['measured_at']}, commit {result['git_sha']}.",
        "",
        "| " + " | ".join(shown) + " |",
        "|" + " --- |" * len(shown),
        *("| " + " | ".join(_cell(row.get(key)) for key in shown) + " |" for row in figures),
        "",
    ]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return "" if value is None else str(value)
