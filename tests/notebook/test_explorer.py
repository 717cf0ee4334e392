"""The explorer's Python: every message of the script, what it leaves alone, its thread, and what remains without a kernel."""

from __future__ import annotations

import json

import pytest

import spinelink as sl
from spinelink.errors import ImpossibleEvidenceError, UnknownNameError
from spinelink.notebook import view
from spinelink.notebook.explorer import STATIC, Explorer


@pytest.fixture
def model():
    return sl.load("minimal")


@pytest.fixture
def explorer(model):
    found = Explorer(model.observe(leg_pain="below_knee"), background=False)
    yield found
    found.close()


def tell(explorer, **message):
    explorer._receive(None, message)


def test_state_is_plain_and_whole(explorer, model):
    explorer.wait()
    for part in (explorer.shell, explorer.view, explorer.later):
        assert json.loads(json.dumps(part, allow_nan=False)) == part
    shown = [n["name"] for g in explorer.shell["groups"] for n in g["nodes"]]
    assert sorted(shown) == sorted(n for n, v in model.nodes.items() if v.role in ("context", "symptom", "sign", "test"))
    assert set(explorer.later) == {"version", "intervals", "next", "link", "tests"}


def test_a_dialogue(explorer, model):
    tell(explorer, type="observe", node="numbness", value="present", sequence=7)
    assert explorer.view["sequence"] == 7 and explorer.case == model.observe(leg_pain="below_knee", numbness=True)
    tell(explorer, type="observe", node="numbness", value={"absent": 0.5, "present": 1.0})
    tell(explorer, type="observe", node="leg_pain", value=None)
    assert explorer.case == model.observe(numbness={"absent": 0.5, "present": 1.0})
    for _ in range(3):
        tell(explorer, type="undo")
    assert explorer.case == model.observe(leg_pain="below_knee") and not explorer.view["can_undo"]
    tell(explorer, type="undo")  # nothing to undo: nothing happens
    assert explorer.case == model.observe(leg_pain="below_knee")
    tell(explorer, type="reset")
    assert explorer.case == model.observe() and explorer.view["can_undo"]


def test_numbers_and_settings_keep_each_other():
    model = sl.load("back-leg-pain")
    explorer = Explorer(model.observe(leg_pain="below_knee"), background=False)
    number = next(i for i in explorer_ids(model) if i.startswith("back_pain.link."))
    tell(explorer, type="parameter", id=number, value=0.5)
    assert explorer.view["changed"][number] == 0.5
    tell(explorer, type="setting", name="emergency")
    assert explorer.view["setting"] == "emergency" and explorer.view["changed"][number] == 0.5
    changed = explorer.view["changed"]
    assert explorer.case == model.in_setting("emergency").with_parameters(changed).observe(leg_pain="below_knee")
    assert json.loads(view.patch(explorer.case.model, changed))["parameters"] == changed
    tell(explorer, type="reset_parameters")
    assert explorer.case == model.in_setting("emergency").observe(leg_pain="below_knee")
    tell(explorer, type="tab", name="numbers")
    tell(explorer, type="numbers", node="back_pain")
    explorer.wait()
    shown = explorer.later["numbers"]
    assert shown["node"] == "back_pain" and all(r["low"] <= r["value"] <= r["high"] for r in shown["rows"])
    explorer.close()


def explorer_ids(model):
    return list(model.parameters().to_frame()["id"])


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"type": "observe", "node": "numbnes", "value": "present"}, "numbness"),
        ({"type": "observe", "node": "numbness", "value": "many"}, "absent, present"),
        ({"type": "observe", "node": "numbness", "value": {"present": -1}}, "numbness"),
        ({"type": "observe"}, "did not understand"),
        ({"type": "setting", "name": "moon"}, "setting"),
        ({"type": "parameter", "id": "numbness.leak", "value": "much"}, "did not understand"),
        ({"type": "parameter", "id": "numbness.leek", "value": 0.1}, "numbness.leak"),
        ({"type": "numbers", "node": "moon"}, "moon"),
        ({"type": "export", "kind": "fax"}, "report and patch"),
    ],
)
def test_what_is_not_understood_changes_nothing(explorer, message, words):
    before, shown = explorer.case, explorer.view
    explorer._receive(None, message)
    assert explorer.case is before and words in explorer.view["error"]
    assert {k: v for k, v in explorer.view.items() if k not in ("error", "sequence")} == {
        k: v for k, v in shown.items() if k not in ("error", "sequence")
    }


def test_other_messages_are_ignored(explorer):
    shown = explorer.view
    for message in (None, "text", 5, [], {"type": "dance"}):
        explorer._receive(None, message)
    assert explorer.view is shown


def test_a_contradiction_does_not_silence_a_red_flag(model):
    names = [i for i in model.parameters().to_frame()["id"] if i.startswith("bladder_dysfunction.") and "[" not in i]
    never = model.with_parameters(dict.fromkeys(names, 0.0))
    explorer = Explorer(never.observe(leg_pain="below_knee"), background=False)
    tell(explorer, type="observe", node="bladder_dysfunction", value="present")
    assert "cannot occur" in explorer.view["error"] and "EMERGENCY" in explorer.view["error"] and "not taken" in explorer.view["error"]
    assert explorer.case == never.observe(leg_pain="below_knee")
    explorer.close()


def test_the_report_and_the_line_of_code(explorer):
    sent = []
    explorer.send = lambda content, buffers=None: sent.append(content)
    tell(explorer, type="export", kind="report")
    assert sent[0]["type"] == "file" and sent[0]["name"].endswith(".html") and "below_knee" in sent[0]["text"]
    there = {}
    exec(explorer.view["code"], {"sl": sl}, there)
    assert there["case"] == explorer.case


def test_a_case_of_ones_own(explorer, model):
    explorer.case = model.observe(numbness=True)
    assert explorer.view["findings"] == {"numbness": "present"}
    large = sl.load("back-leg-pain")
    explorer.case = large.observe(fever=True)
    assert explorer.shell["title"] == large.network.title and explorer.view["findings"] == {"fever": "present"}


def test_what_takes_longer_belongs_to_the_case_that_is_shown(model):
    explorer = model.explore()
    for state in ("present", "absent", "present"):
        tell(explorer, type="observe", node="numbness", value=state)
    assert explorer.wait(60)
    assert explorer.later["version"] == explorer.view["version"] == 3
    case = explorer.case
    expected = case.intervals(["lumbar_disc_herniation"], method="delta")["lumbar_disc_herniation"]
    assert explorer.later["intervals"]["lumbar_disc_herniation"] == pytest.approx([expected.low, expected.high])
    assert explorer.later["link"]["probability"] == pytest.approx(case.link().probability)
    thread = explorer._thread
    explorer.close()
    thread.join(20)
    assert not thread.is_alive()


def test_findings_that_cannot_be_explored(model):
    sure = model.with_parameters({"numbness.leak": 0.0, "numbness.link.nerve_root_compression.one_side": 1.0})
    with pytest.raises(ImpossibleEvidenceError):
        sure.observe(nerve_root_compression="one_side", numbness=False).explore()
    with pytest.raises(UnknownNameError):
        model.in_setting("moon")


def test_without_a_kernel_a_picture_remains(explorer, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **options: shown.append(data))
    explorer._ipython_display_()
    still, widget = shown
    assert "<svg" in still.data and "Leg pain" in still.data and "spinelink-still" in still.data
    assert "application/vnd.jupyter.widget-view+json" in widget


def test_an_imported_network_can_be_explored_once_it_has_causes(model):
    with pytest.raises(sl.SpinelinkError, match="role 'cause'"):
        sl.from_pgmpy(model.to_pgmpy()).explore()
    explorer = Explorer(sl.from_pgmpy(model.to_pgmpy(), roles={"scoliosis": "cause"}).observe(), background=False)
    explorer.wait()
    assert explorer.shell["groups"][0]["title"] == "Findings"
    assert explorer.later["next"]["rows"]
    explorer.close()


def test_the_script_loads_nothing():
    script, style = ((STATIC / f"explorer.{kind}").read_text() for kind in ("js", "css"))
    for text in (script, style):
        assert "http://" not in text and "https://" not in text and "@import" not in text
    assert "import " not in script.replace("important", "")
