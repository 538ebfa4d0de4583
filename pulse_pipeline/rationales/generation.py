"""Write the rationales that are not written yet, and read all of them."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from pulse_pipeline.progress import Task, track
from pulse_pipeline.rationales.engine import Completion, Prompt, Session
from pulse_pipeline.rationales.parsing import parse
from pulse_pipeline.rationales.spec import RationaleSpec
from pulse_pipeline.schemas import Rationales
from pulse_pipeline.shards import ShardStore

SHARD_ANSWERS = 64  # what a killed run can lose at most

ANSWERS = pl.Schema(
    [
        ("key", pl.String),
        ("text", pl.String),
        ("finished", pl.Boolean),
        ("prompt_tokens", pl.Int32),
        ("completion_tokens", pl.Int32),
        ("cached_tokens", pl.Int32),
        ("created_at", pl.Datetime("us", "UTC")),
        ("dagster_run_id", pl.String),
        ("mlflow_run_id", pl.String),
    ]
)


@dataclass(frozen=True)
class RunIds:
    """Which runs an answer is written in, for its lineage."""

    dagster: str | None = None
    mlflow: str | None = None


@dataclass(frozen=True)
class Ledger:
    """What a generation cost.

    Attributes:
        reused: Rationales found already written.
        generated: Rationales written now.
        prompt_tokens: Tokens read for those.
        completion_tokens: Tokens written for those.
        cached_tokens: Prompt tokens that the engine had in its prefix cache.
        seconds: Wall time, loading included.
        load_seconds: Of which the model's loading.
    """

    reused: int
    generated: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    seconds: float
    load_seconds: float

    @property
    def rationales_per_second(self) -> float:
        """Rationales written a second, loading excluded; 0 if none was written."""
        return self.generated / max(self.seconds - self.load_seconds, 1e-9)


@dataclass(frozen=True)
class Writer:
    """Asks a model and keeps its answers.

    Answers are stored in shards as they finish: a run that is killed loses at most
    `SHARD_ANSWERS` of them.

    Attributes:
        session: The model.
        store: Answers by key, in the shape of `ANSWERS`.
        runs: Recorded beside each answer.
    """

    session: Session
    store: ShardStore
    runs: RunIds = RunIds()

    def write(self, requests: pl.DataFrame, spec: RationaleSpec, label: str) -> Ledger:
        """Ask for every answer that the store does not hold.

        Args:
            requests: As `prompts.build_requests` gives them.
            spec: The spec they were rendered with.
            label: What the progress is shown under.

        Returns:
            What it cost.
        """
        started = time.monotonic()
        distinct = requests.unique("key", maintain_order=True)
        missing = distinct.join(self.store.scan().select("key").collect(), on="key", how="anti")
        loaded_before = self.session.load_seconds
        tokens = Counter[str]()
        if len(missing):
            with track(label, len(missing), "rationales") as task:
                tokens = self._ask(missing, spec, task)
        return Ledger(
            reused=len(distinct) - len(missing),
            generated=len(missing),
            prompt_tokens=tokens["prompt"],
            completion_tokens=tokens["completion"],
            cached_tokens=tokens["cached"],
            seconds=time.monotonic() - started,
            load_seconds=self.session.load_seconds - loaded_before,
        )

    def _ask(self, missing: pl.DataFrame, spec: RationaleSpec, task: Task) -> Counter[str]:
        tokens = Counter[str]()
        shard: list[dict[str, object]] = []
        prompts = (Prompt(*row) for row in missing.select("key", "system", "user").iter_rows())
        try:
            for completion in self.session.generate(prompts, spec):
                shard.append(_answer(completion, self.runs))
                tokens["prompt"] += completion.prompt_tokens
                tokens["completion"] += completion.completion_tokens
                tokens["cached"] += completion.cached_tokens
                task.advance()
                if len(shard) >= SHARD_ANSWERS:
                    self.store.append(pl.DataFrame(shard, schema=ANSWERS))
                    shard.clear()
        finally:
            # An interrupted run keeps what it paid for.
            self.store.append(pl.DataFrame(shard, schema=ANSWERS))
        return tokens


def _answer(completion: Completion, runs: RunIds) -> dict[str, object]:
    return {
        "key": completion.key,
        "text": completion.text,
        "finished": completion.finished,
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "cached_tokens": completion.cached_tokens,
        "created_at": datetime.now(UTC),
        "dagster_run_id": runs.dagster,
        "mlflow_run_id": runs.mlflow,
    }


def read(requests: pl.DataFrame, spec: RationaleSpec, store: ShardStore) -> pl.DataFrame:
    """Parse the stored answers of `requests` into the `rationales` table.

    Args:
        requests: As `prompts.build_requests` gives them.
        spec: The spec they were rendered with.
        store: Answers by key.

    Returns:
        One row for each request, sorted by user and position, valid against `schemas.Rationales`.
    """
    answers = store.scan().unique("key", keep="any").collect()
    rows = requests.join(answers, on="key", how="inner")
    parsed = [
        parse(text, finished, secrets)
        for text, finished, secrets in rows.select("text", "finished", "secrets").iter_rows()
    ]
    reasons = pl.Series("reject_reason", [answer.reject_reason for answer in parsed], pl.String)
    table = rows.select(
        "user_id",
        "kind",
        "target_position",
        pl.Series("rationale", [answer.rationale for answer in parsed], pl.String),
        reasons.is_null().alias("valid"),
        reasons,
        pl.lit(None, pl.Float32).alias("score"),
        pl.lit(spec.model.model).alias("model"),
        pl.lit(spec.model.revision).alias("model_revision"),
        pl.lit(spec.fingerprint()).alias("spec_fingerprint"),
        "history_hash",
        "prompt_tokens",
        "completion_tokens",
        "created_at",
        "dagster_run_id",
        "mlflow_run_id",
    )
    return Rationales.validate(table.sort("user_id", "target_position"), cast=True)
