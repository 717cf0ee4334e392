"""Mistakes of users that once ended in a traceback, or did not do what they say (F15, F16, F19, F21)."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import spinelink as sl
from spinelink.cli import main
from spinelink.errors import EvidenceError, ParameterError, SpinelinkError, UnknownNameError
from spinelink.notebook.numbers import patch
from tests.every.answers import OF_CASE, OF_MODEL, case, model

CHANGES = {
    "scoliosis.prior": 0.125,
    "leg_pain.leak": {"none": 0.5, "above_knee": 0.3, "below_knee": 0.2},
}


@pytest.fixture
def patch_file(tmp_path):
    path = tmp_path / "patch.json"
    path.write_text(patch(model(), CHANGES), encoding="utf-8")
    return path


def test_f15_the_explorers_patch_is_read(patch_file):
    wanted = model().with_parameters(CHANGES)
    assert model().with_parameters(patch_file) == wanted
    assert model().with_parameters(str(patch_file)) == wanted
    assert model().with_parameters(json.loads(patch_file.read_text())) == wanted
    assert wanted != model()


@pytest.mark.parametrize(
    ("key", "value"), [("network", "back-leg-pain"), ("version", "9.9.9"), ("setting", "emergency")]
)
def test_f15_a_patch_for_something_else_is_refused(patch_file, key, value):
    other = {**json.loads(patch_file.read_text()), key: value}
    with pytest.raises(ParameterError, match=f"this patch is for {key} '{value}', and this model"):
        model().with_parameters(other)
    patch_file.write_text(json.dumps(other))
    with pytest.raises(ParameterError, match=f"this patch is for {key}"):
        model().with_parameters(patch_file)


def test_f15_a_patch_of_a_setting_is_read_in_that_setting():
    emergency = sl.load("back-leg-pain", setting="emergency")
    written = json.loads(patch(emergency, {"fever.leak": 0.01}))
    assert emergency.with_parameters(written) == emergency.with_parameters({"fever.leak": 0.01})
    with pytest.raises(ParameterError, match=r"in_setting"):
        sl.load("back-leg-pain").with_parameters(written)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON file"),
        ("[1]", "changes is a mapping"),
        ('{"scoliosis.prior": 0.1, "scoliosis.prior": 0.2}', "stands there twice"),
        ('{"parameters": 3}', "parameters is a mapping"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_f15_a_broken_patch_is_refused(tmp_path, text, words):
    path = tmp_path / "patch.json"
    path.write_text(text)
    with pytest.raises(SpinelinkError, match=words):
        model().with_parameters(path)


@pytest.mark.parametrize("name", sorted(OF_CASE))
def test_f16_every_answer_of_a_case_pickles(name):
    answer = OF_CASE[name](case())
    assert str(pickle.loads(pickle.dumps(answer))) == str(answer)


@pytest.mark.parametrize("name", sorted(OF_MODEL))
def test_f16_every_answer_of_a_model_pickles(name):
    answer = OF_MODEL[name](model())
    assert str(pickle.loads(pickle.dumps(answer))) == str(answer)


FRAMES = {
    "integers": lambda: pd.DataFrame([[1, 0]]),
    "tuples": lambda: pd.DataFrame({("numbness", "present"): [0.8]}),
    "levels": lambda: pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("numbness", "a")])),
    "mixed": lambda: pd.DataFrame({"numbness": [1], 3: [0]}),
    "pyarrow twice": lambda: pa.Table.from_arrays(
        [pa.array([1]), pa.array([0])], names=["numbness", "numbness"]
    ),
}


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("verb", ["posteriors", "learn", "evaluate"])
def test_f19_frames_with_odd_labels(kind, verb):
    more = {"target": "scoliosis"} if verb == "evaluate" else {}
    with pytest.raises(EvidenceError, match="column"):
        getattr(model(), verb)(FRAMES[kind](), **more)


CALLS = {
    "of": lambda: model().posteriors(pd.DataFrame({"numbness": [1]}), of=None),
    "chunk": lambda: model().posteriors(pd.DataFrame({"numbness": [1]}), chunk="a"),
    "threads": lambda: model().posteriors(pd.DataFrame({"numbness": [1]}), threads="x"),
    "seed": lambda: case().intervals(seed="a"),
    "seed ": lambda: case().intervals(seed=-1),
    "no folder nodir": lambda: model().save("nodir/x.yaml"),
    "is a folder": lambda: model().save(Path(__file__).parent),
    "network": lambda: sl.load("x" * 5000),
    "numbness": lambda: model().observe(numbness=10**5000),
    "no finding": lambda: case().retract(["numbness"]),
    "node": lambda: case().joint(3),
}


@pytest.mark.parametrize("words", CALLS)
def test_f19_refused_in_words(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpinelinkError, match=words.strip()) as caught:
        CALLS[words]()
    assert len(str(caught.value).split()) > 4 and len(str(caught.value)) < 400


def test_f19_nothing_is_left_behind_where_nothing_can_be_saved(tmp_path):
    with pytest.raises(SpinelinkError, match="there is no folder"):
        model().save(tmp_path / "nodir" / "x.yaml")
    with pytest.raises(SpinelinkError, match="name a file in it"):
        model().save(tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("two", [np.int64(2), np.uint8(2), Decimal(2), Decimal("2.0")])
def test_f19_whole_numbers_of_all_kinds(two):
    assert len(case().differential(limit=two).causes) == 2
    assert len(model().sample(two)) == 2
    assert len(case().next_best(limit=two)) == 2


def test_f19_decimal_cells_are_numbers():
    ones = pd.DataFrame({"numbness": [1, 0]})
    cells = pd.DataFrame({"numbness": [Decimal(1), Decimal("0.0")]})
    wanted = model().posteriors(ones)
    pd.testing.assert_frame_equal(model().posteriors(cells), wanted)
    table = pa.table({"numbness": [Decimal(1), Decimal(0)]})
    assert model().posteriors(table)["scoliosis"].to_pylist() == wanted["scoliosis"].tolist()
    assert model().observe(numbness=Decimal("NaN")).evidence == {}


def test_f19_a_deeply_nested_file_of_findings(tmp_path, capsys):
    path = tmp_path / "case.json"
    path.write_text('{"numbness": ' + "[" * 100_000 + "]" * 100_000 + "}")
    assert main(["query", "minimal", f"@{path}"]) == 2
    assert "nested too deep" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="closes a stream of the shell")
@pytest.mark.parametrize("command", ["networks", "query minimal numbness", "query minimal --json"])
def test_f19_closed_standard_output(command):
    run = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m spinelink {command} >&-"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert (
        run.stderr.startswith("spinelink: standard output is closed") and "Trace" not in run.stderr
    )


def test_f21_equal_models_are_equal():
    plain = sl.load("minimal")
    assert plain == sl.load("minimal") and hash(plain) == hash(sl.load("minimal"))
    others = [
        sl.load("minimal", engine="numpy"),
        sl.load("minimal", memory=1e8),
        pickle.loads(pickle.dumps(plain)),
        plain.with_parameters({}),
    ]
    assert all(plain == other and hash(plain) == hash(other) for other in others)
    assert plain.observe(numbness=True) == sl.load("minimal").observe(numbness="yes")
    assert len({plain, *others}) == 1


def test_f21_different_models_differ():
    plain = sl.load("back-leg-pain")
    assert plain != plain.in_setting("emergency")
    assert plain != plain.with_parameters({"fever.leak": 0.01})
    assert plain != sl.load("minimal") and plain != "back-leg-pain"


def test_errors_show_values_short_and_safely():
    class Odd:
        def __repr__(self):
            raise RuntimeError

    for value in (10**5000, "x" * 10_000, np.zeros(1000), pd.DataFrame({"a": range(99)}), Odd()):
        for call in (
            lambda v=value: case().intervals(draws=v),
            lambda v=value: model().in_setting(v),
            lambda v=value: case().retract(v),
            lambda v=value: model().with_parameters({"scoliosis.prior": v}),
        ):
            with pytest.raises((SpinelinkError, UnknownNameError)) as caught:
                call()
            assert len(str(caught.value)) < 300
