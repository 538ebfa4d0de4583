"""The tree: all users advance together, so that every level is one large batch with shared prefixes.

The shape (breadth 3, depth 3, beam 2) is that of the published method (arXiv 2510.08626, stage D). What
scores a chain is not: the published score looks at the answer, ours at the history only.
"""

from collections import Counter
from dataclasses import dataclass
from functools import reduce
from operator import add

import polars as pl

from pulse_pipeline.provenance import text_hash
from pulse_pipeline.rationales.engine import Session
from pulse_pipeline.rationales.generation import Writer, Written
from pulse_pipeline.rationales.ledger import Ledger
from pulse_pipeline.rationales.refinement.scorer import Scorer
from pulse_pipeline.rationales.spec import TreeShape

USER = ["user_id", "target_position"]
NO_THOUGHT = "no thought passed the checks"


@dataclass(frozen=True)
class Refined:
    """The outcome of refinement.

    Attributes:
        rows: The best chain of each user that was wanted: `rationale` (its thoughts as one text), `score`
            (null where there is none), `reject_reason`, and the columns of `generation.LookedUp.settled`;
            tokens are those of the whole tree.
        level_scores: Mean score of the users' best chains after each level.
        rejected: How often each reason rejected a thought.
        ledger: What it cost.
    """

    rows: pl.DataFrame
    level_scores: list[float]
    rejected: Counter[str]
    ledger: Ledger


@dataclass(frozen=True)
class Tree:
    """Grows trees of thoughts.

    Attributes:
        writer: Writes thoughts; its prompts are `prompts.ThoughtPrompts`.
        scorer: Scores chains.
        shape: Breadth, depth and beam.
    """

    writer: Writer
    scorer: Scorer
    shape: TreeShape

    def grow(self, wanted: pl.DataFrame, session: Session, label: str) -> Refined:
        """Grow the tree of each user.

        Args:
            wanted: Columns `user_id`, `target_position`, each pair once.
            session: The model.
            label: What the progress is shown under.
        """
        beam = wanted.select(USER).with_columns(
            thoughts=pl.lit([], pl.List(pl.String)), text=pl.lit(""), score=pl.lit(None, pl.Float64)
        )
        written, scores = [], []
        for level in range(1, self.shape.depth + 1):
            branches = beam.join(pl.DataFrame({"sample": range(self.shape.breadth)}), how="cross")
            asked = branches.select(*USER, "thoughts", "sample")
            written.append(self.writer.write(asked, session, f"{label}, level {level}"))
            beam = _best(beam, _grown(written[-1].rows, self.scorer), self.shape.beam)
            scores.append(_mean_best(beam))
        return Refined(
            rows=_rows(wanted, beam, written),
            level_scores=scores,
            rejected=reduce(add, (one.rejected for one in written)),
            ledger=reduce(add, (one.ledger for one in written)),
        )


def _grown(rows: pl.DataFrame, scorer: Scorer) -> pl.DataFrame:
    """The chains that a level has made: valid, saying something new, each once."""
    said = pl.col("thoughts").list.contains(pl.col("rationale"))
    chains = (
        rows.filter(pl.col("reject_reason").is_null() & ~said)
        .select(*USER, thoughts=pl.concat_list("thoughts", "rationale"))
        .with_columns(text=pl.col("thoughts").list.join(" "))
        .unique([*USER, "text"], maintain_order=True)
    )
    return chains.with_columns(scorer(chains).cast(pl.Float64).alias("score"))


def _best(beam: pl.DataFrame, grown: pl.DataFrame, width: int) -> pl.DataFrame:
    """The best chains of each user; who has no new one keeps those of the level before."""
    stuck = beam.join(grown.select(USER).unique(), on=USER, how="anti")
    # Equal scores are ordered by their texts' hashes, so that a tree grows alike on every run.
    tie = pl.col("text").map_elements(text_hash, pl.String)
    best = grown.sort("score", tie, descending=[True, False]).group_by(USER, maintain_order=True).head(width)
    return pl.concat([best.select(beam.columns), stuck]).sort(
        *USER, "score", descending=[False, False, True], maintain_order=True
    )


def _mean_best(beam: pl.DataFrame) -> float:
    best = beam.group_by(USER).agg(pl.col("score").max())["score"].mean()
    return float("nan") if best is None else float(str(best))


def _rows(wanted: pl.DataFrame, beam: pl.DataFrame, written: list[Written]) -> pl.DataFrame:
    every = pl.concat(one.rows for one in written)
    made = every.group_by(USER).agg(
        pl.col("history_hash").first(),
        pl.col("prompt_tokens", "completion_tokens", "cached_tokens").sum(),
        pl.col("created_at").max(),
        pl.col("dagster_run_id", "mlflow_run_id").last(),
    )
    best = beam.group_by(USER, maintain_order=True).first()
    nothing = pl.when(pl.col("text") == "").then(pl.lit(NO_THOUGHT))
    return (
        wanted.join(best, on=USER, how="left", maintain_order="left")
        .join(made, on=USER, how="left", maintain_order="left")
        .with_columns(nothing.alias("reject_reason"), rationale=pl.col("text"))
    )
