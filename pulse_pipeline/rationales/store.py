"""Every answer that a model has given: a database, so that nothing that was paid for is lost.

One SQLite file a spec. An answer is committed as it comes, and what it cost with it, so a killed process
loses none; its key is unique, so two processes cannot keep it twice; a lock lets one process at a time
write for a domain, so two cannot pay for it twice.
"""

import json
import sqlite3
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from pulse_pipeline.progress import track
from pulse_pipeline.rationales.ledger import Ledger

BUSY_SECONDS = 60.0
KEYS_AT_ONCE = 8192

NOTHING = Ledger()
_COSTS = [cost.name for cost in fields(Ledger)]

# A killed process loses nothing that was committed under NORMAL; a power cut may lose the last seconds.
_OPEN = f"""\
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS answers (
    key TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    text TEXT NOT NULL,
    finished INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    dagster_run_id TEXT,
    mlflow_run_id TEXT,
    rationale TEXT,
    reject_reason TEXT,
    judged_by TEXT,
    PRIMARY KEY (key, attempt)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spent (
    account TEXT PRIMARY KEY,
    {", ".join(f"{name} NUMERIC NOT NULL" for name in _COSTS)}
) WITHOUT ROWID;
"""
_CHARGE = f"""\
INSERT INTO spent VALUES (?, {", ".join("?" * len(_COSTS))})
ON CONFLICT (account) DO UPDATE SET {", ".join(f"{name} = {name} + excluded.{name}" for name in _COSTS)}
"""


@dataclass(frozen=True)
class Answer:
    """What a model said to one request.

    Attributes:
        key: The request's key.
        attempt: 0 for the first answer, counting the rejected ones before it.
        text: The answer, not yet checked.
        finished: False if it was cut at its token limit.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
        cached_tokens: Of those read, how many the engine had in its prefix cache.
        created_at: Microseconds since 1970, UTC.
        dagster_run_id: The run that it was written in.
        mlflow_run_id: The MLflow run that it was written in.
        rationale: What was read of it; None while it is not judged.
        reject_reason: Why it is no rationale; None if it is one.
        judged_by: Version of the judge.
    """

    key: str
    attempt: int
    text: str
    finished: bool
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    created_at: int
    dagster_run_id: str | None = None
    mlflow_run_id: str | None = None
    rationale: str | None = None
    reject_reason: str | None = None
    judged_by: str | None = None


ANSWERS = pl.Schema(
    [
        ("key", pl.String),
        ("attempt", pl.Int32),
        ("text", pl.String),
        ("finished", pl.Boolean),
        ("prompt_tokens", pl.Int32),
        ("completion_tokens", pl.Int32),
        ("cached_tokens", pl.Int32),
        ("created_at", pl.Datetime("us", "UTC")),
        ("dagster_run_id", pl.String),
        ("mlflow_run_id", pl.String),
        ("rationale", pl.String),
        ("reject_reason", pl.String),
        ("judged_by", pl.String),
    ]
)


@dataclass(frozen=True)
class AnswerStore:
    """The answers to one spec's requests.

    Attributes:
        folder: Holds ``answers.db`` and the locks; made when first opened.
    """

    folder: Path

    @contextmanager
    def opened(self) -> Generator["OpenStore"]:
        """Open the database for reading and adding."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "answers.db"
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            connection.executescript(_OPEN)
            _add_verdicts(connection)
            yield OpenStore(connection)

    @contextmanager
    def looked_into(self) -> Generator["OpenStore"]:
        """Open the database for reading; where there is none yet, an empty one that nothing remains of."""
        if (self.folder / "answers.db").exists():
            with self.opened() as store:
                yield store
            return
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            connection.executescript(_OPEN)
            yield OpenStore(connection)

    @contextmanager
    def writing(self, name: str) -> Generator[None]:
        """Be the only process that writes for `name`; wait while another one does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            with track(f"waiting for another run that writes {name}", 1, "runs"):
                lock.acquire()
        try:
            yield
        finally:
            lock.release()


class OpenStore:
    """An open database of answers."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Hold the connection."""
        self._connection = connection

    def add(self, answers: Iterable[Answer], account: str = "", spent: Ledger = NOTHING) -> None:
        """Commit answers, and what they cost, together.

        Args:
            answers: Those whose key and attempt are there already stay as they were.
            account: What the cost is charged to.
            spent: The cost.
        """
        slots = ", ".join("?" * len(ANSWERS))
        with self._connection:  # commits, or rolls back on an error
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                f"INSERT OR IGNORE INTO answers ({', '.join(ANSWERS)}) VALUES ({slots})",
                map(astuple, answers),
            )
            self._connection.execute(_CHARGE, [account, *astuple(spent)])

    def keep_verdicts(self, verdicts: pl.DataFrame) -> None:
        """Commit what a judge made of answers.

        Args:
            verdicts: Columns `rationale`, `reject_reason`, `judged_by`, `key`, `attempt`, in this order.
        """
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "UPDATE answers SET rationale = ?, reject_reason = ?, judged_by = ? "
                "WHERE key = ? AND attempt = ?",
                verdicts.iter_rows(),
            )

    def forget(self, keys: pl.Series) -> None:
        """Drop all answers to these keys."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("DELETE FROM answers WHERE key = ?", ((key,) for key in keys))

    def spent(self, account: str) -> Ledger:
        """All that was ever charged to an account here, also by runs that were killed."""
        query = f"SELECT {', '.join(_COSTS)} FROM spent WHERE account = ?"
        costs = self._connection.execute(query, [account]).fetchone()
        return Ledger(*costs) if costs else NOTHING

    def read(self, keys: pl.Series) -> pl.DataFrame:
        """All answers to these keys, in the shape of `ANSWERS`, by key and attempt."""
        rows = []
        for start in range(0, len(keys), KEYS_AT_ONCE):
            wanted = json.dumps(keys[start : start + KEYS_AT_ONCE].to_list())
            query = f"SELECT {', '.join(ANSWERS)} FROM answers WHERE key IN (SELECT value FROM json_each(?))"
            rows += self._connection.execute(query, [wanted]).fetchall()
        # Columns by type, as SQLite knows no times and no truth values.
        plain = pl.DataFrame(rows, {**ANSWERS, "finished": pl.Int32, "created_at": pl.Int64}, orient="row")
        return plain.cast(ANSWERS).sort("key", "attempt")


def _add_verdicts(connection: sqlite3.Connection) -> None:
    """Give a database of an earlier version the columns that it lacks."""
    query = "SELECT name FROM pragma_table_info('answers')"
    if "judged_by" in {name for (name,) in connection.execute(query)}:
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        there = {name for (name,) in connection.execute(query)}
        for column in ("rationale", "reject_reason", "judged_by"):
            if column not in there:  # another process may have been faster
                connection.execute(f"ALTER TABLE answers ADD COLUMN {column} TEXT")
