"""A Jupyter server on this machine, for the tests in real notebooks: its own folders, ended by its process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import nbformat
import pytest

import spinelink as sl

TOKEN = "only-for-this-test"
PATIENCE = 120  # seconds for a step on a slow machine


@contextmanager
def served(application, tmp_path):
    """The address of a server ("jupyterlab" or "notebook") with explore.ipynb, which shows the explorer of `minimal`, and cloned.ipynb."""
    cells = ["import spinelink as sl", 'explorer = sl.load("minimal").explore()\nexplorer']
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
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
        sys.executable, "-m", application, "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}",
        "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True", f"--ServerApp.root_dir={work}", "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
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
    output = nbformat.v4.new_output(
        "execute_result",
        data={"text/html": found._repr_html_(), "text/plain": "x"},
        execution_count=1,
    )
    cell = nbformat.v4.new_code_cell(
        'sl.load("minimal").observe(numbness=True)', outputs=[output], execution_count=1
    )
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    return notebook


def asked(url, path):
    try:
        request = urllib.request.Request(
            f"{url}/{path}", headers={"Authorization": f"token {TOKEN}"}
        )
        return json.loads(urllib.request.urlopen(request, timeout=5).read())
    except OSError:
        return None


def wait(ready, server, folder):
    end = time.monotonic() + PATIENCE
    while not ready():
        if server.poll() is not None or time.monotonic() > end:
            pytest.fail(f"Jupyter did not start:\n{(folder / 'lab.log').read_text()[-2000:]}")
        time.sleep(0.3)
