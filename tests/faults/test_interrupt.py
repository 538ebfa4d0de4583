"""Who stops a run gets it stopped, at once and without a retry; what was finished is kept."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.faults.stuck import STUCK


@pytest.mark.timeout(240)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_and_nothing_is_tried_again(tmp_path, number):
    home, asked = tmp_path / "home", tmp_path / "asked"
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, str(asked)],
        env={**os.environ, "PULSE_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        while not asked.exists():
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(number)
        said, _ = process.communicate(timeout=25)  # a retry would wait for 30 s
    finally:
        process.kill()
    assert process.returncode == 1
    assert "rationales[Demo_Films]: stopped by a signal" in said
    assert (home / "storage" / "items" / "Demo_Films.parquet").exists()
    assert not (home / "storage" / "rationales").exists()
