"""The explorer in a real Notebook 7: its keys are the widget's, a click changes the ranking, and a kernel that is gone is said."""

from __future__ import annotations

import time
import urllib.request

import pytest

import spinelink as sl
from tests.notebook.browser import chromium, needs_chromium
from tests.notebook.server import PATIENCE, TOKEN, asked, served
from tests.notebook.test_jupyterlab import causes, expected

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.slow]


@pytest.fixture
def notebook(tmp_path):
    needs_chromium()
    pytest.importorskip(
        "notebook", minversion="7", reason="Notebook 7 is not installed: pip install 'notebook>=7'"
    )
    with served("notebook", tmp_path) as url:
        yield url


def test_keys_click_and_a_dead_kernel(notebook):
    model = sl.load("minimal")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{notebook}/notebooks/explore.ipynb?token={TOKEN}")
        page.wait_for_selector(".jp-Notebook")
        end = time.monotonic() + PATIENCE
        while not any(
            s["kernel"]["execution_state"] == "idle" for s in asked(notebook, "api/sessions") or []
        ):
            assert time.monotonic() < end, "the kernel did not start"
            time.sleep(0.3)
        page.get_by_text("Run", exact=True).first.click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.wait_for_selector(".slx")
        cells = page.locator(".jp-Cell").count()
        row = page.locator(".slx-list .slx-row[data-node='numbness']")
        row.evaluate("(e) => (e.closest('details').open = true)")
        row.locator("button[data-state='absent']").click()
        page.wait_for_selector(
            ".slx-row[data-node='numbness'] button[data-state='absent'][aria-checked='true']"
        )
        for key, state in (
            ("ArrowRight", "present"),
            ("ArrowLeft", "absent"),
            ("ArrowDown", "present"),
        ):
            page.keyboard.press(key)
            assert page.evaluate("document.activeElement.dataset.state") == state
        page.keyboard.press("Enter")
        page.wait_for_selector(
            ".slx-row[data-node='numbness'] button[data-state='present'][aria-checked='true']"
        )
        assert causes(page) == expected(model.observe(numbness=True))
        for key in ("b", "x", "d", "d"):  # Jupyter's shortcuts for cells
            page.keyboard.press(key)
        page.get_by_role("tab", name="Answers").focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.dataset.tab") == "why"
        assert page.locator(".jp-Cell").count() == cells and page.locator(".slx").count() == 1
        for session in asked(notebook, "api/sessions"):
            delete(notebook, f"api/kernels/{session['kernel']['id']}")
        page.locator(".slx-row[data-node='back_pain'] button[data-state='present']").click()
        page.wait_for_function(
            "document.querySelector('.slx-silence').textContent.includes('No answer from the kernel')"
        )


def delete(url, path):
    request = urllib.request.Request(
        f"{url}/{path}", headers={"Authorization": f"token {TOKEN}"}, method="DELETE"
    )
    urllib.request.urlopen(request, timeout=20).read()
