"""Foresight prompts compared on real histories: which one a model writes the best rationales with.

Users are drawn by the hash of their id, and their histories end before the item of validation, so
that no item of validation or test is looked at. One invocation measures one model. Answers are kept
in `--store` and figures are written to `--out` as they come: run again to go on.

    python -m benchmarks.prompts --store prompts_store --out prompts.json
    python -m benchmarks.prompts --store prompts_store --out prompts.json --weights FOLDER --characters 320
    python -m benchmarks.prompts_page prompts.json
"""

import argparse
import json
import math
import os
import platform
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.prompt_templates import TEMPLATES, Template
from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.embeddings.embed import embed, vector_store
from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.files import replacing
from pulse_pipeline.interactions import ingest
from pulse_pipeline.provenance import git_sha, text_hash
from pulse_pipeline.rationales.cuts import drawn_users, training_lengths
from pulse_pipeline.rationales.engine import Session
from pulse_pipeline.rationales.generation import Writer
from pulse_pipeline.rationales.grounding import GroundingCheck, histories
from pulse_pipeline.rationales.judging import TextJudge
from pulse_pipeline.rationales.prompts import UserPrompts
from pulse_pipeline.rationales.spec import ModelRef, RationaleSettings, RationaleSpec, Sampling
from pulse_pipeline.rationales.store import AnswerStore
from pulse_pipeline.thought_space.geometry import centred
from resources.language_model import LanguageModel
from resources.text_encoder import TextEncoder

RIVALS = 100  # histories among which a rationale has to find its own
COPIED_RUN = 5  # words in the order of the prompt from which on they are copied
MOST_COPIED = 0.5  # a rationale with more copied words repeats the history and says nothing of it
TOKENS_PER_CHARACTER = 0.4  # room for the grammar's longest answer, whatever its language

_WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class Domain:
    """A data set with what all templates share.

    Attributes:
        name: Its name.
        interactions: The `interactions` table.
        items: The `items` table.
        cuts: The rationales to write: one a user, by the hash of the user's id.
        evidence: `grounding.histories` of the cuts.
        check: Tells grounded rationales.
        history_vectors: Mean of each history's centred item vectors, by cut [RIVALS, d].
    """

    name: str
    interactions: pl.DataFrame
    items: pl.DataFrame
    cuts: pl.DataFrame
    evidence: pl.DataFrame
    check: GroundingCheck
    history_vectors: NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True, help="answers and vectors are kept here")
    parser.add_argument("--out", type=Path, required=True, help="figures, as JSON; added to")
    parser.add_argument("--weights", type=Path, help="folder of a model; default: the packaged one")
    parser.add_argument("--users", type=int, default=RIVALS, help=f"users a data set, at most {RIVALS}")
    parser.add_argument("--characters", type=int, default=Sampling().max_characters, help="longest rationale")
    parser.add_argument("--templates", nargs="+", choices=TEMPLATES, default=list(TEMPLATES))
    arguments = parser.parse_args()
    if not 1 <= arguments.users <= RIVALS:
        sys.exit(f"error: --users must be 1 to {RIVALS}")
    weights = arguments.weights
    model = ModelRef(model=str(weights), revision="local") if weights else ModelRef()
    bench = Bench(model, arguments.users, arguments.characters, arguments.store)
    domains = [domain(config, arguments.store) for config in configs()]
    with LanguageModel.from_environment().session() as session:
        for name in arguments.templates:
            for one in domains:
                keep(bench.figures(name, one, session), arguments.out)


def configs() -> list[DomainConfig]:
    """The real data sets, where tests find them too."""
    data = Path(__file__).parents[1] / os.environ.get("PULSE_TEST_DATA", "../shared/data")
    if not data.is_dir():
        sys.exit(f"error: {data} is not there; set PULSE_TEST_DATA to the folder of the real data")
    raw, office = data / "amazon-2018" / "raw", data / "amazon-2018" / "Office_Products"
    return [
        DomainConfig(
            name="Gift_Cards",
            source="amazon-2018",
            interactions=raw / "Gift_Cards_5.json.gz",
            items=raw / "meta_Gift_Cards.json.gz",
        ),
        DomainConfig(
            name="Office_Products",
            source="tabular",
            interactions=office / "interactions.parquet",
            items=office / "items.parquet",
            min_interactions=0,  # what is there is part of a denser whole: 5-core leaves a tenth of it
        ),
    ]


def domain(config: DomainConfig, store: Path) -> Domain:
    """Read a data set, draw the users, cut their histories."""
    raw = ingest.read_interactions(config).frame
    interactions = ingest.clean_interactions(raw, config.min_interactions, config.name).frame
    items = ingest.read_items(config, interactions).frame
    training = interactions.filter(split_loo="train")
    lengths = training_lengths(drawn_users(training, RIVALS), "split_loo")
    cuts = lengths.select("user_id", pl.lit("foresight").alias("kind"), target_position="n_train")
    # By hash, so that fewer users are the first of more.
    hashes = pl.Series([text_hash(user) for user in cuts["user_id"]])
    cuts = cuts.sort(hashes)
    reviews = training.select(
        pl.concat_str("review_title", "review_text", separator=": ", ignore_nulls=True)
    ).to_series()
    return Domain(
        name=config.name,
        interactions=interactions,
        items=items,
        cuts=cuts,
        evidence=histories(cuts, interactions, items),
        check=GroundingCheck(items, reviews),
        history_vectors=history_vectors(cuts, training, items, store),
    )


def history_vectors(
    cuts: pl.DataFrame, training: pl.DataFrame, items: pl.DataFrame, store: Path
) -> NDArray[np.float32]:
    """Unit mean of each history's item vectors, which are centred by the catalogue [len(cuts), d]."""
    vectors = encoded(items["text"].to_list(), store, "item texts")
    known = vectors.any(axis=1)
    unit = centred(vectors, vectors[known].mean(axis=0))
    row = {item: n for n, item in enumerate(items["item_id"])}
    owned = dict(training.group_by("user_id").agg("item_id").iter_rows())
    means = [unit[[row[item] for item in owned[user]]].mean(axis=0) for user in cuts["user_id"]]
    return centred(np.stack(means), np.zeros(unit.shape[1], np.float32))


def encoded(texts: list[str], store: Path, label: str) -> NDArray[np.float32]:
    """Vectors of texts by the packaged encoder, each text encoded once [len(texts), d]."""
    spec = EncoderSpec()
    frame = pl.DataFrame({"text": texts}).with_columns(
        text_hash=pl.Series([text_hash(text) for text in texts], dtype=pl.String)
    )
    done = embed(frame, spec, TextEncoder().encoder(spec), vector_store(store, spec), label)
    return done["vector"].to_numpy()


@dataclass(frozen=True)
class Bench:
    """One model with the room it is given.

    Attributes:
        model: Which model.
        users: How many users of each data set it writes for.
        characters: Longest rationale.
        store: Keeps the answers.
    """

    model: ModelRef
    users: int
    characters: int
    store: Path

    def spec(self, template: Template) -> RationaleSpec:
        """The current spec with another prompt and more room."""
        characters = self.characters + template.characters
        room = {"max_characters": characters, "max_tokens": math.ceil(characters * TOKENS_PER_CHARACTER)}
        settings = RationaleSettings(model=self.model, foresight=template.text, sampling=Sampling(**room))
        return settings.spec("foresight")

    def figures(self, name: str, one: Domain, session: Session) -> dict[str, Any]:
        """Write what is not written yet and measure."""
        template, cuts = TEMPLATES[name], one.cuts.head(self.users)
        spec = self.spec(template)
        folder = self.store / "answers" / spec.fingerprint()
        render = UserPrompts(one.interactions, one.items, spec)
        writer = Writer(spec, render, TextJudge(spec, one.items["title"]), AnswerStore(folder))
        written = writer.write(cuts, session, f"{name}, {one.name}")
        shown = render(cuts).select("user_id", "evidence")
        rows = cuts.join(written.rows, on=cuts.columns, how="left", maintain_order="left").join(
            shown, on="user_id", how="left", maintain_order="left"
        )
        speed = written.ledger.rationales_per_second if written.ledger.generated else None
        return {
            "model": Path(self.model.model).name,
            "characters": self.characters,
            "template": name,
            "idea": template.idea,
            "dataset": one.name,
            "users": len(rows),
            **measures(rows, one, template, self.store),
            "rationales_per_second": speed,
            "rejected": dict(written.rejected),
            "prompt": template.text,
            "spec_fingerprint": spec.fingerprint(),
            "git_sha": git_sha(),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def measures(rows: pl.DataFrame, one: Domain, template: Template, store: Path) -> dict[str, Any]:
    """What is measured of the answers to one prompt.

    Args:
        rows: The answers, with the `evidence` that their prompts showed, in the order of `one.cuts`.
        one: Their data set.
        template: Their prompt.
        store: Keeps the vectors.

    Returns:
        Shares of all answers (an invalid one is neither grounded nor found); lengths of the valid ones.
        `named_by_chance` holds each rationale against the next user's history. `worth_of_users` is the
        reciprocal rank of the own history, and 0 where the rationale is invalid, not grounded or mostly
        copied.
    """
    valid = rows["reject_reason"].is_null().to_numpy()
    texts, evidence = rows["rationale"].to_list(), one.evidence.head(len(rows))
    own = list(evidence.select("history", "background").iter_rows())
    found = [
        one.check.check(text, history, background, template.example)
        for text, (history, background) in zip(texts, own, strict=True)
    ]
    others = [*own[1:], own[0]]
    by_chance = [one.check.check(text, *there) for text, there in zip(texts, others, strict=True)]
    grounded = valid & np.array([grounding.grounded for grounding in found])
    shares = [copied_share(*pair) for pair in rows.select("rationale", "evidence").iter_rows()]
    copied = valid & (np.array(shares) > MOST_COPIED)
    reciprocal, first = ranks(texts, valid, one.history_vectors, store)
    worth = reciprocal * (grounded & ~copied)
    return {
        "valid": valid.mean(),
        "named": (valid & np.array([bool(grounding.named) for grounding in found])).mean(),
        "named_by_chance": (valid & np.array([bool(grounding.named) for grounding in by_chance])).mean(),
        "invented": (valid & np.array([bool(grounding.invented) for grounding in found])).mean(),
        "grounded": grounded.mean(),
        "copied": copied.mean(),
        "mrr": reciprocal.mean(),
        "recall_at_1": first.mean(),
        "worth": worth.mean(),
        "words": np.mean([len(text.split()) for text in rows.filter(valid)["rationale"]] or [0]),
        "prompt_tokens": rows["prompt_tokens"].mean(),
        "completion_tokens": rows["completion_tokens"].mean(),
        "worth_of_users": worth.round(5).tolist(),
        "samples": [
            {"rationale": text, "named": grounding.named, "invented": grounding.invented}
            for text, grounding in zip(texts[:6], found[:6], strict=True)
        ],
    }


def copied_share(rationale: str, evidence: str) -> float:
    """Share of a rationale's words that stand in `COPIED_RUN` words taken from the evidence in order."""
    read, there = (_WORDS.findall(text.lower()) for text in (rationale, evidence))
    runs = {tuple(there[at : at + COPIED_RUN]) for at in range(len(there) - COPIED_RUN + 1)}
    starts = [at for at in range(len(read)) if tuple(read[at : at + COPIED_RUN]) in runs]
    return len({at + step for at in starts for step in range(COPIED_RUN)}) / max(len(read), 1)


def ranks(
    texts: list[str], valid: NDArray[np.bool_], history_vectors: NDArray[np.float32], store: Path
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How well each rationale finds its own history among all.

    Args:
        texts: Rationales, in the order of the histories; there may be fewer.
        valid: Which of them may be used [n].
        history_vectors: Unit vectors of the histories [m, d].
        store: Keeps the rationales' vectors.

    Returns:
        Reciprocal rank and whether it is the first [n], both 0 for an invalid rationale. Rationales are
        centred by their own mean, so that what a prompt makes them all say does not count.
    """
    reciprocal, first = np.zeros(len(texts)), np.zeros(len(texts))
    chosen = np.flatnonzero(valid)
    if len(chosen):
        vectors = encoded([texts[n] for n in chosen], store, "rationales")
        scores = centred(vectors, vectors.mean(axis=0)) @ history_vectors.T
        for n, row in zip(chosen, scores, strict=True):
            reciprocal[n], first[n] = expected_rank(row, n)
    return reciprocal, first


def expected_rank(
    scores: NDArray[np.floating[Any]], own: int, tolerance: float = 1e-5
) -> tuple[float, float]:
    """Reciprocal rank and recall@1 of one candidate, expected over the orders of its equals.

    Users with the same items have the same history vector: nothing can tell them apart.

    Args:
        scores: Of all candidates [m].
        own: Which of them is meant.
        tolerance: Scores no further apart are equal.
    """
    better = int((scores > scores[own] + tolerance).sum())
    equals = int((np.abs(scores - scores[own]) <= tolerance).sum())
    places = np.arange(better + 1, better + equals + 1)
    return float(np.mean(1 / places)), float(np.mean(places == 1))


def keep(row: dict[str, Any], out: Path) -> None:
    """Put a row in the place of the one it renews; a speed measured before outlasts a look-up."""
    about = ("model", "characters", "template", "dataset")
    before = json.loads(out.read_text()) if out.exists() else []
    same = [old for old in before if all(old[key] == row[key] for key in about)]
    if same and row["rationales_per_second"] is None:
        row["rationales_per_second"] = same[0]["rationales_per_second"]
    rows = [old for old in before if old not in same] + [row]
    with replacing(out) as aside:
        aside.write_text(json.dumps(rows, indent=1) + "\n")
    shown = {key: value for key, value in row.items() if isinstance(value, str | float | int)}
    shown.pop("prompt")
    print(json.dumps(shown), file=sys.stderr)


if __name__ == "__main__":
    main()
