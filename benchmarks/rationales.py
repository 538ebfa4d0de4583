"""Rationale stage: requests a second through the pipeline, by vLLM alone and by transformers, in one run.

The prompts are the demo world's foresight prompts, the same for all. The pipeline and vLLM take turns, the
prefix cache is emptied before each, and medians are compared; transformers' `generate` runs once, in batches
of 128, without a grammar.

    python -m benchmarks.rationales --out rationales.json
"""

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from pulse_pipeline.domains import demo_registry
from pulse_pipeline.files import replacing
from pulse_pipeline.home import Home
from pulse_pipeline.interactions import ingest
from pulse_pipeline.rationales.assignments import Assignment, Desk, Domain
from pulse_pipeline.rationales.spec import RationaleSettings, RationaleSpec
from resources.engines.in_process import VllmSession, number_format, sampling_params
from resources.language_model import LanguageModel
from resources.weights import language_model_path

TARGET_RATIO = 0.95
TARGET_TIMES = 2.2
TRANSFORMERS_BATCH = 128
SETTINGS = RationaleSettings(max_attempts=1)  # asking again is work that the other ways do not have


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
    domain = demo_films()
    spec = SETTINGS.spec("foresight")
    prompts = rendered(domain, count)
    with LanguageModel().session() as session:
        assert isinstance(session, VllmSession)  # nothing else is measured here
        llm = session.engine(spec.model)
        plain(llm, prompts.head(8), spec)  # the first requests compile the grammar
        seconds: dict[str, list[float]] = {"plain": [], "pipeline": []}
        for _ in range(turns):
            llm.reset_prefix_cache()
            seconds["plain"].append(plain(llm, prompts, spec))
            llm.reset_prefix_cache()
            seconds["pipeline"].append(pipeline(session, domain, count))
    seconds["transformers"] = [by_transformers(prompts, spec)]
    rates = {way: len(prompts) / statistics.median(times) for way, times in seconds.items()}
    return {
        "claim": "the rationale stage keeps 95 % of vLLM's own requests/s",
        "prompts": len(prompts),
        "plain_requests_per_second": rates["plain"],
        "pipeline_requests_per_second": rates["pipeline"],
        "ratio": rates["pipeline"] / rates["plain"],
        "target_ratio": TARGET_RATIO,
        "met": rates["pipeline"] >= TARGET_RATIO * rates["plain"],
        "transformers_requests_per_second": rates["transformers"],
        "times_transformers": rates["pipeline"] / rates["transformers"],
        "target_times_transformers": TARGET_TIMES,
        "met_times": rates["pipeline"] >= TARGET_TIMES * rates["transformers"],
        "seconds": seconds,
    }


def demo_films() -> Domain:
    """The tables of the demo world's films."""
    config = demo_registry().domain("Demo_Films")
    interactions = ingest.clean_interactions(ingest.read_interactions(config).frame, 5).frame
    return Domain(config.name, interactions, ingest.read_items(config, interactions).frame)


def assignment(domain: Domain, count: int, cache: Path) -> Assignment:
    """The first foresight requests, of which nothing is written yet."""
    everything = Desk(SETTINGS, cache).about_users(domain)[0]
    return replace(everything, wanted=everything.wanted.head(count))


def rendered(domain: Domain, count: int) -> pl.DataFrame:
    """The distinct prompts of `assignment`."""
    asked = assignment(domain, count, Path())
    return asked.writer.render(asked.wanted).unique("key", maintain_order=True)


def plain(llm: Any, prompts: pl.DataFrame, spec: RationaleSpec) -> float:
    """Seconds that vLLM's own chat call takes."""
    chats = [
        [{"role": "system", "content": system}, {"role": "user", "content": user}]
        for system, user in prompts.select("system", "user").iter_rows()
    ]
    params = [sampling_params(spec, seed) for seed in range(len(chats))]
    started = time.perf_counter()
    llm.chat(chats, params, use_tqdm=False)
    return time.perf_counter() - started


def by_transformers(prompts: pl.DataFrame, spec: RationaleSpec) -> float:
    """Seconds that `generate` takes for the same prompts, loading excluded."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = language_model_path(spec.model, Home.from_environment())
    tokenizer = AutoTokenizer.from_pretrained(path, padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    dtype = torch.bfloat16 if number_format(torch.cuda.is_available()) == "bfloat16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(path, dtype=dtype).eval()
    chats = [
        [{"role": "system", "content": system}, {"role": "user", "content": user}]
        for system, user in prompts.select("system", "user").iter_rows()
    ]
    started = time.perf_counter()
    for start in range(0, len(chats), TRANSFORMERS_BATCH):
        inputs = tokenizer.apply_chat_template(
            chats[start : start + TRANSFORMERS_BATCH],
            add_generation_prompt=True,
            padding=True,
            return_tensors="pt",
            return_dict=True,
        )
        with torch.inference_mode():
            model.generate(
                **inputs,
                max_new_tokens=spec.sampling.max_tokens,
                do_sample=True,
                temperature=spec.sampling.temperature,
                top_p=spec.sampling.top_p,
            )
    return time.perf_counter() - started


def pipeline(session: VllmSession, domain: Domain, count: int) -> float:
    """Seconds that the stage takes: tables in, rationales checked and kept on disk."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        assignment(domain, count, Path(folder)).write(session)
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
