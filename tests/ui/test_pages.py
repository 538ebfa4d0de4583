"""The pages in a real headless browser: the graph is shown, a run started there succeeds, MLflow has it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ROOT = Path(__file__).parents[2]
GROUPS = ("interactions", "rationales", "embeddings", "thought_space", "evaluation")

DOMAINS = ("Demo_Films", "Demo_Games", "Demo_Books")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_for(url, seconds=480):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(1)
        else:
            return
    pytest.fail(f"{url} did not answer in {seconds} s")


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    home = tmp_path_factory.mktemp("ui")
    dagster, mlflow = _free_port(), _free_port()
    command = [
        sys.executable,
        "-m",
        "pulse_pipeline.cli",
        "ui",
        "--port",
        str(dagster),
        "--mlflow-port",
        str(mlflow),
    ]
    environment = {**os.environ, "PULSE_HOME": str(home)}
    environment.pop("DAGSTER_HOME", None)
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for port in (dagster, mlflow):
            _wait_for(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{dagster}", f"http://127.0.0.1:{mlflow}", home
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=90)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # a run in progress may hold its server back


@pytest.fixture(scope="module")
def page():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1600, "height": 1000})
        opened.set_default_timeout(90_000)
        yield opened
        browser.close()


def _link_to_mlflow(page, asset, mlflow, seconds=480):
    """Look at the asset's page until its run has ended and the link is there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        page.goto(asset)
        link = page.locator(f'a[href^="{mlflow}"]').first
        try:
            link.wait_for(timeout=20_000)
        except PlaywrightTimeout:
            continue
        return link.get_attribute("href")
    pytest.fail(f"no link to MLflow in {seconds} s")


def _wait_for_runs(dagster, seconds=480):
    """States of the backfill's runs, one a domain, once all have ended."""
    query = json.dumps({"query": "{ runsOrError { ... on Runs { results { status } } } }"}).encode()
    request = urllib.request.Request(
        f"{dagster}/graphql", data=query, headers={"Content-Type": "application/json"}
    )
    deadline = time.monotonic() + seconds
    states = []
    while time.monotonic() < deadline:
        with urllib.request.urlopen(request, timeout=60) as answer:
            states = [run["status"] for run in json.load(answer)["data"]["runsOrError"]["results"]]
        if len(states) == len(DOMAINS) and set(states) <= {"SUCCESS", "FAILURE", "CANCELED"}:
            break
        time.sleep(2)
    return set(states)


def test_the_graph_shows_every_group(servers, page):
    dagster, _, home = servers
    page.goto(f"{dagster}/asset-groups")
    for group in GROUPS:
        page.get_by_text(group, exact=True).first.wait_for()
    picture = home / "asset_graph.png"
    page.screenshot(path=picture)
    assert picture.stat().st_size > 10_000


def test_a_run_started_from_the_page_succeeds_and_links_to_mlflow(servers, page):
    dagster, mlflow, home = servers
    page.goto(f"{dagster}/assets/raw_interactions")
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.locator(".bp5-dialog")
    dialog.get_by_role("button", name="All", exact=True).click()
    dialog.get_by_role("button", name="Launch backfill", exact=True).click()
    address = _link_to_mlflow(
        page, f"{dagster}/assets/raw_interactions?partition=Demo_Films&view=partitions", mlflow
    )
    assert (home / "storage" / "raw_interactions" / "Demo_Films.parquet").exists()
    for domain in DOMAINS:
        page.get_by_text(domain, exact=True).first.wait_for()
    assert _wait_for_runs(dagster) == {"SUCCESS"}
    with page.context.expect_page() as opened:
        page.locator(f'a[href="{address}"]').first.click()
    opened.value.get_by_text("raw_interactions Demo_Films").first.wait_for(timeout=90_000)
    opened.value.screenshot(path=home / "mlflow.png")
