"""Tree-of-Thought: thoughts a second against plain samples of the same prompts, in one run.

The tree of the default settings over users of the demo world, scored by the frozen encoder (it embeds
every chain, as the Thought Space does). The plain way gives vLLM's own chat call all prompts that the
tree has asked, at once. Both begin with an empty prefix cache and take turns; medians are compared.

    python -m benchmarks.refinement --out refinement.json
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.rationales import demo_films, plain
from pulse_pipeline.embeddings.embed import embed, vector_store
from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.files import replacing
from pulse_pipeline.rationales.assignments import Desk, Domain
from pulse_pipeline.rationales.cuts import drawn_users, training_lengths
from pulse_pipeline.rationales.engine import Completion, Prompt
from pulse_pipeline.rationales.refinement.tree import Refined, Tree
from pulse_pipeline.rationales.spec import RationaleSettings, RationaleSpec
from pulse_pipeline.thought_space.assemble import assemble
from pulse_pipeline.thought_space.scorers.frozen_encoder import FrozenEncoderScorer
from resources.engines.in_process import VllmSession
from resources.language_model import LanguageModel
from resources.text_encoder import TextEncoder

TARGET_RATIO = 0.8
SETTINGS = RationaleSettings(max_attempts=1)


class Recording:
    """A session that remembers what it was asked."""

    def __init__(self, session: VllmSession) -> None:
        """Wrap a session."""
        self._session = session
        self.asked: list[Prompt] = []

    @property
    def load_seconds(self) -> float:
        """Seconds that loading took."""
        return self._session.load_seconds

    def generate(self, prompts: Iterable[Prompt], spec: RationaleSpec) -> Iterator[Completion]:
        """Ask the session."""

        def noted() -> Iterator[Prompt]:
            for prompt in prompts:
                self.asked.append(prompt)
                yield prompt

        yield from self._session.generate(noted(), spec)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=24, help="users refined in each turn")
    parser.add_argument("--turns", type=int, default=3, help="turns of each way")
    parser.add_argument("--out", type=Path, help="write the figures as JSON here")
    arguments = parser.parse_args()
    figures = compare(arguments.users, arguments.turns)
    print(json.dumps(figures, indent=2))
    if arguments.out:
        with replacing(arguments.out) as aside:
            aside.write_text(json.dumps([figures], indent=2) + "\n")


def compare(users: int, turns: int) -> dict[str, Any]:
    """Thoughts a second both ways."""
    domain = demo_films()
    scorer = frozen_encoder(domain)
    with LanguageModel().session() as session:
        assert isinstance(session, VllmSession)
        spec = SETTINGS.spec("refined")
        llm = session.engine(spec.model)
        recording = Recording(session)
        grown = grow(domain, scorer, recording, users)  # compiles the grammar, and says what is asked
        prompts = pl.DataFrame([vars(prompt) for prompt in recording.asked])
        seconds: dict[str, list[float]] = {"plain": [], "tree": []}
        for _ in range(turns):
            llm.reset_prefix_cache()
            seconds["plain"].append(plain(llm, prompts, spec))
            llm.reset_prefix_cache()
            started = time.perf_counter()
            grow(domain, scorer, session, users)
            seconds["tree"].append(time.perf_counter() - started)
    rates = {way: len(prompts) / statistics.median(times) for way, times in seconds.items()}
    return {
        "claim": "a tree keeps 80 % of the throughput of as many plain samples",
        "users": users,
        "thoughts": len(prompts),
        "plain_per_second": rates["plain"],
        "tree_per_second": rates["tree"],
        "cached_share_of_prompt": grown.ledger.cached_tokens / grown.ledger.prompt_tokens,
        "ratio": rates["tree"] / rates["plain"],
        "target_ratio": TARGET_RATIO,
        "met": rates["tree"] >= TARGET_RATIO * rates["plain"],
        "seconds": seconds,
    }


def grow(
    domain: Domain, scorer: FrozenEncoderScorer, session: VllmSession | Recording, users: int
) -> Refined:
    """The trees of some users, of which nothing is written yet."""
    lengths = training_lengths(drawn_users(domain.interactions, users), "split_loo")
    wanted = lengths.select("user_id", kind=pl.lit("refined"), target_position="n_train").sort("user_id")
    with tempfile.TemporaryDirectory() as folder:
        writer = Desk(SETTINGS, Path(folder)).thoughts(domain)
        return Tree(writer, scorer, SETTINGS.refinement.shape).grow(wanted, session, "benchmark")


def frozen_encoder(domain: Domain) -> FrozenEncoderScorer:
    """The scorer, with the domain's item vectors."""
    spec = EncoderSpec()
    encoder = TextEncoder().encoder(spec)
    with tempfile.TemporaryDirectory() as folder:
        texts = domain.items.select("item_id", "text", "text_hash")
        embedded = embed(texts, spec, encoder, vector_store(Path(folder), spec), "item texts")
    return FrozenEncoderScorer(assemble(domain.name, "loo", domain.interactions, embedded), encoder)


if __name__ == "__main__":
    main()
