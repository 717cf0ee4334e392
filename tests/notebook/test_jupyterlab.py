"""The explorer in a real JupyterLab on this machine: from start to screenshot. Run all, click three findings, an alert, undo."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import spinelink as sl
from tests.notebook.browser import chromium, needs_chromium
from tests.notebook.server import PATIENCE, TOKEN, asked, served

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.slow]

CLICKS = (("leg_pain", "below_knee"), ("numbness", "present"), ("bladder_dysfunction", "present"))


@pytest.fixture
def lab(tmp_path):
    needs_chromium()
    with served("jupyterlab", tmp_path) as url:
        yield url


def test_from_run_all_to_undo(lab, record_property):
    model = sl.load("minimal")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{lab}/lab/tree/explore.ipynb?token={TOKEN}")
        page.wait_for_function("window.jupyterapp !== undefined")
        end = time.monotonic() + PATIENCE
        while not any(
            s["kernel"]["execution_state"] == "idle" for s in asked(lab, "api/sessions") or []
        ):
            assert time.monotonic() < end, "the kernel did not start"
            time.sleep(0.3)
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_selector(".slx")
        page.wait_for_selector(
            ".spinelink-still", state="hidden"
        )  # it is for readers without a kernel
        taken = []
        for node, state in CLICKS:
            row = page.locator(f".slx-list .slx-row[data-node='{node}']")
            row.evaluate("(e) => (e.closest('details').open = true)")
            page.evaluate("delete document.querySelector('.slx').dataset.redraw")
            row.locator(f"button[data-state='{state}']").click()
            page.wait_for_selector(
                f".slx-list .slx-row[data-node='{node}'] button[data-state='{state}'][aria-checked='true']"
            )
            taken.append(
                float(
                    page.wait_for_function(
                        "document.querySelector('.slx').dataset.redraw"
                    ).json_value()
                )
            )
        cells = page.locator(".jp-Notebook .jp-Cell").count()
        for key in (
            "ArrowLeft",
            "b",
            "x",
        ):  # Jupyter's shortcuts for cells are not for keys pressed in the widget
            page.keyboard.press(key)
        assert page.evaluate("document.activeElement.dataset.state") == "absent"
        assert page.locator(".jp-Notebook .jp-Cell").count() == cells
        case = model.observe(dict(CLICKS))
        assert causes(page) == expected(case)
        assert "EMERGENCY" in page.locator(".slx-alert").inner_text()
        page.wait_for_function("document.querySelectorAll('.slx-waiting').length === 0")
        assert "Linked with probability" in page.locator(".slx-panel").inner_text()
        if folder := os.environ.get("SPINELINK_SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / "jupyterlab.png")
        page.get_by_role("button", name="Undo", exact=True).click()
        page.wait_for_function("document.querySelectorAll('.slx-alert').length === 0")
        assert causes(page) == expected(case.retract("bladder_dysfunction"))
    record_property(
        "measured click to redraw in JupyterLab, ms", ", ".join(f"{t:.0f}" for t in taken)
    )


def test_a_notebook_that_is_not_trusted_shows_its_pictures(lab):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{lab}/lab/tree/cloned.ipynb?token={TOKEN}")
        image = page.locator(".jp-OutputArea-output img.spinelink-image")
        image.wait_for(state="visible")
        page.wait_for_function("document.querySelector('img.spinelink-image').naturalWidth > 0")
        output = page.locator(".jp-OutputArea-output").inner_text()
        assert "Numbness in the leg: present" in output  # the list of findings
        assert (
            "strength" not in output and "States:" not in output
        )  # no wall of what the tooltips say
        assert image.bounding_box()["width"] > 500


def causes(page):
    return page.evaluate(
        "[...document.querySelectorAll('tr[data-cause]')].map((r) => [r.dataset.cause, r.children[1].textContent])"
    )


def expected(case):
    rows = [(c.cause, c.posterior) for c in case.differential(limit=12).causes]
    return [[n, f"{100 * p:.1f} %" if p < 0.1 else f"{100 * p:.0f} %"] for n, p in rows]
