"""Rationales at scale without a model: what a run with nothing to do costs, and what memory grows by.

Generated users with five reviewed items each, for whom the asset `rationales` writes what it writes for
everyone: two foresights and a hindsight. From its input tables to its own, a session answering at once. Each
measurement is a process of its own.

    python -m benchmarks.resume --out resume.json
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import psutil

from pulse_pipeline.files import replacing
from pulse_pipeline.rationales.assignments import Desk, Domain
from pulse_pipeline.rationales.engine import Completion, Prompt
from pulse_pipeline.rationales.spec import RationaleSettings, RationaleSpec
from pulse_pipeline.rationales.tables import rationales_table

SIZES = (10_000, 100_000)
N_ITEMS, LENGTH = 2_000, 5
A_USER = 3  # rationales
TARGET_SECONDS = 3.0
ANSWER = json.dumps({"rationale": "They look for sturdy things that are easy to clean and last for years"})


class AtOnce:
    """A session that answers every prompt with the same text."""

    load_seconds = 0.0

    def generate(self, prompts: Iterable[Prompt], spec: RationaleSpec) -> Iterator[Completion]:
        """Answer as prompts come."""
        for prompt in prompts:
            yield Completion(prompt.key, ANSWER, 200, 20, 0, True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="write the figures as JSON here")
    parser.add_argument("--measure", nargs=2, metavar=("RATIONALES", "FOLDER"), help="one measurement")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(int(arguments.measure[0]), Path(arguments.measure[1]))))
        return
    figures = [figure for size in SIZES for figure in both(size)]
    print(json.dumps(figures, indent=2))
    if arguments.out:
        with replacing(arguments.out) as aside:
            aside.write_text(json.dumps(figures, indent=2) + "\n")


def both(size: int) -> list[dict[str, Any]]:
    """A first run, and a second one that finds everything written."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.resume", "--measure", str(size), folder]
        runs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    first, second = (json.loads(run) for run in runs)
    return [
        {"run": "first", **first},
        {
            "run": "resumed",
            **second,
            "target_seconds": TARGET_SECONDS,
            "met": second["seconds"] < TARGET_SECONDS,
        },
    ]


def measure(size: int, folder: Path) -> dict[str, Any]:
    """Write, or find written, about so many rationales."""
    domain = Domain("generated", interactions(size // A_USER), items())
    before = psutil.Process().memory_info().rss
    started = time.perf_counter()
    assignments = Desk(RationaleSettings(), folder).about_users(domain)
    written = [assignment.write(AtOnce()) for assignment in assignments]
    table = pl.concat(
        rationales_table(one.rows, assignment.writer.spec)
        for assignment, one in zip(assignments, written, strict=True)
    )
    seconds = time.perf_counter() - started
    after = psutil.Process().memory_info()
    return {
        "rationales": len(table),
        "generated": sum(one.ledger.generated for one in written),
        "seconds": seconds,
        "rationales_per_second": len(table) / seconds,
        "inputs_mb": before / 1e6,
        "table_mb": table.estimated_size() / 1e6,
        "peak_mb": peak_bytes() / 1e6,
        "after_mb": after.rss / 1e6,
    }


def peak_bytes() -> int:
    """Most memory that this process has held at once."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def items() -> pl.DataFrame:
    """A catalogue with titles."""
    titles = [f"Item number {n} of the generated shop" for n in range(N_ITEMS)]
    return pl.DataFrame({"item_id": [f"i{n}" for n in range(N_ITEMS)], "title": titles, "text": titles})


def interactions(users: int) -> pl.DataFrame:
    """Reviewed items, by a fixed rule."""
    row = pl.int_range(users * LENGTH, eager=True)
    user, position = row // LENGTH, row % LENGTH
    item = (user * 7919 + position * 104_729) % N_ITEMS
    return pl.DataFrame({"user": user, "position": position.cast(pl.Int32), "item": item}).select(
        pl.format("u{}", "user").alias("user_id"),
        "position",
        pl.format("i{}", "item").alias("item_id"),
        rating=pl.lit(4.0, pl.Float32),
        timestamp=1_400_000_000 + pl.col("position").cast(pl.Int64),
        review_title=pl.format("Review {} of {}", "position", "user"),
        review_text=pl.format("Bought by {} for the kitchen, works well and is easy to clean", "user"),
        split_loo=pl.when(pl.col("position") < LENGTH - 2).then(pl.lit("train")).otherwise(pl.lit("test")),
        split_temporal=pl.lit(None, pl.String),
    )


if __name__ == "__main__":
    main()
