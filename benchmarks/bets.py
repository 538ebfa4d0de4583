"""Where rationales could add something (docs/bets.md): one row a bet, reader and group of users.

The domains' interactions, items and item embeddings must be materialised; rationales and item rationales
count where they are. All weights are chosen on validation items, figures are of test items, leave-one-out,
full ranking, the mean over seeds; intervals by bootstrap over users, differences paired. A run that is
killed goes on where it stopped. With `--sources` the domains are ranked zero-shot, by readers that were
fitted on these: only thoughts that rest on texts alone are read there.

    pulse run --domains ML100K --select "*item_rationales,item_embeddings"
    python -m benchmarks.bets ML100K Gift_Cards --seeds 3
    python -m benchmarks.bets ML100K --sources Gift_Cards

An encoder tuned by the contrast is one of the faithful arm's (stage C, of tokens' means), in one folder:

    cp .pulse/models/Gift_Cards.published/{behaviour,tokenizer}/* tuned/
    python -m benchmarks.bets Gift_Cards --tuned tuned
"""

import argparse
import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console

from assets.ablations import encoding
from benchmarks.bets_page import write_page
from benchmarks.kept_rows import renew, same
from benchmarks.stored import stored, stored_if_made, stored_vectors
from pulse_pipeline.commands.bars import Bars
from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.evaluation.ablations.arms import ARMS, FULL, Arm
from pulse_pipeline.evaluation.ablations.material import Material, Tables
from pulse_pipeline.evaluation.ablations.run import Job, jobs
from pulse_pipeline.evaluation.ablations.settings import AblationSettings
from pulse_pipeline.evaluation.bootstrap import intervals, paired_difference
from pulse_pipeline.evaluation.in_domain import MODEL
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.evaluation.ranking import UserRanks, user_ranks
from pulse_pipeline.evaluation.slices import slices
from pulse_pipeline.files import replacing
from pulse_pipeline.home import Home
from pulse_pipeline.progress import listening, track
from pulse_pipeline.provenance import git_sha
from pulse_pipeline.rationales.spec import ModelRef
from pulse_pipeline.schemas import Rationales
from pulse_pipeline.settings import Settings, load_settings
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.geometry import has_text
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train
from resources.text_encoder import TextEncoder
from resources.weights import language_model_path

RESULTS = Path(__file__).parents[1] / "docs" / "bets.json"
KEY = ("domain", "writer", "bet", "minus", "sources")

ANOTHER, TUNED = "another encoder", "encoder tuned by the contrast"

BETS = {
    "no item thoughts": "1 item thoughts",
    "shuffled item thoughts": "1 item thoughts",
    "random words as item thoughts": "1 item thoughts",
    "texts as item thoughts": "1 item thoughts",
    "no hindsight loss": "3 hindsight as supervision",
    "foresight as hindsight": "3 hindsight as supervision",
    ANOTHER: "4 better readers",
    "ratings not read": "5 low ratings",
    "no rationales": "user rationales",
    "shuffled rationales": "user rationales",
    "rationales in full": "user rationales",
}
"""What is taken away, and the bet that it is about."""

OF_USERS = (
    "no rationales",
    "shuffled rationales",
    "rationales in full",
    "no hindsight loss",
    "foresight as hindsight",
)
"""Arms that an untrained reader and a history cut short say nothing about: its gate is closed, and what was
written about a user was written from all of the history."""

UNTRAINED = {"epochs": 0, "following_weights": (0.0,), "trend_weights": (0.0,)}
"""Text-kNN, its few scalars fitted on validation: what thoughts are worth before anything is learned."""


Gains = NDArray[np.float64]

KNOWN = (0, 1, 3)
"""How many of the latest items of each user are known; 0 for all."""


@dataclass(frozen=True)
class Brief(DomainData):
    """A domain of which only the latest items of each user are known at serving.

    Attributes:
        known: How many.
    """

    known: int = 1

    def history(self, user: int, phase: Phase) -> IntArray:
        """The latest items that `user` is known to have."""
        return super().history(user, phase)[-self.known :]


def knowing(data: DomainData, known: int) -> DomainData:
    """The domain of whose users so many of the latest items are known, one of `KNOWN`."""
    return Brief(**vars(data), known=known) if known else data


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("domains", nargs="+", help="domains of the home")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each arm")
    parser.add_argument("--run", nargs="+", default=list(BETS), choices=list(BETS), help="what is taken away")
    parser.add_argument("--sources", nargs="+", help="other domains, to fit the readers on: zero-shot")
    parser.add_argument("--tuned", type=Path, help="an encoder tuned by the contrast, run alone")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="figures, as JSON; renewed by what they are about"
    )
    arguments = parser.parse_args()
    if set(arguments.sources or ()) & set(arguments.domains):
        parser.error("what is ranked zero-shot is no source")
    if arguments.tuned and arguments.sources:
        parser.error("--tuned takes no --sources: whom the encoder was tuned on is not to be seen")
    settings = load_settings()
    spec, run = _read_by(arguments.tuned, arguments.run, settings)
    with Bars(Console(stderr=True)) as bars, listening(bars):
        for name in arguments.domains:
            if arguments.sources:
                sources = [_material(source, settings, spec)[0] for source in arguments.sources]
                material, writer = _material(name, settings, spec, texts_only=True)
                rows = list(abroad(material, sources, settings.thought_space, writer, run))
            else:
                material, writer = _material(name, settings, spec)
                rows = list(figures(material, settings, range(arguments.seeds), writer, run))
            if arguments.tuned:
                rows = [one | {"minus": TUNED} for one in rows]
            renew(arguments.out, rows, same(rows, *KEY))
            write_page(arguments.out)


def figures(
    material: Material, settings: Settings, seeds: range, writer: str, run: Collection[str] = tuple(BETS)
) -> Iterator[dict[str, Any]]:
    """Each bet by two readers, with all that is known of users and with their last item or three."""
    for reader, changes in (("untrained", UNTRAINED), ("trained", {})):
        config = settings.thought_space.model_copy(update=changes)
        arms = [name for name in run if reader == "trained" or name not in OF_USERS]
        gains = gains_of(material, config, seeds if reader == "trained" else range(1), arms)
        for group, known, members in groups(material.data):
            own = gains[MODEL, known][:, members]
            for arm in arms:
                if (f"{MODEL}, {arm}", known) not in gains or (known and arm in OF_USERS):
                    continue
                other = gains[f"{MODEL}, {arm}", known][:, members]
                yield row(material.data, own, other) | {
                    "writer": writer,
                    "bet": BETS[arm],
                    "reader": reader,
                    "sources": None,
                    "users": group,
                    "minus": arm,
                }


def abroad(
    target: Material,
    sources: list[Material],
    config: ThoughtSpaceConfig,
    writer: str,
    run: Collection[str] = tuple(BETS),
) -> Iterator[dict[str, Any]]:
    """Each bet in a domain that was never seen, by readers that were fitted on others.

    Whatever else is learned stays at home, so that without rationales of users there is nothing to train.
    """
    fitted = config.model_copy(update=UNTRAINED)
    mix = "+".join(source.data.domain for source in sources)
    everybody = (*sources, target)

    def gains(arm: Arm) -> Any:
        *known, foreign = (arm.data(one) if arm.applies(one) else one.data for one in everybody)
        ranker = ThoughtSpaceRanker(train(mix, known, fitted).model)
        return METRICS["NDCG"](user_ranks(ranker, foreign, "test").ranks, 10).astype(np.float64)

    own = gains(FULL)
    for name in run:
        if name in OF_USERS or not any(ARMS[name].applies(one) for one in everybody):
            continue
        yield row(target.data, own, gains(ARMS[name])) | {
            "writer": writer,
            "bet": BETS[name],
            "reader": "zero-shot",
            "sources": mix,
            "users": "all",
            "minus": name,
        }


def row(data: DomainData, own: Gains, other: Gains) -> dict[str, Any]:
    """What NDCG@10 of the same users say, with something and without.

    Args:
        data: The domain.
        own: NDCG@10 by seed and user, [n_seeds, n_users]; [n_users] of one seed.
        other: The same without.
    """
    own, other = np.atleast_2d(own, other)
    by_seed = own.mean(axis=1) - other.mean(axis=1)
    own, other = own.mean(axis=0), other.mean(axis=0)
    found, full = paired_difference(own, other), intervals(own[:, None])[0]
    return {
        "seeds": len(by_seed),
        "spread": float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None,
        "domain": data.domain,
        "items_written": _written(data.item_thoughts),
        "n_items": data.n_items,
        "n_users": len(own),
        "ndcg@10": full.value,
        "without": float(other.mean()),
        "difference": found.value,
        "low": found.low,
        "high": found.high,
        "p": found.p_value,
        "git_sha": git_sha(),
    }


def _written(thoughts: FloatArray | None) -> int:
    """How many items something was written about."""
    return 0 if thoughts is None else int(has_text(thoughts).sum())


def groups(data: DomainData) -> Iterator[tuple[str, int, Any]]:
    """Name, items known (0 for all) and members of each group of test users."""
    users = data.evaluated_users("test")
    for name, members in slices(data, UserRanks(users, np.ones_like(users)), "test"):
        if name in {"all", "history:1-3", "rationale:yes"}:
            yield name, 0, members
    everybody = np.ones(len(users), dtype=np.bool_)
    yield "only the last 3 items known", 3, everybody
    yield "only the last item known", 1, everybody


def gains_of(
    material: Material, config: ThoughtSpaceConfig, seeds: range, arms: list[str]
) -> dict[tuple[str, int], Gains]:
    """NDCG@10 by seed and test user, [n_seeds, n_users], of each model and number of items known."""
    kept = Home.from_environment().cache / "bets" / material.data.domain
    planned = list(jobs(material, config, AblationSettings(run=tuple(arms), seeds=tuple(seeds)), kept))
    found: dict[tuple[str, int], list[Any]] = {}
    with track(f"bets {material.data.domain}", len(planned), "trainings") as progress:
        for job in planned:
            progress.relabel(f"bets {material.data.domain}: {job.name}, seed {job.seed}")
            for known, ranks in _ranks(job, material).items():
                found.setdefault((job.name, known), []).append(METRICS["NDCG"](ranks, 10))
            progress.advance()
    return {key: np.array(gains, dtype=np.float64) for key, gains in found.items()}


def _ranks(job: Job, material: Material) -> dict[int, IntArray]:
    if not job.path.exists():
        ranker = job.ranker(material)
        views = {known: knowing(job.data, known) for known in KNOWN}
        ranks = {str(known): user_ranks(ranker, view, "test").ranks for known, view in views.items()}
        with replacing(job.path) as aside:
            pl.DataFrame(ranks).write_parquet(aside)
        job.state.unlink(missing_ok=True)
    frame = pl.read_parquet(job.path, glob=False)
    return {int(known): frame[known].to_numpy() for known in frame.columns}


def tables_of(domain: str, *, texts_only: bool = False) -> Tables:
    """The tables of a domain of the home.

    Args:
        domain: Its name.
        texts_only: Whether only what was thought of items from texts alone may be read.
    """
    embeddings = stored_vectors(domain)
    if texts_only and "thought" in embeddings.columns:
        allowed = pl.when(pl.col("text_alone").fill_null(value=False)).then("thought")
        embeddings = embeddings.with_columns(thought=allowed)
    interactions, items = (stored(name, domain) for name in ("interactions", "items"))
    thoughts, written, vectors = (
        stored_if_made(name, domain) for name in ("item_rationales", "rationales", "rationale_embeddings")
    )
    if texts_only and thoughts is not None:
        thoughts = thoughts.filter("text_alone")
    if written is None or vectors is None:
        written = Rationales.create_empty()
        vectors = written.select("user_id", "kind", "target_position").with_columns(
            pl.Series("vector", [], embeddings.schema["vector"])
        )
    return Tables(interactions, items, embeddings, written, vectors, thoughts)


def writers_of(tables: Tables) -> str:
    """The names of the models that wrote; empty for nobody."""
    written = [frame["model"] for frame in (tables.item_rationales, tables.rationales) if frame is not None]
    return ", ".join(sorted({Path(model).name for models in written for model in models.unique()}))


def _material(
    domain: str, settings: Settings, reader: EncoderSpec | None, *, texts_only: bool = False
) -> tuple[Material, str]:
    """A domain of the home, another encoder to read it with, and the model that wrote about it."""
    home = Home.from_environment()
    encode = encoding(home, settings.encoder, TextEncoder())
    another = None if reader is None else encoding(home, reader, TextEncoder())
    tables = tables_of(domain, texts_only=texts_only)
    return Material(domain, "loo", tables, encode, another=another), writers_of(tables)


def _read_by(
    tuned: Path | None, run: Collection[str], settings: Settings
) -> tuple[EncoderSpec | None, Collection[str]]:
    """Which other encoder reads the texts, and what is run."""
    if tuned is not None:
        weights = hashlib.sha256((tuned / "model.safetensors").read_bytes()).hexdigest()
        width = settings.encoder.dimensions
        return EncoderSpec(model=str(tuned.resolve()), revision=weights[:16], dimensions=width), [ANOTHER]
    if ANOTHER not in run:
        return None, run
    return settings.ablations.encoder or _hidden_states(Home.from_environment()), run


def _hidden_states(home: Home) -> EncoderSpec:
    """The packaged language model as an encoder: its last hidden states, averaged."""
    folder = language_model_path(ModelRef(), home)
    width = json.loads((folder / "config.json").read_text())["hidden_size"]
    return EncoderSpec(model=str(folder), revision="local", dimensions=width)


if __name__ == "__main__":
    main()
