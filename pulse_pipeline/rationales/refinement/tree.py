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


@dataclass(frozen=True)
class Refined:
    """The outcome of refinement.

    Attributes:
        rows: The best chain of each user that was wanted: `rationale` (its thoughts as one text), `score`
            (null where there is none), `reject_reason` (where no thought was valid, what rejected the most
            of them), and the columns of `generation.LookedUp.settled`; tokens are those of the whole tree.
        level_scores: Mean score of the users' best chains after each level.
        thoughts: How many thoughts were valid.
        rejected: How often each reason rejected a thought.
        ledger: What it cost.
    """

    rows: pl.DataFrame
    level_scores: list[float]
    thoughts: int
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
            thoughts=pl.lit([], pl.List(pl.String)),
            text=pl.lit(""),
            score=pl.lit(None, pl.Float64),
            stuck=pl.lit(value=False),
        )
        written, scores = [], []
        for level in range(1, self.shape.depth + 1):
            samples = pl.DataFrame({"sample": range(self.shape.breadth)})
            branches = beam.filter(~pl.col("stuck")).join(samples, how="cross")
            asked = branches.select(*USER, "thoughts", "sample")
            written.append(self.writer.write(asked, session, f"{label}, level {level}"))
            beam = _best(beam, _grown(written[-1].rows, self.scorer), self.shape.beam)
            scores.append(_mean_best(beam))
        return Refined(
            rows=_rows(wanted, beam, written),
            level_scores=scores,
            thoughts=sum(int(one.rows["reject_reason"].is_null().sum()) for one in written),
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
    scores = scorer(chains) if len(chains) else pl.Series(dtype=pl.Float64)
    return chains.with_columns(scores.cast(pl.Float64).alias("score"))


def _best(beam: pl.DataFrame, grown: pl.DataFrame, width: int) -> pl.DataFrame:
    """The best chains of each user; who has no new one keeps those of the level before, and is stuck."""
    # To ask again would be to read the same answers again.
    stuck = beam.join(grown.select(USER).unique(), on=USER, how="anti").with_columns(stuck=pl.lit(value=True))
    # Equal scores are ordered by their texts' hashes, so that a tree grows alike on every run.
    tie = pl.col("text").map_elements(text_hash, pl.String)
    best = grown.sort("score", tie, descending=[True, False]).group_by(USER, maintain_order=True).head(width)
    best = best.with_columns(stuck=pl.lit(value=False)).select(beam.columns)
    return pl.concat([best, stuck]).sort(*USER, "score", descending=[False, False, True], maintain_order=True)


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
        # Equally common reasons in the order of their words, so that a table is the same on every run.
        reject_reason=pl.col("reject_reason").drop_nulls().mode().min(),
    )
    best = beam.group_by(USER, maintain_order=True).first()
    return (
        wanted.join(best, on=USER, how="left", maintain_order="left")
        .join(made, on=USER, how="left", maintain_order="left")
        .with_columns(
            reject_reason=pl.when(pl.col("text") == "").then("reject_reason"), rationale=pl.col("text")
        )
    )
