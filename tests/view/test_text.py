"""Numbers for people: years stay years, percent near 0 and 100, bars of progress (F22)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import spinelink as sl
from spinelink import progress
from spinelink.view.text import short_number, show_number, show_percent, show_percents

SOURCE = Path(sl.__file__).parent


@pytest.mark.parametrize(
    ("value", "table", "text"),
    [
        (2020.0, "2020", "2020"),
        (2020, "2020", "2020"),
        (0.0, "0", "0"),
        (1.0, "1", "1"),
        (0.5, "0.500", "0.5"),
        (0.99951, ">0.999", ">0.999"),
        (0.9994, "0.999", "0.999"),
        (1234.5, "1234", "1234"),
        (999.7, "1000", "1000"),
        (-3.14159, "-3.14", "-3.14"),
        (1.5e-7, "1.50e-07", "1.5e-07"),
        (1e300, "1.00e+300", "1e+300"),
        (float("nan"), "", ""),
        (float("inf"), "inf", "inf"),
    ],
)
def test_f22_numbers(value, table, text):
    assert (show_number(value), short_number(value)) == (table, text)


def test_percent_is_certain_only_where_it_is():
    for p in (k / 2000 for k in range(2001)):
        said = show_percent(p)
        assert (said in ("0 %", "100 %")) == (p in (0.0, 1.0))
        assert abs(float(said.strip("<> %")) / 100 - p) <= 0.005001


def test_ends_of_an_interval():
    assert show_percents(0.1, 0.9) == "10 % to 90 %"
    assert show_percents(0.101, 0.102) == "10 %"
    assert show_percents(float("nan"), float("nan")) == ""


def test_f22_years_are_years():
    text = str(sl.load("minimal").observe(numbness=True).sources("lumbar_disc_herniation"))
    assert " 2022 " in text and "e+03" not in text


def test_numbers_are_formatted_in_one_place():
    """No module but `view/text.py` gives pandas a format for numbers."""
    found = [
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "float_format"
    ]
    assert set(found) <= {"view/text.py"}


@pytest.mark.parametrize(
    ("total", "steps", "error", "style"),
    [
        (100, 8, None, "success"),
        (5, 9, None, "success"),
        (5, 0, None, "success"),
        (100, 8, KeyboardInterrupt, "danger"),
        (100, 8, ValueError, "danger"),
    ],
)
def test_f22_a_bar_ends_green_and_full_only_on_success(total, steps, error, style, monkeypatch):
    notebook = pytest.importorskip("tqdm.notebook")
    pytest.importorskip("ipywidgets")
    lines = []

    class Line(notebook.tqdm):
        def __init__(self, **options):
            super().__init__(**options)
            lines.append(self)

    monkeypatch.setattr(progress, "line_of_progress", lambda: Line)
    try:
        with progress.bar("work", total, shown=True) as on_progress:
            for step in range(1, steps + 1):
                on_progress(step)
            if error is not None:
                raise error
    except (KeyboardInterrupt, ValueError):
        pass
    _, widget, _ = lines[0].container.children
    assert widget.bar_style == style
    assert (widget.value == widget.max) == (style == "success")
