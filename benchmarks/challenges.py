"""docs/challenges.md: the challenges of the field, each with what was measured on real data.

Usage: python -m benchmarks.challenges
"""

import json
from pathlib import Path

import polars as pl

from pulse_pipeline.evaluation.challenges import page
from pulse_pipeline.files import replacing

DOCS = Path(__file__).parents[1] / "docs"


def text() -> str:
    """The page as it has to be."""
    return page(pl.DataFrame(json.loads((DOCS / "results.json").read_text()), infer_schema_length=None))


def main() -> None:
    with replacing(DOCS / "challenges.md") as aside:
        aside.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
