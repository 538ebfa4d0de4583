"""The report in a real headless browser: nothing spills over the edge, nothing is asked for."""

import shutil

import pytest

from pulse_pipeline.evaluation.report.page import write_report
from tests.evaluation.report.world import report
from tests.ui.test_pages import FLAGS

CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.mark.parametrize("width", [390, 1440], ids=["phone", "desktop"])
def test_the_report_fits_the_screen_and_loads_nothing(tmp_path, width):
    from playwright.sync_api import sync_playwright

    path = tmp_path / "index.html"
    write_report(report(), path)
    complaints, requests = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": 844})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        drawn = "Array.from(document.images).every(image => image.complete && image.naturalWidth > 0)"
        page.wait_for_function(drawn)
        browser.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("data:", path.as_uri()))] == []
