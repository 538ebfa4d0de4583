"""The command for several processes, as it is started on a machine with several GPUs."""

import os
import subprocess
import sys

import pytest

from pulse_pipeline.commands.train import mix_data
from pulse_pipeline.home import Home
from pulse_pipeline.settings import load_settings
from pulse_pipeline.thought_space.training import train
from tests.thought_space.test_workers import free_port

MIX = "Demo_Films"


@pytest.mark.timeout(300)
def test_torchrun_leaves_trainings_that_one_process_takes_for_its_own(pipeline, home, tmp_path, monkeypatch):
    home.mkdir()
    (home / "storage").symlink_to(pipeline.storage)
    settings = tmp_path / "pulse.yaml"
    settings.write_text("thought_space: {device: cpu, epochs: 2, attention_width: 16}\n")
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_port())]
    command = ["-m", "pulse_pipeline.commands.train", MIX, "--config", str(settings)]
    subprocess.run(
        [sys.executable, *torchrun, *command],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
    )
    monkeypatch.chdir(tmp_path)
    for protocol in ("loo", "temporal"):
        state = Home(home).training_of("thought_space_model", MIX) / f"{protocol}.safetensors"
        left = state.read_bytes()
        domains = mix_data(Home(home), MIX, protocol)
        trained = train(MIX, domains, load_settings(settings).thought_space, state=state)
        assert len(trained.history) == 3
        assert state.read_bytes() == left
