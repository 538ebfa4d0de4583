"""docs/benchmarks.md from docs/benchmarks.json: the page holds no figure of its own."""

import json
from pathlib import Path
from typing import Any

from pulse_pipeline.files import replacing

HEADER = """\
# Benchmarks

Generated from `benchmarks.json`, which `make bench` writes, a section at a time. Rows with another machine,
day, commit or budget beside them were added to a section from runs of the same command, and go when it is
run again; `training` needs `--rectools`. Shared machines are noisy: compare what was measured side by side
in one run. Not measured on a GPU.
"""

NOTES = {
    "thought_space": (
        "Ranking 100,000 users over 100,000 items is a product of 7.7 TFLOP: where two cores do less than",
        "130 GFLOP/s, it takes more than the minute that is the goal, whatever stands around it. Cores of",
        "Zen 4 do 171 in float32 and 409 in bfloat16. Where a CPU has instructions for that, the product is",
        "one of rounded vectors: of each user forty items are kept by it and scored in full, and whoever",
        "could miss one of the ten by its error is scored in full throughout. That was nobody of up to 4,096",
        "users each on Beauty, Toys and ML-100K (untrained) or Office and Industrial (trained), at home or",
        "abroad. An item twice as long as the rest would leave 6 % of users in doubt, five times as long all",
        "(30,000 random items); trained ones were 1.4 times as long as the median at most, and those of the",
        "benchmark are as unlike.",
        "",
        "Cores of AVX2 alone have no such instructions (8 GFLOP/s a core in bfloat16, 45 in float32).",
        "The catalogue is measured once, before it (4 s). Piece by piece, 1,024 users are held against",
        "8,192 items at a time, which a cache holds and which is nearer to a square; before, 83 users",
        "against all, which MKL multiplies at 49 GFLOP/s on AMD cores (Zen 3) where it does 70 to 98 in",
        "pieces. Numpy's OpenBLAS does 106 to 134 there, but its threads wait in loops and keep torch's",
        "from the cores: that way one user is served in 17.6 ms (p50). Of the 9.7 ms in which one is served",
        "on that machine, 4 go by while 31 MB of items are read. (Seconds, GFLOP/s and these ms: by hand,",
        "2026-11-29.) Tried on AVX2 cores to make the product smaller, and left: int8 by `torch._int_mm` (2",
        "GFLOP/s; 390 on Zen 4) and by fbgemm (75, float32 beside it 55, error .005 at most); leaving out",
        "what the leading directions rule out: a Thought Space flattens its spectrum, so that 192 of the 384",
        "directions leave 18 % of the 11,924 items of Toys to be scored in full (512 users), and 256 leave",
        "1.7 %.",
        "",
        "`interactions` ran beside other work: its seconds of CPU grow to the power .86 up to 300,000 and",
        ".93 up to a million.",
        "",
        "`items` is without the ID residual, `items_with_ids` the default, with it: its table and moments",
        "are as long as the catalogue (`learned_gb`), what a step adds to them is not (`step_memory_gb`):",
        "of 10,000 items a sample of 8,192 draws holds fewer than of 200,000. With 1,024 draws, of which",
        "10,000 items hold nearly as many, it is .13 to .14 GB from 10,000 to 200,000 (`items_few_draws`).",
        "Before a step came to move the vectors that it meets alone, twenty raised memory by 1.78 GB at",
        "200,000 items, .92 of it tables and moments, and took 3.6 times as long as at 10,000.",
        "",
        "`training` beside RecTools' SASRec on two cores was also run on another machine, by older code: all",
        "epochs in 92.7 s there, RecTools in 145 s; when the best one was over was not noted then.",
        "*Met* holds our seconds to the best epoch (of 10) against RecTools' to its last, the hundredth, and",
        "our NDCG@10 against its last model's: RecTools was given no validation, so it chooses no epoch. A",
        "hundred is the budget at which it does best of those tried on one core: .068 after 30 epochs, .082",
        "after 100, .068 after 200 (102, 315 and 646 s in one run, in which ours took 89 s to its best",
        "epoch, whatever the budget, and reached .128): 30 would not be half of RecTools' time.",
        "",
    )
}
"""What the figures do not say by themselves."""


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
        *NOTES.get(name, ()),
    ]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return "" if value is None else str(value)
