"""What is committed of the notebooks: their outputs, their twins, nothing of the machine. That they run is shown by nbmake (`make test`)."""

from __future__ import annotations

from pathlib import Path

import jupytext
import nbformat
import pytest

from tests.notebook.execute import ADDRESS, WIDGET, clean, named

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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_nothing_in_it_is_of_one_run_only(path):
    """Made twice, it is the same file: no names by chance, no state of widgets, no progress bars, no addresses in memory."""
    text = path.read_text()
    notebook = nbformat.reads(text, as_version=4)
    again = nbformat.writes(clean(named(nbformat.from_dict(notebook))))
    assert again.strip() == text.strip(), "run `make notebooks`"
    assert "widget-view" not in text and "widget-state" not in text and not ADDRESS.search(text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_begins_with_what_it_answers(path):
    cells = nbformat.read(path, as_version=4).cells
    assert (
        cells[0].cell_type == "markdown"
        and cells[0].source.startswith("# ")
        and len(cells[0].source.split("\n\n")) > 2
    )
    assert all(cell.source.strip() for cell in cells)


def test_what_is_of_one_run_is_taken_out():
    output = nbformat.v4.new_output
    outputs = [
        output("stream", name="stderr", text="link:  43%|####2 | 3/7 [00:01<00:01, 2.76it/s]"),
        output("stream", name="stderr", text="a warning"),
        output("display_data", data={WIDGET: {"model_id": "1f"}, "text/plain": "Explorer"}),
        output("execute_result", data={"text/plain": "<Thing object at 0x7fa223145dd0>"}),
    ]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("x", outputs=outputs)], metadata={"widgets": {"state": {}}}
    )
    found = clean(named(notebook))
    assert "widgets" not in found.metadata and found.cells[0].id == "cell-1"
    assert [o.get("text") or o.data["text/plain"] for o in found.cells[0].outputs] == [
        "a warning",
        "<Thing object>",
    ]
