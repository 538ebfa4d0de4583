"""``python -m benchmarks [name]``: run all benchmarks, or one, and rewrite docs/benchmarks.{json,md}."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.page import write_page
from pulse_pipeline.files import replacing
from pulse_pipeline.provenance import git_sha

HERE = Path(__file__).parent
RESULTS = HERE.parent / "docs" / "benchmarks.json"
NAMES = (
    "baselines",
    "demo",
    "evaluation",
    "ingest",
    "kills",
    "neighbours",
    "rationales",
    "refinement",
    "resume",
    "thought_space",
)


def main() -> None:
    wanted = sys.argv[1:] or list(NAMES)
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown:
        sys.exit(f"error: no benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    for name in wanted:
        _keep(name, _run(name))
    write_page(RESULTS)


def _run(name: str) -> list[dict[str, object]]:
    out = HERE.parent / f".{name}.json"
    try:
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", "--out", str(out)], check=True)
        return list(json.loads(out.read_text()))
    finally:
        out.unlink(missing_ok=True)


def _keep(name: str, figures: list[dict[str, object]]) -> None:
    """Write each benchmark's result as soon as it is there."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[name] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_sha": git_sha(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, no GPU used",
        "figures": figures,
    }
    with replacing(RESULTS) as aside:
        aside.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
