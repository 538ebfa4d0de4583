"""A training that is killed goes on from its last epoch, to the same weights."""

import multiprocessing
import os
import random
import signal
import time

import pytest
import torch

from pulse_pipeline.progress import LogListener, listening
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.training import train
from tests.thought_space.conftest import planted

CONFIG = ThoughtSpaceConfig(device="cpu", epochs=6, patience=6, batch_size=32, attention_width=16)
KILLS = 3


class Slow(LogListener):
    """Gives the killer time."""

    def updated(self, task):
        time.sleep(0.02)


@pytest.fixture
def one_thread():
    """Sums are the same to the last bit only over the same number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(state):
    torch.set_num_threads(1)
    with listening(Slow()):
        train("films", [planted()], CONFIG, state=state)


def changes(state, since, process):
    """Wait until the state file is another one."""
    while process.is_alive() and (state.stat().st_ino if state.exists() else None) == since:
        time.sleep(0.005)


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("one_thread")
def test_kill_9_loses_no_finished_epoch(tmp_path):
    state = tmp_path / "films" / "loo.safetensors"
    chance = random.Random(0)
    for _ in range(KILLS):
        since = state.stat().st_ino if state.exists() else None
        process = multiprocessing.get_context("spawn").Process(target=run, args=(state,))
        process.start()
        changes(state, since, process)
        time.sleep(chance.uniform(0, 0.1))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
    resumed = train("films", [planted()], CONFIG, state=state)
    whole = train("films", [planted()], CONFIG)
    assert resumed.history.drop("seconds").equals(whole.history.drop("seconds"))
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, resumed.model.state_dict()[name]), name
