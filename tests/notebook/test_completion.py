"""What IPython completes: names of nodes, their states, settings; with jedi and without."""

from __future__ import annotations

import inspect
import json
import pickle
import subprocess
import sys

import pytest

import spinelink as sl
from spinelink.network.node import OBSERVABLE
from spinelink.notebook.completion import completions

MODEL = sl.load("back-leg-pain")
NAMES = {"sl": sl, "load": sl.load, "model": MODEL, "case": MODEL.observe(), "open": open}
OBSERVED = [name for name, node in MODEL.nodes.items() if node.role in OBSERVABLE]


@pytest.mark.parametrize("owner", [MODEL, MODEL.observe(fever=True)], ids=["model", "case"])
def test_the_signature_on_an_object_lists_what_can_be_observed(owner):
    parameters = inspect.signature(owner.observe).parameters
    keywords = [n for n, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY]
    assert keywords == OBSERVED
    assert next(iter(parameters)) == "findings" and list(parameters)[-1] == "more"
    inspect.signature(owner.observe).bind({"x": 1}, fever=True, another=True)


def test_observe_is_a_method_like_any_other():
    assert inspect.isfunction(sl.Case.observe) and inspect.ismethod(MODEL.observe)
    assert list(inspect.signature(sl.Case.observe).parameters) == ["self", "findings", "more"]
    case = MODEL.observe(fever=True)
    assert case.observe.__doc__ == sl.Case.observe.__doc__ and case.observe.__name__ == "observe"
    assert case.observe.__self__ is case
    assert sl.Case.observe(case, back_pain=True) == case.observe({"back_pain": True})
    assert pickle.loads(pickle.dumps(case.observe))(back_pain=True).evidence == {
        "fever": "present",
        "back_pain": "present",
    }


def test_a_node_that_is_no_keyword_is_left_out(tmp_path):
    text = sl.load("minimal").origin.read_text(encoding="utf-8")
    path = tmp_path / "odd.yaml"
    path.write_text(text.replace("numbness", "findings").replace("back_pain", "lambda"))
    model = sl.load(path)
    assert {"findings", "lambda"} <= set(model.nodes)
    assert "leg_pain" in inspect.signature(model.observe).parameters
    assert "lambda" not in inspect.signature(model.observe).parameters
    assert model.observe({"findings": True}).observe(**{"lambda": True}).evidence


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ('case.observe(leg_pain="be', ["below_knee"]),
        ("case.observe(fever=True, leg_pain='", list(MODEL.nodes["leg_pain"].states)),
        ("x = model.observe(leg_pain=", [f'"{s}"' for s in MODEL.nodes["leg_pain"].states]),
        ('model.observe(\n    fever=True,\n    leg_pain = "a', ["above_knee"]),
        ('case.observe({"fev', ["fever"]),
        ('case.observe({"fever": True, "leg_pa', ["leg_pain", "leg_pain_side"]),
        ('case.observe({"fever": True, "leg_pain": "n', ["none"]),
        ('print(case.observe({"fever": "abs', ["absent"]),
        ('sl.load("back-leg-pain", setting="em', ["emergency"]),
        ("load('back-leg-pain', setting='", list(MODEL.settings)),
        ('model.in_setting("sec', ["secondary_care"]),
        ('case.observe(leg_pain={"none": 0.2, "be', ["below_knee"]),
        ('case.observe(leg_pain={"none": "', []),
        ('case.observe(nonsense="', []),
        ('case.retract({"fev', []),
        ('case.observe(leg_pain={"fev', []),
        ('open("back-leg-pain", setting="', []),
        ('sl.load("nonsense", setting="', []),
        ('sl.load("back-leg-pain", engine="', []),
        ('case.observe(leg_pain="none"), "', []),
        ('"case.observe(leg_pain=', []),
        ('unknown.observe(leg_pain="', []),
        ("", []),
    ],
)
def test_what_completes_after_loading_the_extension(code, wanted):
    found, typed = completions(code, NAMES)
    assert (sorted(found) if typed == "leg_pa" else found) == wanted
    assert not typed or code.endswith(typed)


def test_every_name_completes_as_a_key():
    assert completions('case.observe({"', NAMES) == (OBSERVED, "")


def test_no_property_is_evaluated():
    class Trap:
        @property
        def case(self):
            raise AssertionError

    assert completions('trap.case.observe(fever="', {"trap": Trap()})[0] == []


IN_IPYTHON = """
import json, sys
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
shell.run_cell("import spinelink as sl; model = sl.load('minimal'); case = model.observe()")

def completed(code):
    with provisionalcompleter():
        found = list(shell.Completer.completions(code, len(code)))
    return [code[:c.start] + c.text + code[c.end:] for c in found]

answer = {}
for step in ("before", "after", "unloaded"):
    if step != "before":
        shell.run_line_magic("load_ext" if step == "after" else "unload_ext", "spinelink")
    for jedi in (True, False):
        shell.Completer.use_jedi = jedi
        for code in json.loads(sys.argv[1]):
            answer[f"{step} {jedi} {code}"] = completed(code)
print("\\n" + json.dumps(answer))
"""
KEYWORD = {
    "case.observe(numb": "case.observe(numbness=",
    "model.observe(numb": "model.observe(numbness=",
}
EXTENSION = {
    'case.observe({"numb': 'case.observe({"numbness',
    'case.observe(leg_pain="be': 'case.observe(leg_pain="below_knee',
    "case.observe(leg_pain=": 'case.observe(leg_pain="below_knee"',
    'sl.load("back-leg-pain", setting="em': 'sl.load("back-leg-pain", setting="emergency',
}


@pytest.mark.slow
def test_ipython_completes_with_jedi_and_without():
    pytest.importorskip("IPython")
    codes = json.dumps([*KEYWORD, *EXTENSION])
    command = [sys.executable, "-c", IN_IPYTHON, codes]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    answer = json.loads(out.splitlines()[-1])
    for jedi in (True, False):
        for step in ("before", "after"):
            for code, wanted in KEYWORD.items():
                assert wanted in answer[f"{step} {jedi} {code}"]
        for code, wanted in EXTENSION.items():
            found = answer[f"after {jedi} {code}"]
            assert wanted in found and len(found) <= 3, found  # nothing else is mixed in
            assert wanted not in answer[f"before {jedi} {code}"]
            assert wanted not in answer[f"unloaded {jedi} {code}"]
