"""Ingest speed: Gift_Cards reviews scaled to millions, from the raw file to the clean table.

Users and items are relabelled in every copy of the 5-core set, review texts are kept. Each
measurement runs in a process of its own: read, contract, deduplicate, 5-core, split, write
(Parquet, zstd). The same steps in pandas stand beside it.

    python benchmarks/ingest.py --sizes 1000000 5000000 --out ingest.json
"""

import argparse
import gzip
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulse_pipeline.files import replacing

DOMAIN = "Gift_Cards"
MIN_INTERACTIONS = 5
TARGET_REVIEWS_PER_SECOND = 400_000
LINEAR = 1.15  # power of the number of rows; caches and sorting cost a little more than linear
TARGET_PEAK_GB = 4.0
ENGINES = ("pulse", "pandas")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000_000, 5_000_000], help="reviews")
    parser.add_argument("--pandas-up-to", type=int, default=5_000_000, help="largest size tried in pandas")
    parser.add_argument("--plain", action="store_true", help="measure uncompressed .json too")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, the fastest counts")
    parser.add_argument("--out", type=Path, help="write the figures as JSON here")
    parser.add_argument("--measure", nargs=2, metavar=("ENGINE", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        engine, file = arguments.measure
        print(json.dumps(measure(engine, Path(file))))
        return
    with tempfile.TemporaryDirectory(prefix="pulse-ingest-") as folder:
        figures = compare(arguments, Path(folder))
    report(figures)
    if arguments.out:
        with replacing(arguments.out) as aside:
            aside.write_text(json.dumps(figures, indent=2) + "\n")


def compare(arguments: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    figures = []
    for n_reviews in arguments.sizes:
        for suffix in (".json.gz", ".json") if arguments.plain else (".json.gz",):
            file = folder / f"{DOMAIN}_{n_reviews}{suffix}"
            n_bytes = scale(n_reviews, file)
            for engine in ENGINES:
                if engine == "pandas" and n_reviews > arguments.pandas_up_to:
                    continue
                runs = [in_new_process(engine, file) for _ in range(arguments.repeats)]
                best = min(runs, key=lambda run: float(run["seconds"]))
                rate = n_reviews / best["seconds"]
                about = {"benchmark": "ingest", "engine": engine, "reviews": n_reviews, "file": suffix}
                figures.append({**about, "json_bytes": n_bytes, "reviews_per_second": rate, **best})
                print(json.dumps(figures[-1]), file=sys.stderr)
            file.unlink()
    for engine in ENGINES:
        own = [row for row in figures if row["engine"] == engine]
        for row in own:
            row["growth_power"] = _growth(own)
    return figures


def scale(n_reviews: int, file: Path) -> int:
    """Write `n_reviews` reviews in the upstream format; return how many bytes of JSON they are."""
    data = Path(__file__).parents[1] / os.environ.get("PULSE_TEST_DATA", "../shared/data")
    source = data / "amazon-2018" / "raw" / f"{DOMAIN}_5.json.gz"
    if not source.exists():
        sys.exit(f"error: {source} is not there; set PULSE_TEST_DATA to the folder of the real data")
    parts = [cut_at_ids(line) for line in gzip.decompress(source.read_bytes()).splitlines()]
    written = n_bytes = copy = 0
    # Fast compression keeps the writing short; reading back costs the same at every level.
    with gzip.open(file, "wb", compresslevel=1) if file.suffix == ".gz" else file.open("wb") as out:
        while written < n_reviews:
            label = b"_%d" % copy
            some = parts[: n_reviews - written]
            block = b"".join([before + label + between + label + after for before, between, after in some])
            out.write(block)
            n_bytes += len(block)
            written += len(some)
            copy += 1
    return n_bytes


def cut_at_ids(line: bytes) -> tuple[bytes, bytes, bytes]:
    """Part a review after the user's and after the item's id, so that a label can be put there."""
    review = json.loads(line)
    ends = []
    for key in ("reviewerID", "asin"):
        field = f'"{key}": "{review[key]}'.encode()
        ends.append(line.index(field) + len(field))
    return line[: ends[0]], line[ends[0] : ends[1]], line[ends[1] :] + b"\n"


def in_new_process(engine: str, file: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", engine, str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def measure(engine: str, file: Path) -> dict[str, Any]:
    run: Callable[[Path, Path], dict[str, Any]] = run_pulse() if engine == "pulse" else run_pandas()
    out = file.with_name("interactions.parquet")
    started, cpu_started = time.perf_counter(), time.process_time()
    figures = run(file, out)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    written = out.stat().st_size
    out.unlink()
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_gb": peak_gb,
        "parquet_bytes": written,
        **figures,
    }


class Steps:
    """Seconds of each step."""

    def __init__(self) -> None:
        """Start the clock."""
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def done(self, step: str) -> None:
        """Name the step that has just ended."""
        now = time.perf_counter()
        self.seconds[step] = now - self._last
        self._last = now


def run_pulse() -> Callable[[Path, Path], dict[str, Any]]:
    # Imports are no part of the measurement.
    from pulse_pipeline.domains import DomainConfig
    from pulse_pipeline.interactions import ingest
    from pulse_pipeline.interactions.sources import amazon_2018  # noqa: F401

    def run(file: Path, out: Path) -> dict[str, Any]:
        steps = Steps()
        config = DomainConfig(name=DOMAIN, source="amazon-2018", interactions=file)
        read = ingest.read_interactions(config)
        steps.done("read, contract")
        cleaned = ingest.clean_interactions(read.frame, MIN_INTERACTIONS, DOMAIN)
        steps.done("deduplicate, k-core, split")
        with replacing(out) as aside:
            cleaned.frame.write_parquet(aside, compression="zstd")
        steps.done("write")
        return {"steps": steps.seconds, "rows_out": cleaned.counts["rows_out"]}

    return run


def run_pandas() -> Callable[[Path, Path], dict[str, Any]]:
    import pandas as pd

    def run(file: Path, out: Path) -> dict[str, Any]:
        steps = Steps()
        columns = ["reviewerID", "asin", "overall", "unixReviewTime", "summary", "reviewText"]
        frame = pd.read_json(file, lines=True)[columns]
        steps.done("read")
        ids_filled = frame["reviewerID"].str.len().gt(0) & frame["asin"].str.len().gt(0)
        valid = ids_filled & frame["overall"].between(0, 10) & frame["unixReviewTime"].ge(788_918_400)
        frame = frame[valid].drop_duplicates()
        steps.done("contract, exact duplicates")
        frame = frame.sort_values(["reviewerID", "unixReviewTime"], kind="stable")
        frame = frame.drop_duplicates(["reviewerID", "asin"])
        while True:
            of_user = frame.groupby("reviewerID")["asin"].transform("size")
            of_item = frame.groupby("asin")["reviewerID"].transform("size")
            enough = (of_user >= MIN_INTERACTIONS) & (of_item >= MIN_INTERACTIONS)
            if enough.all():
                break
            frame = frame[enough]
        steps.done("repeated pairs, k-core")
        position = frame.groupby("reviewerID").cumcount()
        left = frame.groupby("reviewerID")["asin"].transform("size") - position
        loo = left.clip(upper=3).map({1: "test", 2: "valid", 3: "train"})
        cuts = frame["unixReviewTime"].quantile([0.8, 0.9], interpolation="lower")
        temporal = pd.cut(
            frame["unixReviewTime"], [-1, *cuts, float("inf")], labels=["train", "valid", "test"]
        )
        frame = frame.assign(position=position, split_loo=loo.astype("category"), split_temporal=temporal)
        steps.done("split")
        frame.to_parquet(out, compression="zstd", index=False)
        steps.done("write")
        return {"steps": steps.seconds, "rows_out": len(frame)}

    return run


def report(figures: list[dict[str, Any]]) -> None:
    print(
        f"{'engine':8}{'file':10}{'reviews':>12}{'seconds':>9}{'reviews/s':>12}{'peak GB':>9}{'rows out':>12}"
    )
    for row in figures:
        print(
            f"{row['engine']:8}{row['file']:10}{row['reviews']:>12,}{row['seconds']:>9.2f}"
            f"{row['reviews_per_second']:>12,.0f}{row['peak_gb']:>9.2f}{row['rows_out']:>12,}"
        )
    largest = max((row for row in figures if row["engine"] == "pulse"), key=lambda row: int(row["reviews"]))
    fast = largest["reviews_per_second"] >= TARGET_REVIEWS_PER_SECOND
    small = largest["peak_gb"] < TARGET_PEAK_GB
    print(f"target {TARGET_REVIEWS_PER_SECOND:,} reviews/s: {'met' if fast else 'missed'}")
    print(f"target peak under {TARGET_PEAK_GB} GB: {'met' if small else 'missed'}")
    growth = largest["growth_power"]
    print(f"growth of time with rows, 1 is linear: {growth:.2f}, {'met' if growth < LINEAR else 'missed'}")


def _growth(rows: list[dict[str, Any]]) -> float:
    """The power of the number of rows that time grows with, from the smallest run to the largest."""
    small, large = (pick(rows, key=lambda row: int(row["reviews"])) for pick in (min, max))
    if small["reviews"] == large["reviews"]:
        return 0.0
    return math.log(large["seconds"] / small["seconds"]) / math.log(large["reviews"] / small["reviews"])


if __name__ == "__main__":
    main()
