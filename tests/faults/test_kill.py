"""A process that is killed loses nothing that was finished, and nothing is paid for twice."""

import multiprocessing
import os
import random
import signal
import time

import polars as pl
import pytest

from pulse_pipeline.rationales.cuts import cut_points
from pulse_pipeline.rationales.generation import Writer
from pulse_pipeline.rationales.judging import TextJudge
from pulse_pipeline.rationales.prompts import UserPrompts
from pulse_pipeline.rationales.spec import RationaleSettings
from pulse_pipeline.rationales.store import AnswerStore
from tests.rationales.stub import StubSession
from tests.rationales.tables import interactions, items

SPEC = RationaleSettings().spec("foresight")
USERS, KILLS = 300, 10


def _wanted():
    table = interactions(users=USERS)
    serving = cut_points(table).group_by("user_id", "kind").agg(pl.col("target_position").max())
    return table, serving.filter(kind="foresight").sort("user_id")


def _writer(folder):
    table, wanted = _wanted()
    return Writer(SPEC, UserPrompts(table, items(), SPEC), TextJudge(SPEC, None), AnswerStore(folder)), wanted


class SlowEngine(StubSession):
    """Takes down each answer that it gives."""

    def __init__(self, asked, pause):
        super().__init__()
        self._log, self._pause = asked, pause

    def generate(self, prompts, spec):
        with self._log.open("a", buffering=1) as log:
            for completion in super().generate(prompts, spec):
                time.sleep(self._pause)
                log.write(f"{completion.key}\n")
                yield completion


def _run(folder, asked, pause, ready):
    """One process of the pipeline."""
    writer, wanted = _writer(folder)
    ready.set()
    writer.write(wanted, SlowEngine(asked, pause), "killed")


def _started(folder, asked, pause):
    # Not forked: the threads of polars do not survive that.
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_run, args=(folder, asked, pause, ready))
    process.start()
    assert ready.wait(timeout=60)
    return process


@pytest.mark.timeout(180)
def test_kill_9_at_ten_random_moments(tmp_path):
    chance = random.Random(0)
    asked = tmp_path / "asked.txt"
    asked.touch()
    writer, wanted = _writer(tmp_path / "store")
    for _ in range(KILLS):
        kept = set(writer.look_up(wanted).settled["key"])
        before = len(asked.read_text().split())
        process = _started(tmp_path / "store", asked, pause=0.01)
        time.sleep(chance.uniform(0.05, 0.4))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        answered = {key.partition(".")[0] for key in asked.read_text().split()[before:]}
        assert not answered & kept
        # At most the one answer that was on its way to the store is lost.
        now = set(writer.look_up(wanted).settled["key"])
        assert now >= kept
        assert len(answered - now) <= 1
    writer.write(wanted, SlowEngine(asked, 0), "killed")
    found = writer.look_up(wanted)
    assert (len(found.settled), len(found.open)) == (USERS, 0)
    assert found.settled["key"].n_unique() == USERS
    with writer.store.opened() as store:
        assert store.spent(writer.account.name).generated == USERS


@pytest.mark.timeout(120)
def test_two_runs_at_once_share_the_work(tmp_path):
    asked = tmp_path / "asked.txt"
    processes = [_started(tmp_path / "store", asked, pause=0.002) for _ in range(2)]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    keys = asked.read_text().split()
    assert len(keys) == len(set(keys)) == USERS
