"""The explorer in a real JupyterLab on this machine: from start to screenshot. Run all, click three findings, an alert, undo."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

import spinelink as sl
from tests.notebook.browser import chromium, needs_chromium

pytestmark = pytest.mark.xdist_group("browser")

TOKEN = "only-for-this-test"
CLICKS = (("leg_pain", "below_knee"), ("numbness", "present"), ("bladder_dysfunction", "present"))
PATIENCE = 120  # seconds for a step on a slow machine


@pytest.fixture
def lab(tmp_path):
    needs_chromium()
    cells = ["import spinelink as sl", 'explorer = sl.load("minimal").explore()\nexplorer']
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    work = tmp_path / "work"
    work.mkdir()
    nbformat.write(notebook, work / "explore.ipynb")
    nbformat.write(cloned(), work / "cloned.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = {
        k: str(tmp_path / k)
        for k in (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
            "IPYTHONDIR",
            "JUPYTERLAB_SETTINGS_DIR",
            "JUPYTERLAB_WORKSPACES_DIR",
        )
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}",
        "--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={work}", "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    log = (tmp_path / "lab.log").open("w")
    server = subprocess.Popen(command, cwd=work, env={**os.environ, **home}, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait(lambda: asked(url, "api/status") is not None, server, tmp_path)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def cloned():
    """A notebook with outputs that this JupyterLab did not make and does not trust."""
    found = sl.load("minimal").observe(numbness=True)
    output = nbformat.v4.new_output("execute_result", data={"text/html": found._repr_html_(), "text/plain": "x"}, execution_count=1)
    cell = nbformat.v4.new_code_cell('sl.load("minimal").observe(numbness=True)', outputs=[output], execution_count=1)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def asked(url, path):
    try:
        request = urllib.request.Request(f"{url}/{path}", headers={"Authorization": f"token {TOKEN}"})
        return json.loads(urllib.request.urlopen(request, timeout=5).read())
    except OSError:
        return None


def wait(ready, server, folder):
    end = time.monotonic() + PATIENCE
    while not ready():
        if server.poll() is not None or time.monotonic() > end:
            pytest.fail(f"JupyterLab did not start:\n{(folder / 'lab.log').read_text()[-2000:]}")
        time.sleep(0.3)


def test_from_run_all_to_undo(lab, record_property):
    model = sl.load("minimal")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{lab}/lab/tree/explore.ipynb?token={TOKEN}")
        page.wait_for_function("window.jupyterapp !== undefined")
        end = time.monotonic() + PATIENCE
        while not any(s["kernel"]["execution_state"] == "idle" for s in asked(lab, "api/sessions") or []):
            assert time.monotonic() < end, "the kernel did not start"
            time.sleep(0.3)
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_selector(".slx")
        page.wait_for_selector(".spinelink-still", state="hidden")  # it is for readers without a kernel
        taken = []
        for node, state in CLICKS:
            row = page.locator(f".slx-list .slx-row[data-node='{node}']")
            row.evaluate("(e) => (e.closest('details').open = true)")
            page.evaluate("delete document.querySelector('.slx').dataset.redraw")
            row.locator(f"button[data-state='{state}']").click()
            page.wait_for_selector(f".slx-list .slx-row[data-node='{node}'] button[data-state='{state}'][aria-checked='true']")
            taken.append(float(page.wait_for_function("document.querySelector('.slx').dataset.redraw").json_value()))
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
    record_property("measured click to redraw in JupyterLab, ms", ", ".join(f"{t:.0f}" for t in taken))


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
        assert "strength" not in output and "States:" not in output  # no wall of what the tooltips say
        assert image.bounding_box()["width"] > 500


def causes(page):
    return page.evaluate("[...document.querySelectorAll('tr[data-cause]')].map((r) => [r.dataset.cause, r.children[1].textContent])")


def expected(case):
    rows = [(c.cause, c.posterior) for c in case.differential(limit=12).causes]
    return [[n, f"{100 * p:.1f} %" if p < 0.1 else f"{100 * p:.0f} %"] for n, p in rows]
