"""No wrong argument of a public function ends in a raw traceback (F16, F19, F21).

Every public function is called with good arguments, then with each of them replaced by each of a list
of wrong values. It answers, or raises an error of the library, a TypeError or a ValueError whose
message is a sentence.
"""

from __future__ import annotations

import datetime as dt
import inspect
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import spinelink as sl
from spinelink.diagnosis import Case, Model
from spinelink.errors import SpinelinkError
from tests.every.answers import case, model, patients

LEAST_WORDS = 4
SECONDS = 8
"""A call that takes longer hangs; the alarm ends it, and no test waits for it otherwise."""

WRONG: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "NaN": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "-1": lambda: -1,
    "0": lambda: 0,
    "3": lambda: 3,
    "0.5": lambda: 0.5,
    "-0.5": lambda: -0.5,
    "1e308": lambda: 1e308,
    "10**18": lambda: 10**18,
    "10**5000": lambda: 10**5000,
    "complex": lambda: 1j,
    "empty text": lambda: "",
    "text": lambda: "x",
    "number as text": lambda: "3",
    "long text": lambda: "x" * 5000,
    "NUL": lambda: "a\0b",
    "lone surrogate": lambda: "\ud800",
    "bytes": lambda: b"numbness",
    "empty list": list,
    "list of text": lambda: ["x"],
    "list of number": lambda: [3],
    "list of None": lambda: [None],
    "list of lists": lambda: [["numbness"]],
    "list of NaN": lambda: [float("nan")],
    "tuple": lambda: ("x", 1),
    "set": lambda: {"x"},
    "empty dict": dict,
    "dict": lambda: {"x": 1},
    "dict of numbers": lambda: {1: 2},
    "dict of dicts": lambda: {"numbness": {"present": {}}},
    "dict of lists": lambda: {"numbness": [1, 2]},
    "object": object,
    "class": lambda: int,
    "function": lambda: len,
    "generator": lambda: (n for n in ("x",)),
    "np.int64(-3)": lambda: np.int64(-3),
    "np.int64(3)": lambda: np.int64(3),
    "np.float64 NaN": lambda: np.float64("nan"),
    "np.bool": lambda: np.bool_(True),
    "np.str": lambda: np.str_("x"),
    "array": lambda: np.array([1.0, 2.0]),
    "empty array": lambda: np.array([]),
    "array without axes": lambda: np.array(1.0),
    "object array": lambda: np.array([None, {}], dtype=object),
    "Series": lambda: pd.Series([1, 2]),
    "frame": lambda: pd.DataFrame({"x": [1]}),
    "frame without rows": pd.DataFrame,
    "NA": lambda: pd.NA,
    "NaT": lambda: pd.NaT,
    "Timestamp": lambda: pd.Timestamp("2026-01-01"),
    "date": lambda: dt.date(2026, 1, 1),
    "Decimal": lambda: Decimal("0.5"),
    "Decimal NaN": lambda: Decimal("NaN"),
    "Decimal sNaN": lambda: Decimal("sNaN"),
    "Fraction": lambda: Fraction(1, 3),
    "path": lambda: Path("nodir/x.yaml"),
    "folder": lambda: Path("/"),
    "model": model,
    "case": case,
}

FRAME = {"frame": lambda: patients().head(20)}
SMALL = {"progress": lambda: False, "seed": lambda: 1}
GOOD: dict[str, dict[str, Callable[[], Any]]] = {
    "Case.across_settings": {},
    "Case.alerts": {},
    "Case.attribute": {"effect": lambda: "leg_pain", "draws": lambda: 4},
    "Case.conflict": {},
    "Case.differential": {"draws": lambda: 8},
    "Case.explain": {},
    "Case.graph": {},
    "Case.intervals": {"nodes": lambda: "scoliosis", "draws": lambda: 8},
    "Case.interview": {"ask": lambda: lambda _: "q", "show": lambda: lambda _: None},
    "Case.is_observed": {"node": lambda: "numbness"},
    "Case.joint": {"nodes": lambda: "scoliosis"},
    "Case.link": {"draws": lambda: 4},
    "Case.most_probable_explanation": {},
    "Case.next_best": {},
    "Case.observe": {"findings": lambda: {"numbness": True}},
    "Case.posterior": {"node": lambda: "scoliosis"},
    "Case.posteriors": {},
    "Case.report": {"path": lambda: "page.html", "limit": lambda: 1, "link": lambda: False},
    "Case.retract": {"names": lambda: "numbness"},
    "Case.sample": {"size": lambda: 3},
    "Case.sensitivity": {},
    "Case.sources": {},
    "Case.sweep": {"parameter": lambda: "scoliosis.prior", "values": lambda: [0.1]},
    "Case.two_way": {
        "target": lambda: "scoliosis",
        "first": lambda: "scoliosis.prior",
        "second": lambda: "numbness.leak",
        "points": lambda: 2,
    },
    "Case.urgent_causes": {},
    "Model.__init__": {"network": lambda: model().network},
    "Model.audit": {},
    "Model.cpt": {"node": lambda: "numbness"},
    "Model.cross_validate": {"folds": lambda: 2},
    "Model.describe": {"node": lambda: "numbness"},
    "Model.findings": {"words": lambda: "numb"},
    "Model.diff": {"after": lambda: model().with_parameters({"scoliosis.prior": 0.2})},
    "Model.evaluate": {**FRAME, "target": lambda: "scoliosis", "bootstrap": lambda: 2},
    "Model.fit_claims": {"limit": lambda: 1},
    "Model.fitted": {"fit": lambda: model().fit_claims(limit=1, progress=False)},
    "Model.graph": {},
    "Model.in_setting": {"setting": lambda: "primary_care"},
    "Model.learn": {**FRAME, "restarts": lambda: 0, "limit": lambda: 2},
    "Model.observe": {"findings": lambda: {"numbness": True}},
    "Model.parameters": {},
    "Model.posteriors": FRAME,
    "Model.sample": {"size": lambda: 3},
    "Model.save": {"path": lambda: "mine.yaml"},
    "Model.scorer": {},
    "Model.simulate_clinic": {"size": lambda: 9, "asked": lambda: 4},
    "Model.sweep": {"parameter": lambda: "scoliosis.prior", "values": lambda: [0.1]},
    "Model.to_bibtex": {},
    "Model.to_networkx": {},
    "Model.to_pgmpy": {},
    "Model.tune": {"constraints": lambda: sl.constraint("P(scoliosis) == 0.1")},
    "Model.update": FRAME,
    "Model.with_parameters": {"changes": lambda: {"scoliosis.prior": 0.1}},
    "load": {"network": lambda: "minimal"},
    "networks": {},
    "from_pgmpy": {"network": lambda: model().to_pgmpy()},
    "constraint": {"text": lambda: "P(scoliosis) == 0.1"},
    "Beta": {"alpha": lambda: 1, "beta": lambda: 2},
    "Beta.from_mean": {"mean": lambda: 0.1, "equivalent_sample_size": lambda: 10},
    "Beta.from_counts": {"count": lambda: 1, "people": lambda: 2},
    "Beta.from_interval": {"low": lambda: 0.1, "high": lambda: 0.2},
    "Beta.interval": {},
}
"""Every public function with good arguments, small ones."""

FUNCTIONS: dict[str, Callable[[], Callable[..., Any]]] = {
    "load": lambda: sl.load,
    "networks": lambda: sl.networks,
    "from_pgmpy": lambda: sl.from_pgmpy,
    "constraint": lambda: sl.constraint,
    "Beta": lambda: sl.Beta,
    "Beta.interval": lambda: sl.Beta(8, 92).interval,
    "Model.__init__": lambda: sl.Model,
    **{
        f"Beta.{n}": lambda n=n: getattr(sl.Beta, n)
        for n in ("from_mean", "from_counts", "from_interval")
    },
}

NOT_CALLED = {
    "Case.explore": "opens a widget; tests/notebook",
    "Model.explore": "opens a widget; tests/notebook",
}
"""Public functions that are left out, and why."""

NOT_GIVEN: dict[tuple[str, str], set[str]] = {
    ("Case.interview", "ask"): {"None", "class"},  # reads the keyboard; `int` fails by itself
    ("Case.interview", "show"): {"class"},
}
"""Values that are no mistake there, with the reason."""

NODES = ("after", "against", "among", "around", "cause", "columns", "effect", "findings", "first", "node", "nodes", "of", "over", "second", "target", "vary", "names", "more", "missing", "utilities", "roles", "frame", "constraints", "cases", "name", "fit")  # fmt: skip
FILES = ("cases", "claims", "changes", "network", "path")
COLUMNS = ("by", "keep", "weights", "setting", "columns", "target", "frame", "missing")
PARAMETERS = ("parameter", "first", "second", "vary", "changes", "values")
ALSO_SAID: dict[str, tuple[str, ...]] = {
    name: (
        *(
            ("node", "finding", "likelihood", "is observed", "is given twice", "role")
            if name in NODES
            else ()
        ),
        *(
            (
                "problem in",
                "problems in",
                "cannot be read",
                "file",
                "folder",
                "cannot be written",
                "what is written",
                "pgmpy",
                "network",
            )
            if name in FILES
            else ()
        ),
        *(("column", "the table") if name in COLUMNS else ()),
        *(
            ("parameter", "a probability, from 0 to 1", "number may move")
            if name in PARAMETERS
            else ()
        ),
    )
    for name in {*NODES, *FILES, *COLUMNS, *PARAMETERS}
} | {
    "count": ("the first is 0 or more",),
    "people": ("the first is 0 or more",),
    "low": ("interval", "lower end"),
    "high": ("interval", "upper end"),
    "interval": ("level",),
    "show": ("invalid literal",),
    "after": ("Model",),
    "settings": ("setting",),
    "under_way": ("procedure",),
    "text": ("constraint", "P("),
    "equivalent_sample_size": ("Beta", "sample size"),
    "mean": ("Beta",),
    "ask": ("invalid literal",),  # of the caller's own function
    "options": ("restarts", "argument"),
    "retract": ("finding",),
}
"""What an argument is, where an error says that in place of its name."""

INTERNAL = {"compiled_in", "marginals", "names", "present", "prior_present", "question"}  # fmt: skip
"""Members for the library's own rooms."""


def function(name: str) -> Callable[..., Any]:
    """The function of a name, bound to a case or a model."""
    if name in FUNCTIONS:
        return FUNCTIONS[name]()
    owner, verb = name.split(".")
    return getattr(case() if owner == "Case" else model(), verb)


def arguments_of(name: str) -> list[str]:
    """The arguments that a function takes, by name."""
    return [
        p.name
        for p in inspect.signature(function(name)).parameters.values()
        if not p.name.startswith("_")
    ]


def call(name: str, given: dict[str, Any]) -> Any:
    """A call with positional and further arguments where they have no name."""
    positional, keywords = [], {}
    for p in inspect.signature(function(name)).parameters.values():
        if p.name not in given:
            continue
        value = given[p.name]
        if p.kind is p.POSITIONAL_ONLY or p.kind is p.VAR_POSITIONAL:
            positional.append(value)
        elif p.kind is p.VAR_KEYWORD:
            keywords |= {"numbness" if name.endswith("observe") else "restarts": value}
        else:
            keywords[p.name] = value
    return function(name)(*positional, **keywords)


@contextmanager
def bounded() -> Iterator[None]:
    """A call that hangs ends with an error, where the system has alarms."""

    def end(*_: object) -> None:
        raise AssertionError(f"no answer within {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def is_named(argument: str, text: str) -> bool:
    """True where an error speaks of the argument, by its name or by what it is."""
    words = [argument, argument.replace("_", " "), *ALSO_SAID.get(argument, ())]
    return any(word in text for word in words)


def outcome(name: str, given: dict[str, Any], argument: str = "") -> str:
    """What is wrong with the answer of a call; empty where nothing is.

    argument: the one that is wrong.
    """
    try:
        with bounded(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(name, given)
    except AssertionError as error:
        return f"AssertionError {error}"
    except (SpinelinkError, TypeError, ValueError) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raised_here = "/spinelink/" in last.filename
        if len(str(error).split()) < LEAST_WORDS:
            return f"{type(error).__name__} says only {str(error)!r}"
        if argument and not is_named(argument, str(error)):
            return f"does not name {argument}: {error}"
        if not isinstance(error, SpinelinkError) and not raised_here and last.name != "call":
            return f"{type(error).__name__} from {last.filename}:{last.lineno}: {error}"
        if (
            not isinstance(error, SpinelinkError)
            and last.name != "call"
            and last.line
            and "raise" not in last.line
        ):
            return f"raw {type(error).__name__} at {last.filename}:{last.lineno}: {error}"
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {last.filename}:{last.lineno}: {str(error)[:200]}"
    return ""


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    """What is saved is saved there."""
    monkeypatch.chdir(tmp_path)


def test_every_public_function_is_called():
    named = {
        f"{cls.__name__}.{n}"
        for cls in (Case, Model)
        for n in dir(cls)
        if not n.startswith("_") and n not in INTERNAL and callable(inspect.getattr_static(cls, n))
    }
    assert named - set(GOOD) - set(NOT_CALLED) == set()


@pytest.mark.parametrize("name", sorted(GOOD))
def test_no_wrong_argument_ends_in_a_raw_error(name):
    good = {k: v() for k, v in GOOD[name].items()}
    arguments = arguments_of(name)
    good |= {k: v() for k, v in SMALL.items() if k in arguments}
    assert not outcome(name, good), "good arguments"
    wrong = {}
    for argument in arguments:
        for label, value in WRONG.items():
            if label in NOT_GIVEN.get((name, argument), ()):
                continue
            problem = outcome(name, {**good, argument: value()}, argument)
            if problem:
                wrong[f"{argument}={label}"] = problem
    assert not wrong, "\n".join(f"{k}: {v}" for k, v in wrong.items())
