"""`make demo` as a newcomer runs it: in a fresh clone of the commit, set-up included, and once more.

python -m benchmarks.demo --out demo.json
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from pulse_pipeline.files import replacing

ROOT = Path(__file__).parents[1]
TARGETS = {"first": 600.0, "second": 240.0}
OURS = ("PULSE_", "DAGSTER_", "VIRTUAL_ENV", "PYTHONPATH")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="write the figures as JSON here")
    arguments = parser.parse_args()
    figures = measure()
    print(json.dumps(figures, indent=2))
    if arguments.out:
        with replacing(arguments.out) as aside:
            aside.write_text(json.dumps(figures, indent=2) + "\n")


def measure() -> list[dict[str, Any]]:
    """Seconds of the first and of the second run."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "pulse"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        return [_timed(clone, run, environment) for run in TARGETS]


def _timed(clone: Path, run: str, environment: dict[str, str]) -> dict[str, Any]:
    started = time.perf_counter()
    subprocess.run(["make", "demo"], cwd=clone, env=environment, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    return {
        "run": f"make demo, {run} run",
        "seconds": seconds,
        "target_seconds": TARGETS[run],
        "met": seconds < TARGETS[run],
    }


if __name__ == "__main__":
    main()
