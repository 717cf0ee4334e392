"""Marks of missing data in frames of every kind (F3), empty rows (F8), and labels of columns."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import spinelink as sl
from spinelink.errors import EvidenceError, SpinelinkError
from spinelink.network.evidence import MARKS_OF_MISSING

MARKS = ["-", "None", "nan", "NaN", "n/a", "NA", "?", ".", "null", "", "<NA>", "NULL", " "]
CELLS = [*MARKS, None]


def frames(columns):
    """The same table as pandas (texts and objects), polars and pyarrow."""
    return {
        "objects": pd.DataFrame(columns, dtype=object),
        "pandas": pd.DataFrame(columns),
        "categories": pd.DataFrame(columns).astype("category"),
        "polars": pl.DataFrame(columns),
        "pyarrow": pa.table(columns),
    }


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


@pytest.mark.parametrize("kind", ["objects", "pandas", "categories", "polars", "pyarrow"])
@pytest.mark.parametrize("column", ["numbness", "leg_pain", "numbness=present"])
def test_f3_and_f8_a_missing_cell_says_nothing(model, kind, column):
    frame = frames({column: CELLS})[kind]
    found = model.posteriors(frame, of="leg_pain")
    logs = found["log_evidence"]
    assert list(logs.to_pylist() if kind == "pyarrow" else logs) == [0.0] * len(CELLS)
    before = model.observe().posterior("leg_pain")["none"]
    np.testing.assert_allclose(np.array(found["leg_pain=none"]), before, atol=1e-12)


@pytest.mark.parametrize("kind", ["objects", "pandas", "polars", "pyarrow"])
def test_f3_none_is_the_state_and_none_of_python_is_not(model, kind):
    texts = {"leg_pain": ["none", "None", "below_knee"]}
    found = model.posteriors(frames(texts)[kind], of="leg_pain")
    none = np.array(found["leg_pain=none"])
    assert none[0] == 1.0 and 0.0 < none[1] < 1.0 and none[2] == 0.0


def test_f3_what_astype_str_makes_of_missing_cells(model):
    frame = pd.DataFrame({"numbness": ["present", None, np.nan, pd.NA]}, dtype=object)
    text = pd.DataFrame({"numbness": [str(cell) for cell in frame["numbness"]]})
    pd.testing.assert_frame_equal(model.posteriors(text), model.posteriors(frame))


def test_f3_the_marks_are_those_of_the_documentation():
    text = (Path(__file__).parents[2] / "docs" / "tables.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith(("| signs", "| letters"))]
    listed = {mark.lower() for row in rows for mark in re.findall("`([^`]+)`", row)}
    assert listed == {*MARKS_OF_MISSING, "none"} - {""}


def test_f3_plus_and_minus_are_asked_about(model):
    with pytest.raises(EvidenceError, match=r"'\+' and '-'.*absent and present"):
        model.posteriors(pd.DataFrame({"numbness": ["+", "-"]}))


def test_f8_an_empty_row_has_log_evidence_0(model):
    assert model.posteriors(pd.DataFrame({"numbness": [None]}))["log_evidence"].tolist() == [0.0]
    assert model.observe().log_evidence == 0.0
    for name in sl.networks():
        big = sl.load(name)
        frame = pd.DataFrame(
            {"back_pain": [None, True, None], "numbness=present": [np.nan, 0.5, 1]}
        )
        for engine in ("numpy", "auto"):
            logs = big.posteriors(frame, engine=engine)["log_evidence"]
            assert logs[0] == 0.0 and (logs <= 0.0).all() and logs[1] < 0.0


@pytest.mark.parametrize("kept", ["long", "text", "stamp", "null", "object"])
def test_f4_kept_columns_keep_their_type(model, kept):
    columns = {
        "numbness": ["yes", None],
        "long": [2**60 + 1, 2**60 + 3],
        "text": ["NA", "007"],
        "stamp": pd.to_datetime(["2026-01-01", None]),
        "null": pd.array([2**60 + 1, None], dtype="Int64"),
        "object": pd.Series([None, "None"], dtype=object),
    }
    frame = pd.DataFrame({"numbness": columns["numbness"], kept: columns[kept]})
    found = model.posteriors(frame, keep=kept)
    pd.testing.assert_series_equal(found[kept], frame[kept])


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame([[1, 2]]),
        pd.DataFrame([["yes"]], columns=[("numbness", 1)]),
        pd.DataFrame([["yes"]], columns=pd.MultiIndex.from_tuples([("numbness", "now")])),
    ],
)
def test_f19_labels_that_are_no_text(model, frame):
    with pytest.raises(SpinelinkError, match="names of columns are texts"):
        model.posteriors(frame)


def test_f19_two_columns_of_one_name(model):
    twice = pd.DataFrame([["yes", "no"]], columns=["numbness", "numbness"])
    arrow = pa.Table.from_arrays([pa.array(["yes"]), pa.array(["no"])], ["numbness", "numbness"])
    for frame in (twice, arrow):
        with pytest.raises(EvidenceError, match="'numbness' stands in the table 2 times"):
            model.posteriors(frame)
