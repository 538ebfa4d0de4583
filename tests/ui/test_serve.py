"""`pulse ui` as a shell starts it in the background and a supervisor ends it: no server outlives it."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

# A shell has what it runs in the background ignore SIGINT.
BACKGROUND = r"""
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
from pulse_pipeline.commands.serve import run_together
server = r"import os, time; os.write(1, b'%d\n' % os.getpid()); time.sleep(600)"
run_together({name: [sys.executable, "-c", server] for name in ("one", "other")}, dict(os.environ))
"""


@pytest.fixture
def background():
    command = [sys.executable, "-c", BACKGROUND]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        yield process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.timeout(90)
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_servers_end_with_what_started_them(background, asked):
    servers = [int(background.stdout.readline()) for _ in range(2)]
    assert all(map(_is_alive, servers))
    background.send_signal(asked)
    assert background.wait(timeout=30) == -signal.SIGINT
    deadline = time.monotonic() + 10
    while any(map(_is_alive, servers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_is_alive, servers))
