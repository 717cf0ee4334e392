"""What is committed of the notebooks: their outputs, their twins, nothing of the machine. That they run is shown by nbmake (`make test`)."""

from __future__ import annotations

from pathlib import Path

import jupytext
import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_its_twin_says_the_same(path):
    """`make notebooks` writes the notebook from the .py file beside it."""
    twin = jupytext.read(path.with_suffix(".py"))
    cells = [(c.cell_type, c.source.strip()) for c in nbformat.read(path, as_version=4).cells]
    assert [(c.cell_type, c.source.strip()) for c in twin.cells] == cells


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_outputs_are_kept_and_clean(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    assert outputs, "run `make notebooks` and commit the result"
    assert not [o for o in outputs if o.output_type == "error"]
    text = path.read_text()
    for trace in ("/root/", "/home/", "/work/", "C:\\\\"):
        assert trace not in text, "a path of a machine stands in an output"
    assert len(text) < 400_000
