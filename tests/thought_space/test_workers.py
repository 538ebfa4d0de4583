"""Several processes learn what one learns."""

import multiprocessing
import os
import socket

import polars as pl
import pytest
import torch

from pulse_pipeline.thought_space import objective
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.training import train
from pulse_pipeline.thought_space.workers import launched
from tests.thought_space.conftest import planted

# Dropout and all: what is left to chance is the same in every process.
CONFIG = ThoughtSpaceConfig(device="cpu", epochs=3, batch_size=64, attention_width=16)
SOFTMAX = {"full": {}, "sampled": {"full_softmax_items": 10, "sampled_negatives": 40}}
PROCESSES = 2


def domains():
    return [planted(), planted("books", seed=5, rationale_noise=None)]


def config_of(softmax):
    return CONFIG.model_copy(update=SOFTMAX[softmax])


def worker(rank, port, folder, softmax):
    torch.set_num_threads(1)
    os.environ |= {
        "RANK": str(rank),
        "WORLD_SIZE": str(PROCESSES),
        "LOCAL_RANK": str(rank),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    with launched() as workers:
        state = folder / "state.safetensors"
        trained = train("both", domains(), config_of(softmax), state=state, workers=workers)
    trained.history.write_parquet(folder / f"{rank}.parquet")
    torch.save(trained.model.state_dict(), folder / f"{rank}.pt")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("softmax", SOFTMAX)
def test_two_processes_learn_what_one_learns(tmp_path, softmax):
    context = multiprocessing.get_context("spawn")
    port = free_port()
    arguments = [(rank, port, tmp_path, softmax) for rank in range(PROCESSES)]
    processes = [context.Process(target=worker, args=these) for these in arguments]
    for process in processes:
        process.start()
    alone = train("both", domains(), config_of(softmax))
    for process in processes:
        process.join()
        assert process.exitcode == 0
    histories = [pl.read_parquet(tmp_path / f"{rank}.parquet") for rank in range(PROCESSES)]
    states = [torch.load(tmp_path / f"{rank}.pt") for rank in range(PROCESSES)]
    assert histories[0].drop("seconds").equals(histories[1].drop("seconds"))
    for name in (*objective.TERMS, "val_ndcg@10"):
        one, two = alone.history[name].to_list()[1:], histories[0][name].to_list()[1:]
        assert two == pytest.approx(one, abs=1e-4), name
    for name, tensor in alone.model.state_dict().items():
        assert torch.equal(states[0][name], states[1][name]), name
        assert torch.allclose(tensor, states[0][name], atol=1e-4), name
    # What they leave behind, one process reads as its own.
    finished = train("both", domains(), config_of(softmax), state=tmp_path / "state.safetensors")
    assert finished.history.equals(histories[0])
