"""Importing the library is quick and loads nothing heavy; neither does the command line until a command needs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = (
    "IPython", "anywidget", "hypothesis", "ipywidgets", "matplotlib", "networkx", "numba", "pandas", "pgmpy", "pyagrum", "rich", "scipy", "sklearn",
    "statsmodels", "torch",
)  # fmt: skip


def python(code: str, **environment: str) -> str:
    command = [sys.executable, "-c", code]
    environment = {**os.environ, **environment}
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment
    ).stdout


@pytest.mark.parametrize(
    "statement",
    [
        "import spinelink",
        "import spinelink.cli",
        "from spinelink import load, Model, Case, networks",
    ],
)
def test_nothing_heavy_is_loaded(statement):
    loaded = json.loads(
        python(
            f"{statement}\nimport sys, json\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
        )
    )
    assert loaded == []


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("model = sl.load('minimal'); model.observe(numbness=True).alerts()", set()),
        ("sl.load('minimal').observe(numbness=True).differential().to_frame()", {"pandas"}),
    ],
)
def test_a_query_loads_only_what_it_uses(code, allowed):
    heavy = [m for m in HEAVY if m not in allowed]
    assert (
        json.loads(
            python(
                f"import sys, json, spinelink as sl\n{code}\nprint(json.dumps([m for m in {heavy!r} if m in sys.modules]))"
            )
        )
        == []
    )


def test_import_takes_less_than_half_a_second_more_than_numpy_and_pydantic(tmp_path):
    """As for users, whose Python keeps its bytecode; of the processor, so that other work does not count."""
    code = (
        "import time, numpy, pydantic\n"
        "start = time.process_time()\n"
        "import spinelink\n"
        "spinelink.load\n"
        "print(time.process_time() - start)"
    )
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    python(code, **kept)  # the first run compiles
    assert min(float(python(code, **kept)) for _ in range(3)) < 0.5


def test_public_names_are_few_and_all_there():
    import spinelink

    assert len(spinelink.__all__) <= 15
    assert all(getattr(spinelink, name) is not None for name in spinelink.__all__)
    assert set(spinelink.__all__) <= set(dir(spinelink))
    with pytest.raises(AttributeError, match="nonsense"):
        spinelink.nonsense  # noqa: B018


def test_version_is_that_of_the_project_file():
    import tomllib
    from pathlib import Path

    import spinelink

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert spinelink.__version__ == project["project"]["version"]
