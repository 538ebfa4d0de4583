"""Write the rationales that are not written yet; a finished one is never paid for again."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import polars as pl

from pulse_pipeline.errors import PulseError
from pulse_pipeline.progress import track
from pulse_pipeline.rationales.engine import Completion, Prompt, Session
from pulse_pipeline.rationales.ledger import Account, Ledger, Meter
from pulse_pipeline.rationales.parsing import NO_ROOM
from pulse_pipeline.rationales.requests import Render
from pulse_pipeline.rationales.spec import RationaleSpec
from pulse_pipeline.rationales.store import Answer, AnswerStore, OpenStore

ROWS_AT_ONCE = 4096  # prompts in memory, so that it does not grow with the number of users
_WORKING = ("row", "n_valid", "made", "system", "user", "evidence", "secrets", "judged_by")
ATTEMPT_STRIDE = 7919  # between the seeds of a request's attempts


class Judge(Protocol):
    """Tells a rationale from an answer that is none.

    Attributes:
        version: Changes with what it demands.
    """

    @property
    def version(self) -> str:
        """See above."""

    def __call__(self, answers: pl.DataFrame) -> pl.DataFrame:
        """Judge answers.

        Args:
            answers: Requests, each with `text` and `finished` of an answer to it.

        Returns:
            The same rows with `rationale`, and `reject_reason`, null where it is valid.
        """


@dataclass(frozen=True)
class RunIds:
    """Which runs an answer is written in, for its lineage."""

    dagster: str | None = None
    mlflow: str | None = None


@dataclass(frozen=True)
class LookedUp:
    """What the store holds of the rows that are wanted.

    Attributes:
        settled: Rows that have their answer: the first valid one, or the last if no more may be asked
            for. The wanted columns, `history_hash`, `rationale`, `reject_reason` and `store.ANSWERS`.
        open: Rows to ask for, with their `key` and the number of rejected answers (`attempt`).
        rejected: How often each reason rejected an answer to the settled rows.
    """

    settled: pl.DataFrame
    open: pl.DataFrame
    rejected: Counter[str]


@dataclass(frozen=True)
class Written:
    """The outcome of writing.

    Attributes:
        rows: As `LookedUp.settled`, one for each row that was wanted.
        rejected: How often each reason rejected an answer, those that were asked again included.
        ledger: What it cost.
    """

    rows: pl.DataFrame
    rejected: Counter[str]
    ledger: Ledger


@dataclass(frozen=True)
class Writer:
    """Asks a model for what a store lacks.

    Attributes:
        spec: What is written with.
        render: Makes the prompts.
        judge: Checks the answers.
        store: Keeps them.
        max_attempts: A rejected answer is asked for again, with another seed, until there are so many.
        runs: Recorded beside each answer.
        account: What the answers are charged to.
    """

    spec: RationaleSpec
    render: Render
    judge: Judge
    store: AnswerStore
    max_attempts: int = 1
    runs: RunIds = field(default_factory=RunIds)
    account: Account = field(default_factory=Account)

    def look_up(self, wanted: pl.DataFrame) -> LookedUp:
        """Part what is written already from what has to be asked for; no model is needed."""
        with self.store.looked_into() as store:
            return self._look_up(wanted, store)

    def write(self, wanted: pl.DataFrame, session: Session, label: str) -> Written:
        """Ask for what is missing, then read everything.

        Args:
            wanted: Rows that name what is asked about.
            session: The model; loaded only if something is missing.
            label: What the progress is shown under; one process at a time writes under it.
        """
        with self.store.writing(label), self.store.opened() as store:
            meter = Meter(session, self.account)
            found = self._look_up(wanted, store)
            without_room = found.settled.filter(pl.col("reject_reason") == NO_ROOM)["key"]
            if len(without_room):  # the model may have been given more by now, and asking costs nothing
                store.forget(without_room)
                found = self._look_up(wanted, store)
            settled, rejected = [found.settled], found.rejected
            store.add([], self.account.name, meter.read(Ledger(reused=len(found.settled)), writing=False))
            while len(found.open):
                self._ask(found.open, session, store, label, meter)
                found = self._look_up(found.open.drop("key", "attempt"), store)
                settled.append(found.settled)
                rejected += found.rejected
            store.add([], self.account.name, meter.read(Ledger(), writing=False))
        return Written(pl.concat(settled), rejected, meter.total)

    def _look_up(self, wanted: pl.DataFrame, store: OpenStore) -> LookedUp:
        parts = [self._look_up_some(some, store) for some in _slices(wanted)]
        return LookedUp(
            settled=pl.concat(part.settled for part in parts),
            open=pl.concat(part.open for part in parts),
            rejected=sum((part.rejected for part in parts), Counter[str]()),
        )

    def _look_up_some(self, wanted: pl.DataFrame, store: OpenStore) -> LookedUp:
        requests = self.render(wanted).with_row_index("row")
        answers = self._judged(store.read(requests["key"].unique()), requests, store)
        judged = requests.join(answers, on="key", maintain_order="left_right")
        # The first valid answer if there is one, else the last: later attempts follow earlier ones.
        valid = pl.col("reject_reason").is_null()
        chosen = judged.group_by("row", maintain_order=True).agg(
            pl.exclude("row").get(pl.when(valid.any()).then(valid.arg_max()).otherwise(pl.len() - 1)),
            n_valid=valid.sum(),
            made=pl.len(),
        )
        is_settled = (pl.col("n_valid") > 0) | (pl.col("made") >= self.max_attempts)
        settled = chosen.filter(is_settled)
        open_rows = (
            requests.join(settled, on="row", how="anti")
            .join(chosen.select("row", attempt="made"), on="row", how="left")
            .select(*wanted.columns, "key", pl.col("attempt").fill_null(0).cast(pl.Int32))
        )
        tried = judged.join(settled, on="row", how="semi")["reject_reason"].drop_nulls()
        return LookedUp(
            settled=settled.drop(_WORKING),
            open=open_rows,
            rejected=Counter(tried.to_list()),
        )

    def _judged(self, answers: pl.DataFrame, requests: pl.DataFrame, store: OpenStore) -> pl.DataFrame:
        """Answers with their verdicts.

        A verdict is kept with its answer: what is finished stays so, whatever titles others bring into the
        catalogue later.
        """
        is_new = ~pl.col("judged_by").eq_missing(self.judge.version)
        unjudged = answers.filter(is_new & ~pl.col("reject_reason").eq_missing(NO_ROOM))
        if unjudged.is_empty():
            return answers
        asked = requests.unique("key", maintain_order=True).select("key", "evidence", "secrets")
        fresh = self.judge(
            unjudged.drop("rationale", "reject_reason").join(asked, on="key", maintain_order="left")
        ).with_columns(judged_by=pl.lit(self.judge.version))
        store.keep_verdicts(fresh.select("rationale", "reject_reason", "judged_by", "key", "attempt"))
        kept = answers.join(fresh, on=["key", "attempt"], how="anti")
        return pl.concat([kept, fresh.select(answers.columns)]).sort("key", "attempt")

    def _ask(
        self, missing: pl.DataFrame, session: Session, store: OpenStore, label: str, meter: Meter
    ) -> None:
        unanswered = missing["key"].n_unique()
        with track(label, unanswered, "rationales") as task, ExitStack() as ended:
            # However it ends, the devices were held until then.
            ended.callback(lambda: store.add([], self.account.name, meter.read(Ledger(), writing=True)))
            for completion in session.generate(self._prompts(missing), self.spec):
                cost = Ledger(
                    generated=int(completion.fits),
                    prompt_tokens=completion.prompt_tokens,
                    completion_tokens=completion.completion_tokens,
                    cached_tokens=completion.cached_tokens,
                )
                # One at a time: a process that is killed here has lost nothing that was finished.
                store.add([self._answer(completion)], self.account.name, meter.read(cost, writing=True))
                unanswered -= 1
                task.advance()
        if unanswered > 0:
            raise PulseError(f"{label}: the engine left {unanswered} requests unanswered; run again")

    def _prompts(self, missing: pl.DataFrame) -> Iterator[Prompt]:
        """Rendered while the model reads them; equal requests are asked once."""
        asked = set[str]()
        for some in _slices(missing):
            requests = self.render(some.drop("key")).select("key", "attempt", "system", "user")
            for key, attempt, system, user in requests.iter_rows():
                if key not in asked:
                    asked.add(key)
                    yield Prompt(f"{key}.{attempt}", system, user, self._seed(key, attempt))

    def _seed(self, key: str, attempt: int) -> int:
        """A seed of the request's own, so that an answer does not depend on its batch."""
        return int((self.spec.sampling.seed + int(key[:12], 16) + ATTEMPT_STRIDE * attempt) % 2**31)

    def _answer(self, completion: Completion) -> Answer:
        key, _, attempt = completion.key.partition(".")
        return Answer(
            key=key,
            attempt=int(attempt),
            text=completion.text,
            finished=completion.finished,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            cached_tokens=completion.cached_tokens,
            created_at=int(datetime.now(UTC).timestamp() * 1e6),
            dagster_run_id=self.runs.dagster,
            mlflow_run_id=self.runs.mlflow,
            **({} if completion.fits else {"rationale": "", "reject_reason": NO_ROOM}),
        )


def _slices(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """At least one, so that an empty table keeps its columns."""
    yield rows.head(ROWS_AT_ONCE)
    yield from rows.slice(ROWS_AT_ONCE).iter_slices(ROWS_AT_ONCE)
