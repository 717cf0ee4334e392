"""Every question is documented with a runnable example, and every answer has the same habits."""

from __future__ import annotations

import dataclasses
import inspect
import json
import pickle

import numpy as np
import pandas as pd
import pytest

import spinelink as sl
from spinelink.diagnosis import Case, Model
from spinelink.inference.kernel import counts, solve
from spinelink.result import Result
from tests.every.answers import NO_ANSWER, OF_CASE, OF_MODEL, case, model

QUESTIONS = [*((Case, n) for n in OF_CASE), *((Model, n) for n in OF_MODEL)]
MEMBERS = [
    (cls, name)
    for cls in (Case, Model)
    for name in dir(cls)
    if not name.startswith("_") and not name.isupper()
]
INTERNAL = {
    *("compiled", "compiled_in", "in_force", "marginals", "names", "observed"),
    *("present", "prior_present", "question", "values", "without_findings", "is_observed"),
    *(
        "engine",
        "limits",
        "memory",
        "network",
        "stated",
        "log_selected",
        "origin",
        "setting",
        "findings",
        "model",
        "covariance",
    ),
}


def ask(cls, name):
    return OF_CASE[name](case()) if cls is Case else OF_MODEL[name](model())


def test_every_member_is_walked():
    """A new question is told what is missing: an entry in `tests/every/answers.py`."""
    asked = {Case: OF_CASE, Model: OF_MODEL}
    missing = [
        f"{cls.__name__}.{name}"
        for cls, name in MEMBERS
        if name not in asked[cls] and name not in NO_ANSWER
    ]
    assert not missing


@pytest.mark.parametrize(("cls", "name"), [m for m in MEMBERS if m[1] not in INTERNAL])
def test_every_public_member_says_what_it_takes_and_gives(cls, name):
    getattr(cls, name)  # its module is imported on first use
    member = inspect.getattr_static(cls, name)
    text = inspect.getdoc(getattr(member, "func", None) or member) or ""
    assert text.split("\n")[0].strip(), "a first sentence"
    assert "Example:" in text and ">>>" in text
    if not callable(member):
        return
    parameters = [
        p
        for p in list(inspect.signature(member).parameters.values())
        if p.name not in ("self", "args", "kwargs")
    ]
    assert "Returns:" in text
    if len(parameters) > 1 or (parameters and parameters[0].name not in ("case", "model")):
        assert "Args:" in text
        arguments = text.split("Args:")[1].split("Returns:")[0]
        for p in parameters:
            assert f"{p.name}:" in arguments, p.name


@pytest.mark.parametrize(("cls", "name"), QUESTIONS)
def test_every_answer_shows_itself(cls, name):
    answer = ask(cls, name)
    assert str(answer)
    if isinstance(answer, pd.DataFrame | pd.Series):
        return
    assert isinstance(answer, Result)
    assert dataclasses.fields(answer)[0].name == "question"
    assert isinstance(answer.to_frame(), pd.DataFrame)
    assert answer.question.network == "minimal" and answer.question.library == sl.__version__
    assert "spinelink" in answer._repr_html_()
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.question = None


@pytest.mark.parametrize(("cls", "name"), QUESTIONS)
def test_every_answer_is_json_and_travels(cls, name):
    answer = ask(cls, name)
    again = pickle.loads(pickle.dumps(answer))
    assert type(again) is type(answer) and str(again) == str(answer)
    if isinstance(answer, Result):
        document = json.loads(json.dumps(answer.to_dict(), allow_nan=False))
        assert (document["format"], document["answer"]) == (1, type(answer).__name__)
        assert document["question"]["fingerprint"] == model().fingerprint
        assert again.to_dict() == answer.to_dict()


@pytest.mark.parametrize(("cls", "name"), QUESTIONS)
def test_every_picture_is_drawn(cls, name):
    answer = ask(cls, name)
    if not isinstance(answer, Result) or not hasattr(answer, "plot"):
        return
    import matplotlib.pyplot as plt

    axes = answer.plot()
    assert axes.has_data()
    plt.close("all")


def test_numpy_answers_without_the_kernel(monkeypatch):
    """`engine="numpy"` means what it says, for every question: the kernel is not called at all."""
    calls = []
    monkeypatch.setattr(solve, "solve_rows", lambda *_: calls.append(1))
    monkeypatch.setattr(counts, "count_rows", lambda *_: calls.append(1))
    plain = sl.load("minimal", engine="numpy")
    given = plain.observe(case().evidence)
    for question in OF_CASE.values():
        question(given)
    for question in OF_MODEL.values():
        question(plain)
    assert not calls


def test_both_engines_give_the_same_answers():
    for name, question in OF_CASE.items():
        tables = []
        for engine in ("numpy", "fast"):
            answer = question(sl.load("minimal", engine=engine).observe(case().evidence))
            tables.append(answer.to_frame() if isinstance(answer, Result) else answer)
        numpy, fast = (_in_order(t) for t in tables)
        numbers = numpy.select_dtypes("number").columns
        np.testing.assert_allclose(
            numpy[numbers].to_numpy(float), fast[numbers].to_numpy(float), atol=1e-9, err_msg=name
        )


def _in_order(table):
    """A table whose rows stand in the order of its words: ties by rounding may fall either way."""
    frame = table.to_frame() if isinstance(table, pd.Series) else table
    words = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])]
    return frame.sort_values(words, key=lambda c: c.astype(str)) if words else frame
