"""What similar users' titles in the prompt change: rationales with and without `{neighbours}`.

The same users and histories, the packaged model, the packaged encoder; the figures are of validation items,
so that no test item is looked at. Answers are kept: run again to go on.

    python -m benchmarks.neighbours --out neighbours.json
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.prompts import configs, encoded
from pulse_pipeline.evaluation.bootstrap import Difference, paired_difference
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.files import replacing
from pulse_pipeline.home import Home
from pulse_pipeline.interactions import ingest
from pulse_pipeline.interactions.neighbour_settings import NeighbourSettings
from pulse_pipeline.interactions.neighbours import nearest_neighbours
from pulse_pipeline.rationales.cuts import drawn_users, training_lengths
from pulse_pipeline.rationales.engine import Session
from pulse_pipeline.rationales.generation import Writer
from pulse_pipeline.rationales.judging import TextJudge
from pulse_pipeline.rationales.prompts import UserPrompts
from pulse_pipeline.rationales.spec import RationaleSettings
from pulse_pipeline.rationales.store import AnswerStore
from pulse_pipeline.thought_space.geometry import centred
from resources.language_model import LanguageModel

USERS = 150
DECAY, LAST = 0.7, 10  # of the history's query: what lies one item further back counts this much less
WEIGHT = 0.3  # of the rationale beside the history, fixed before anything was measured

ALONE = RationaleSettings().foresight
SHOWN = "{history}\n\nWhat people with similar choices chose besides:\n{neighbours}"
PROMPTS = {"history only": ALONE, "with neighbours": ALONE.replace("{history}", SHOWN)}

Gains = NDArray[np.float64]


class Set:
    """A data set with what both prompts share."""

    def __init__(self, name: str, interactions: pl.DataFrame, items: pl.DataFrame, store: Path) -> None:
        """Draw the users and prepare the catalogue.

        Args:
            name: Its name.
            interactions: The `interactions` table.
            items: The `items` table.
            store: Keeps vectors and answers.
        """
        self.name, self.interactions, self.items, self.store = name, interactions, items, store
        drawn = drawn_users(interactions, USERS)
        lengths = training_lengths(drawn, "split_loo")
        self.cuts = lengths.select(
            "user_id", pl.lit("foresight").alias("kind"), target_position="n_train"
        ).sort("user_id")
        self.neighbours = nearest_neighbours(
            interactions, self.cuts.select("user_id", "target_position"), NeighbourSettings()
        )
        vectors = encoded(items["text"].to_list(), store, "item texts")
        self.vectors = centred(vectors, vectors[vectors.any(axis=1)].mean(axis=0))
        row = {item: n for n, item in enumerate(items["item_id"])}
        chosen = dict(
            drawn.sort("user_id", "position")
            .group_by("user_id", maintain_order=True)
            .agg("item_id")
            .iter_rows()
        )
        self.sequences = [[row[item] for item in chosen[user]] for user in self.cuts["user_id"]]
        self.ends = self.cuts["target_position"].to_list()

    def histories(self) -> NDArray[np.float32]:
        """Unit vectors of the histories [n_users, d]."""
        queries = []
        for sequence, end in zip(self.sequences, self.ends, strict=True):
            recent = sequence[max(0, end - LAST) : end][::-1]
            queries.append((self.vectors[recent] * DECAY ** np.arange(len(recent))[:, None]).sum(axis=0))
        return centred(np.stack(queries).astype(np.float32), np.zeros(self.vectors.shape[1], np.float32))

    def gains(self, queries: NDArray[np.float32]) -> Gains:
        """NDCG@10 of each user's validation item, seen items masked [n_users]."""
        scores = queries @ self.vectors.T
        ranks = []
        for row, sequence, end in zip(scores, self.sequences, self.ends, strict=True):
            target = sequence[end]
            row[[item for item in sequence[:end] if item != target]] = -np.inf
            ranks.append(int((row >= row[target]).sum()))
        return np.asarray(METRICS["NDCG"](np.array(ranks), 10), dtype=np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="write the figures as JSON here")
    store = Home.from_environment().cache / "benchmarks"
    out = parser.parse_args().out
    figures: list[dict[str, Any]] = []
    with LanguageModel.from_environment().session() as session:
        for config in configs():
            raw = ingest.read_interactions(config).frame
            interactions = ingest.clean_interactions(raw, config.min_interactions, config.name).frame
            items = ingest.read_items(config, interactions).frame
            figures += compared(Set(config.name, interactions, items, store), session)
            with replacing(out) as aside:
                aside.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


def compared(one: Set, session: Session) -> list[dict[str, Any]]:
    """Both prompts on one data set, the second held against the first."""
    behaviour = one.histories()
    found: dict[str, tuple[float, Gains, Gains]] = {}
    for name, prompt in PROMPTS.items():
        why, valid = rationales(one, prompt, session)
        found[name] = (valid, one.gains(why), one.gains(behaviour + WEIGHT * why))
    rows = []
    for name, (valid, alone, beside) in found.items():
        _, first_alone, first_beside = found["history only"]
        rows.append(
            {
                "dataset": one.name,
                "prompt": name,
                "users": len(one.cuts),
                "valid": valid,
                "history_ndcg@10": float(one.gains(behaviour).mean()),
                "rationale_ndcg@10": float(alone.mean()),
                "both_ndcg@10": float(beside.mean()),
                "rationale_gain": _told(paired_difference(alone, first_alone)),
                "both_gain": _told(paired_difference(beside, first_beside)),
            }
        )
    return rows


def rationales(one: Set, prompt: str, session: Session) -> tuple[NDArray[np.float32], float]:
    """Unit vectors of the rationales, zero where one is invalid [n_users, d], and the share of valid ones."""
    spec = RationaleSettings(foresight=prompt).spec("foresight")
    render = UserPrompts(one.interactions, one.items, spec, one.neighbours)
    answers = AnswerStore(one.store / "answers" / spec.fingerprint())
    writer = Writer(spec, render, TextJudge(spec, one.items["title"]), answers)
    written = writer.write(one.cuts, session, f"neighbours {one.name}").rows
    rows = one.cuts.join(written, on=one.cuts.columns, how="left", maintain_order="left")
    valid = rows["reject_reason"].is_null().to_numpy()
    vectors = np.zeros((len(rows), one.vectors.shape[1]), dtype=np.float32)
    if valid.any():
        told = encoded(rows.filter(valid)["rationale"].to_list(), one.store, "rationales")
        vectors[valid] = centred(told, told.mean(axis=0))
    return vectors, float(valid.mean())


def _told(found: Difference) -> str:
    return f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


if __name__ == "__main__":
    main()
