"""``pulse ui``: Dagster's web UI and MLflow's beside it, on one home, on loopback by default."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home
from resources.instance import open_instance, prepare
from resources.processes import bury

LOOPBACK = "127.0.0.1"
PATIENCE = 30  # seconds that a server has to end by itself


def serve(home: Home, dagster_port: int, mlflow_port: int, host: str = LOOPBACK) -> NoReturn:
    """Run both servers until one ends or the user interrupts, by Ctrl-C or by SIGTERM.

    Args:
        home: The home both read.
        dagster_port: Port of Dagster's page.
        mlflow_port: Port of MLflow's page.
        host: Address that both listen on.

    Raises:
        PulseError: A server ended by itself.
        KeyboardInterrupt: The user interrupted, and the servers have ended.
    """
    environment = _environment(home, mlflow_port)
    with open_instance(home) as instance:
        bury(home, instance)
    commands = {
        "Dagster": [*_module("dagster"), "dev", *_workspace(), "-h", host, "-p", str(dagster_port)],
        "MLflow": [
            *_module("mlflow"), "server", "--host", host, "--port", str(mlflow_port),
            "--backend-store-uri", home.mlflow_uri, "--default-artifact-root", home.mlflow_artifacts.as_uri(),
            "--workers", "1",
        ],
    }  # fmt: skip
    print(
        f"Dagster  http://{LOOPBACK}:{dagster_port}\nMLflow   http://{LOOPBACK}:{mlflow_port}",
        file=sys.stderr,
    )
    run_together(commands, environment)


def run_together(commands: dict[str, list[str]], environment: dict[str, str]) -> NoReturn:
    """Run servers until one ends, or SIGINT or SIGTERM asks all to.

    Args:
        commands: By name, what starts each.
        environment: Of all of them.

    Raises:
        PulseError: A server ended by itself.
        KeyboardInterrupt: The servers were asked to end, and have.
    """
    # A shell has what it runs in the background ignore SIGINT, and servers would inherit that; a signal that
    # is handled here is theirs to handle again.
    _on_interrupt(signal.default_int_handler)
    servers: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            servers[name] = subprocess.Popen(command, env=environment)
        _wait(servers)
    finally:
        _on_interrupt(signal.SIG_IGN)
        _end(servers)


def _on_interrupt(answer: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, answer)


def _end(servers: dict[str, subprocess.Popen[bytes]]) -> None:
    for server in servers.values():
        server.send_signal(signal.SIGINT)
    for server in servers.values():
        try:
            server.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _environment(home: Home, mlflow_port: int) -> dict[str, str]:
    return {
        **os.environ,
        "PULSE_HOME": str(home.root),
        "DAGSTER_HOME": str(prepare(home)),
        "PULSE_MLFLOW_URL": f"http://{LOOPBACK}:{mlflow_port}",
    }


def _workspace() -> list[str]:
    """In a checkout its workspace file, elsewhere the installed module."""
    workspace = Path("workspace.yaml")
    return ["-w", str(workspace)] if workspace.exists() else ["-m", "pulse_pipeline.definitions"]


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _wait(servers: dict[str, subprocess.Popen[bytes]]) -> NoReturn:
    while True:
        time.sleep(0.5)
        for name, server in servers.items():
            if server.poll() is not None:
                raise PulseError(f"{name}'s server ended with status {server.returncode}; is its port taken?")
