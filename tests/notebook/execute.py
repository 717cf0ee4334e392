"""The notebooks, made anew from their .py twins: `make notebooks`. Made twice from the same code they are the same files."""

from __future__ import annotations

import re
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
PROGRESS = re.compile(r"it/s|s/it|\d+%\|")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def main() -> None:
    for path in sorted(FOLDER.glob("*.py")):
        notebook = named(jupytext.read(path))
        NotebookClient(
            notebook,
            timeout=120,
            record_timing=False,
            resources={"metadata": {"path": str(FOLDER)}},
        ).execute()
        nbformat.write(clean(notebook), path.with_suffix(".ipynb"))
        print(path.with_suffix(".ipynb").relative_to(FOLDER.parent))


def named(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The cells by number, in place of random names."""
    for number, cell in enumerate(notebook.cells, 1):
        cell["id"] = f"cell-{number}"
    return notebook


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what is of one run only: state of widgets (a still picture stands beside them), progress bars, addresses in memory, the Python version."""
    kept = {
        name: notebook.metadata[name]
        for name in ("jupytext", "kernelspec")
        if name in notebook.metadata
    }
    kept.get("jupytext", {}).get("text_representation", {}).pop("jupytext_version", None)
    notebook["metadata"] = nbformat.from_dict(
        {
            **kept,
            "language_info": {
                "name": "python",
                "file_extension": ".py",
                "mimetype": "text/x-python",
            },
        }
    )
    for cell in notebook.cells:
        cell["metadata"] = nbformat.from_dict(
            {name: value for name, value in cell.metadata.items() if name == "tags"}
        )
        if cell.cell_type == "code":
            cell["outputs"] = [output for output in map(_clean, cell.outputs) if output is not None]
    return notebook


def _clean(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """An output, or nothing where it is a widget or a progress bar."""
    if output.output_type == "stream":
        if output.name == "stderr" and PROGRESS.search(output.text):
            return None
        output["text"] = ADDRESS.sub("", output.text)
    elif "data" in output:
        if WIDGET in output.data:
            return None
        if "text/plain" in output.data:
            output.data["text/plain"] = ADDRESS.sub("", output.data["text/plain"])
    return output


if __name__ == "__main__":
    main()
