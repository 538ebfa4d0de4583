"""Kill -9 during a run of 300 users with the real model: what is lost, and what is computed twice.

Foresight for users of Gift_Cards by vLLM. The process is killed ten times, each time after a random number
of answers and a random part of a second, and started again; what the engine has finished is counted at
the engine itself, before anything is kept. At last the same is written once more without a kill.

    python -m benchmarks.kills --out kills.json
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.prompts import configs
from pulse_pipeline.files import replacing
from pulse_pipeline.interactions import ingest
from pulse_pipeline.rationales.assignments import Assignment, Desk, Domain
from pulse_pipeline.rationales.engine import Completion, Prompt, Session
from pulse_pipeline.rationales.spec import RationaleSettings, RationaleSpec
from resources.language_model import LanguageModel

USERS, KILLS = 300, 10
MOST_ANSWERS = 50  # before a kill: ten of them leave something to do for the last run
SETTINGS = RationaleSettings(max_attempts=1)  # one answer a user, so that 300 is the count to expect


class Counted:
    """A session that takes down every answer before it hands it on."""

    def __init__(self, session: Session, log: Path) -> None:
        """Wrap a session."""
        self._session, self._log = session, log

    @property
    def load_seconds(self) -> float:
        """Seconds that loading took."""
        return self._session.load_seconds

    def generate(self, prompts: Iterable[Prompt], spec: RationaleSpec) -> Iterator[Completion]:
        """Ask the session."""
        with self._log.open("a", buffering=1) as log:
            for completion in self._session.generate(prompts, spec):
                log.write(f"{completion.key}\n")
                yield completion


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="write the figures as JSON here")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        write(arguments.write)
        return
    figures = measure()
    print(json.dumps(figures, indent=2))
    if arguments.out:
        with replacing(arguments.out) as aside:
            aside.write_text(json.dumps([figures], indent=2) + "\n")


@cache
def gift_cards() -> Domain:
    """The tables of a real set with reviews."""
    config = configs()[0]
    raw = ingest.read_interactions(config).frame
    interactions = ingest.clean_interactions(raw, config.min_interactions, config.name).frame
    return Domain(config.name, interactions, ingest.read_items(config, interactions).frame)


def assignment(folder: Path) -> Assignment:
    """Foresight for 300 users, each from all training items."""
    foresight = Desk(SETTINGS, folder).about_users(gift_cards())[0]
    serving = foresight.wanted.group_by("user_id", "kind").agg(pl.col("target_position").max())
    return replace(foresight, wanted=serving.sort("user_id").head(USERS))


def write(folder: Path) -> None:
    """One process of the pipeline."""
    with LanguageModel().session() as session:
        assignment(folder).write(Counted(session, _log(folder)))


def measure() -> dict[str, Any]:
    """Kill, resume, compare."""
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as killed, tempfile.TemporaryDirectory() as whole:
        folder = Path(killed)
        asked_again = lost = 0
        for _ in range(KILLS):
            kept, answered = _kept(folder), len(_answered(folder))
            _kill(folder, answered + chance.randint(1, MOST_ANSWERS), chance.random())
            now = _answered(folder)[answered:]
            asked_again += len(set(now) & set(kept))
            lost += len(set(now) - set(_kept(folder)))
        for place in (folder, Path(whole)):
            subprocess.run(_command(place), check=True)
        found, at_once = _kept(folder), _kept(Path(whole))
        times = Counter(_answered(folder))
    return {
        "claim": "after ten kills 300 rationales, none that was kept computed again",
        "users": USERS,
        "kills": KILLS,
        "rationales": len(found),
        "answers_of_the_engine": times.total(),
        "on_their_way_at_a_kill": lost,
        "kept_and_asked_again": asked_again,
        "met": len(found) == USERS and asked_again == 0 and times.total() == USERS + lost,
        "same_texts_without_kills": sum(found[key] == at_once[key] for key in at_once) / USERS,
    }


def _kill(folder: Path, answers: int, seconds: float) -> None:
    """Start a process; kill it when the engine has given so many answers in all, and a little later."""
    process = subprocess.Popen(_command(folder), start_new_session=True)
    while len(_answered(folder)) < answers:
        if process.poll() is not None:
            sys.exit("error: the process ended before it could be killed")
        time.sleep(0.02)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.kills", "--write", str(folder)]


def _log(folder: Path) -> Path:
    return folder / "answered.txt"


def _answered(folder: Path) -> list[str]:
    """Keys of all answers that the engine has given, in order, each with the number of its attempt."""
    log = _log(folder)
    return [key.partition(".")[0] for key in log.read_text().split()] if log.exists() else []


def _kept(folder: Path) -> dict[str, str]:
    """The texts that are kept, by key."""
    asked = assignment(folder)
    settled = asked.look_up().settled
    return dict(settled.select("key", "text").iter_rows())


if __name__ == "__main__":
    main()
