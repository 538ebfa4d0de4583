"""Every test gets a home of its own and none of the user's settings.

Where pytest runs in several processes, tests that share what is slow to make share a process.
"""

import os
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch and vLLM are loaded: a core for each process
    os.environ |= {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}

import pytest
from hypothesis import settings

# On a machine that is shared, how long one example takes says nothing.
settings.register_profile("pulse", deadline=None)
settings.load_profile("pulse")

SLOW_TO_MAKE = ("pipeline", "weights")
FIRST = (*SLOW_TO_MAKE, "tests/real_data/test_pipeline_real.py")
"""Groups that take longest: begun first, lest one process waits for the other at the end."""

OURS = (
    "PULSE_CONFIG",
    "PULSE_DOMAINS",
    "PULSE_ENGINE",
    "PULSE_LLM_TOKEN",
    "PULSE_LLM_URL",
    "PULSE_MLFLOW_URL",
    "DAGSTER_HOME",
    "RAY_ADDRESS",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Put what uses a fixture of the whole session into one group, and every other file into its own."""
    items.sort(key=lambda item: _group(item) not in FIRST)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item):
    shared = [name for name in SLOW_TO_MAKE if name in getattr(item, "fixturenames", ())]
    return [*shared, item.nodeid.split("::")[0]][0]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PULSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def real_data():
    """The folder of real data sets; tests that need it skip where it is absent."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("PULSE_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set PULSE_TEST_DATA")
    return folder
