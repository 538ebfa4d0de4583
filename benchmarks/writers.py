"""What rationales about users are worth, by the language model that wrote them (docs/writers.md).

Each domain of the home is trained on alone, under leave-one-out, and the model ranks for the test users who
have a rationale: without it, as validation lets it serve, with it in full, and with another user's in full;
and a model that was trained without any ranks for the same users. With `--abroad` each domain is ranked by
the model of all the others instead, zero-shot. Mean NDCG@10 over seeds, intervals by bootstrap over users,
differences paired. A run that is killed goes on where it stopped.

    pulse run --domains Gift_Cards,Office_Products --select "rationales,rationale_embeddings"
    python -m benchmarks.writers Gift_Cards Office_Products --seeds 3
    python -m benchmarks.writers Gift_Cards Office_Products --seeds 3 --abroad
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.kept_rows import Row, renew
from benchmarks.stored import stored, stored_vectors
from benchmarks.writers_page import write_page
from pulse_pipeline.commands.bars import Bars
from pulse_pipeline.evaluation.bootstrap import paired_difference
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.evaluation.ranking import user_ranks
from pulse_pipeline.files import replacing
from pulse_pipeline.home import Home
from pulse_pipeline.progress import listening, track
from pulse_pipeline.provenance import fingerprint, git_sha, text_hash
from pulse_pipeline.settings import load_settings
from pulse_pipeline.thought_space.assemble import assemble
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.identity import content
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train
from pulse_pipeline.thought_space.travelling import train_to_travel

RESULTS = Path(__file__).parents[1] / "docs" / "writers.json"
VERSION = "1"
WEIGHT = "weight"
UNTOLD = "trained without"

COMPARED = (
    ("in full", "without"),
    ("in full", "another's"),
    ("as served", "without"),
    ("as served", UNTOLD),
)
"""What is held against what."""

KNOWN, COLD, FEWEST_COLD = "items known", 3, 10
"""Of users with so few items there must be so many to be a row's column."""

AT_HOME, ABROAD = "itself", "the others"
"""What a model was trained on that ranks for a domain."""

Gains = dict[str, NDArray[np.float64]]
"""NDCG@10 of the users who have a rationale, by how they were served; and how many items they have."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("domains", nargs="+", help="domains of the home, written about by one model")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each model")
    parser.add_argument("--abroad", action="store_true", help="rank each domain by the model of the others")
    parser.add_argument("--kept", type=Path, help="folder of finished trainings; by default in the home")
    parser.add_argument("--out", type=Path, default=RESULTS, help="figures, as JSON; a writer's are renewed")
    arguments = parser.parse_args()
    if arguments.abroad and len(arguments.domains) < 2:
        parser.error("--abroad needs two domains or more: a model of one ranks for another")
    config = load_settings().thought_space
    kept = arguments.kept or Home.from_environment().cache / "writers"
    writer = _writer(arguments.domains)
    domains = {name: _domain(name) for name in arguments.domains}
    gains = dict[str, Gains]()
    with Bars(Console(stderr=True)) as bars, listening(bars):
        for name, data in domains.items():
            others = [other for other in domains.values() if other is not data]
            ranked = _domain(name, texts_only=True) if arguments.abroad else data
            trainings = [others] if arguments.abroad else [[data], [replace(data, rationales=None)]]
            gains[name] = by_serving(ranked, trainings, config, range(arguments.seeds), kept)
    trained_on = ABROAD if arguments.abroad else AT_HOME
    renew_writer(arguments.out, list(rows(gains, writer, trained_on, arguments.seeds)))
    write_page(arguments.out)


def by_serving(
    data: DomainData,
    trainings: list[list[DomainData]],
    config: ThoughtSpaceConfig,
    seeds: range,
    kept: Path,
) -> Gains:
    """Train on one mix after another, and rank for the test users of a domain who have a rationale."""
    users = data.evaluated_users("test")
    told = data.has_rationale[users]
    known = data.history_lengths("test")[users[told]].astype(np.float64)
    found: dict[str, list[NDArray[np.float64]]] = {KNOWN: [known]}
    with track(f"writers {data.domain}", len(trainings) * len(seeds), "trainings") as progress:
        for seed in seeds:
            for mix in trainings:
                for column in _trained(mix, data, config, seed, kept):
                    found.setdefault(column.name, []).append(column.to_numpy()[told])
                progress.advance()
    return {name: np.mean(values, axis=0, dtype=np.float64) for name, values in found.items()}


def rows(gains: dict[str, Gains], writer: str, trained_on: str, seeds: int) -> Iterator[Row]:
    """What is written down about each domain, and about all of their users together."""
    each = list(gains.values())
    together = {name: np.concatenate([one[name] for one in each]) for name in each[0]}
    groups = [([domain], found) for domain, found in gains.items()]
    if len(groups) > 1:
        groups.append((sorted(gains), together))
    for domains, found in groups:
        row: Row = {
            "domains": domains,
            "writer": writer,
            "trained_on": trained_on,
            "users": len(found["without"]),
            "seeds": seeds,
            "served": float(found[WEIGHT].mean()),
            "without": float(found["without"].mean()),
            "git_sha": git_sha(),
        }
        for own, other in COMPARED:
            if other not in found:
                continue
            row[f"{own} minus {other}"] = _gained(found, own, other)
        cold = found[KNOWN] <= COLD
        if cold.sum() >= FEWEST_COLD:
            few = {name: values[cold] for name, values in found.items()}
            row["cold"] = _gained(few, *COMPARED[0]) | {"users": int(cold.sum())}
        yield row


def _gained(found: Gains, own: str, other: str) -> dict[str, float]:
    gained = paired_difference(found[own], found[other])
    return {"value": gained.value, "low": gained.low, "high": gained.high, "p": gained.p_value}


def _trained(
    mix: list[DomainData], data: DomainData, config: ThoughtSpaceConfig, seed: int, kept: Path
) -> pl.DataFrame:
    """NDCG@10 of every test user, a column for each way to serve rationales; read where it was kept."""
    changed = config.model_copy(update={"seed": seed})
    home = data.domain in {one.domain for one in mix}
    about = [content(one) for one in (mix if home else [*mix, data])]
    path = kept / data.domain / f"{fingerprint([VERSION, *about, changed.fingerprint()])}.parquet"
    if not path.exists():
        state = path.with_suffix(".safetensors")
        trainer = train if home else train_to_travel
        model = trainer("+".join(one.domain for one in mix), mix, changed, state=state).model
        told = any(one.rationales is not None for one in mix)
        frame = (
            _told(model, data, seed)
            if told
            else pl.DataFrame({UNTOLD: _gains(model, replace(data, rationales=None))})
        )
        with replacing(path) as aside:
            frame.write_parquet(aside)
        for left in path.parent.glob(f"{path.stem}*.safetensors"):
            left.unlink()
    return pl.read_parquet(path, glob=False)


def _told(model: ThoughtSpace, data: DomainData, seed: int) -> pl.DataFrame:
    servings: dict[str, dict[str, Any]] = {
        "without": {"rationales": "none"},
        "as served": {},
        "in full": {"in_full": True},
        "another's": {"in_full": True, "rationales": "shuffled", "seed": seed},
    }
    gains = pl.DataFrame({name: _gains(model, data, **serving) for name, serving in servings.items()})
    weight = ThoughtSpaceRanker(model).rationale_weight(data)
    return gains.with_columns(pl.lit(weight, pl.Float64).alias(WEIGHT))


def _gains(model: ThoughtSpace, data: DomainData, **serving: Any) -> NDArray[np.float64]:
    ranked = user_ranks(ThoughtSpaceRanker(model, **serving), data, "test")
    return np.asarray(METRICS["NDCG"](ranked.ranks, 10), dtype=np.float64)


def _writer(domains: list[str]) -> str:
    """The one model that wrote about the users of all of these."""
    models = {model for name in domains for model in stored("rationales", name)["model"].unique()}
    writers = sorted({Path(model).name for model in models})
    if len(writers) != 1:
        raise SystemExit(f"error: written by {', '.join(writers) or 'nobody'}: name domains of one writer")
    return writers[0]


def _domain(name: str, *, texts_only: bool = False) -> DomainData:
    """A domain of the home under leave-one-out; `texts_only` as `assemble` has it."""
    vectors = stored("rationale_embeddings", name)
    valid = stored("rationales", name).filter("valid")["rationale"]
    if set(map(text_hash, valid)) != set(vectors["text_hash"]):
        raise SystemExit(
            f"error: rationale_embeddings of {name} are of other rationales: "
            f"pulse run --domains {name} --select rationale_embeddings"
        )
    tables = stored("interactions", name), stored_vectors(name), vectors
    data = assemble(name, "loo", *tables, texts_only=texts_only)
    if not data.has_rationale[data.evaluated_users("test")].any():
        raise SystemExit(f"error: no test user of {name} has a rationale; raise `rationale_users` there")
    return data


def renew_writer(path: Path, found: list[Row]) -> None:
    """Renew what is about these domains by this writer, alone or together with others.

    What is trained on the others hangs on all of them, so that all such rows of the writer are renewed.
    """
    writer, trained_on = found[0]["writer"], found[0]["trained_on"]
    renewed = {name for row in found for name in row["domains"]}

    def stale(row: Row) -> bool:
        alike = (row["writer"], row["trained_on"]) == (writer, trained_on)
        return alike and (trained_on == ABROAD or not renewed.isdisjoint(row["domains"]))

    renew(path, found, stale)


if __name__ == "__main__":
    main()
