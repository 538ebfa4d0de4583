"""Rationale stage: requests a second through the pipeline against vLLM alone, same prompts, one run.

The prompts are the demo world's foresight prompts. The two ways take turns, the prefix cache is
emptied before each, and medians are compared.

    python -m benchmarks.rationales --out rationales.json
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from pulse_pipeline.domains import demo_registry
from pulse_pipeline.files import replacing
from pulse_pipeline.interactions import ingest
from pulse_pipeline.rationales.cuts import cut_points
from pulse_pipeline.rationales.generation import Writer
from pulse_pipeline.rationales.parsing import judge
from pulse_pipeline.rationales.prompts import UserPrompts
from pulse_pipeline.rationales.spec import RationaleSettings, RationaleSpec
from pulse_pipeline.rationales.store import AnswerStore
from resources.engines.in_process import VllmSession, sampling_params
from resources.language_model import LanguageModel

TARGET_RATIO = 0.9


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompts", type=int, default=256, help="prompts in each turn")
    parser.add_argument("--turns", type=int, default=3, help="turns of each way")
    parser.add_argument("--out", type=Path, help="write the figures as JSON here")
    arguments = parser.parse_args()
    figures = compare(arguments.prompts, arguments.turns)
    print(json.dumps(figures, indent=2))
    if arguments.out:
        with replacing(arguments.out) as aside:
            aside.write_text(json.dumps([figures], indent=2) + "\n")


def compare(count: int, turns: int) -> dict[str, Any]:
    """Requests a second both ways."""
    spec = RationaleSettings().spec("foresight")
    requests = demo_requests(spec).head(count)
    with LanguageModel().session() as session:
        llm = session.engine(spec.model)
        plain(llm, requests.head(8), spec)  # the first requests compile the grammar
        seconds: dict[str, list[float]] = {"plain": [], "pipeline": []}
        for _ in range(turns):
            llm.reset_prefix_cache()
            seconds["plain"].append(plain(llm, requests, spec))
            llm.reset_prefix_cache()
            seconds["pipeline"].append(pipeline(session, requests, spec))
    rates = {way: len(requests) / statistics.median(times) for way, times in seconds.items()}
    return {
        "claim": "the rationale stage keeps 90 % of vLLM's own requests/s",
        "prompts": len(requests),
        "plain_requests_per_second": rates["plain"],
        "pipeline_requests_per_second": rates["pipeline"],
        "ratio": rates["pipeline"] / rates["plain"],
        "target_ratio": TARGET_RATIO,
        "met": rates["pipeline"] >= TARGET_RATIO * rates["plain"],
        "seconds": seconds,
    }


def demo_requests(spec: RationaleSpec) -> pl.DataFrame:
    """Distinct prompts from the demo world."""
    frames = []
    for config in demo_registry().domains.values():
        raw = ingest.read_interactions(config).frame
        interactions = ingest.clean_interactions(raw, config.min_interactions).frame
        items = ingest.read_items(config, interactions).frame
        frames.append(build_requests(interactions, items, cut_points(interactions), spec))
    return pl.concat(frames).unique("key", maintain_order=True)


def plain(llm: Any, requests: pl.DataFrame, spec: RationaleSpec) -> float:
    """Seconds that vLLM's own chat call takes."""
    rows = list(requests.select("key", "system", "user").iter_rows())
    chats = [
        [{"role": "system", "content": system}, {"role": "user", "content": user}] for _, system, user in rows
    ]
    params = [sampling_params(spec, key) for key, _, _ in rows]
    started = time.perf_counter()
    llm.chat(chats, params, use_tqdm=False)
    return time.perf_counter() - started


def pipeline(session: VllmSession, requests: pl.DataFrame, spec: RationaleSpec) -> float:
    """Seconds that the stage takes, its shards on disk included."""
    with tempfile.TemporaryDirectory() as folder:
        writer = Writer(session, ShardStore(Path(folder), ANSWERS))
        started = time.perf_counter()
        writer.write(requests, spec, "benchmark")
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
