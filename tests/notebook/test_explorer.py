"""The explorer's Python: every message of the script, what it leaves alone, its thread, and what remains without a kernel."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest

import spinelink as sl
from spinelink.errors import ImpossibleEvidenceError, TooLargeError, UnknownNameError
from spinelink.network.parameter_ids import locate_in_cpd
from spinelink.notebook import still, view
from spinelink.notebook.explorer import STATIC, Explorer
from spinelink.notebook.numbers import patch


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
    assert sorted(shown) == sorted(
        n for n, v in model.nodes.items() if v.role in ("context", "symptom", "sign", "test")
    )
    assert set(explorer.later) == {
        "version",
        "intervals",
        "next",
        "link",
    }  # this network has no tests


def test_f2_the_other_of_two_states_gets_the_rest(explorer, model):
    tell(explorer, type="observe", node="numbness", value={"present": 0.75})
    assert explorer.case == model.observe(
        leg_pain="below_knee", numbness={"absent": 0.25, "present": 0.75}
    )


def test_what_the_findings_point_to_follows_each_click(explorer, model):
    tell(explorer, type="observe", node="numbness", value="present")
    shown = explorer.view["pointed_to"]
    assert shown.startswith("The findings point to: ")
    assert shown == explorer.case.differential().pointed_to_in_words
    tell(explorer, type="reset")
    assert explorer.view["pointed_to"] == ""


def test_a_dialogue(explorer, model):
    tell(explorer, type="observe", node="numbness", value="present", sequence=7)
    assert explorer.view["sequence"] == 7 and explorer.case == model.observe(
        leg_pain="below_knee", numbness=True
    )
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
    assert explorer.case == model.in_setting("emergency").with_parameters(changed).observe(
        leg_pain="below_knee"
    )
    assert json.loads(patch(explorer.case.model, changed))["parameters"] == changed
    tell(explorer, type="reset_parameters")
    assert explorer.case == model.in_setting("emergency").observe(leg_pain="below_knee")
    tell(explorer, type="tab", name="numbers")
    tell(explorer, type="numbers", node="back_pain")
    shown = explorer.numbers
    assert shown["node"] == "back_pain" and all(
        r["low"] <= r["value"] <= r["high"] for r in shown["rows"]
    )
    explorer.close()


def explorer_ids(model):
    return list(model.parameters().to_frame()["id"])


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"type": "observe", "node": "numbnes", "value": "present"}, "numbness"),
        ({"type": "observe", "node": "numbness", "value": "many"}, "absent, present"),
        ({"type": "observe", "node": "numbness", "value": {"present": -1}}, "numbness"),
        ({"type": "observe", "node": "leg_pain", "value": {"none": 0.5}}, "'above_knee': 0.1"),
        ({"type": "observe"}, "did not understand"),
        ({"type": "setting", "name": "moon"}, "setting"),
        ({"type": "parameter", "id": "numbness.leak", "value": "much"}, "did not understand"),
        ({"type": "parameter", "id": "numbness.leek", "value": 0.1}, "numbness.leak"),
        ({"type": "numbers", "node": "moon"}, "moon"),
        ({"type": "export", "kind": "fax"}, "findings, report and patch"),
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
    names = [
        i
        for i in model.parameters().to_frame()["id"]
        if i.startswith("bladder_dysfunction.") and "[" not in i
    ]
    never = model.with_parameters(dict.fromkeys(names, 0.0))
    explorer = Explorer(never.observe(leg_pain="below_knee"), background=False)
    tell(explorer, type="observe", node="bladder_dysfunction", value="present")
    assert (
        "cannot occur" in explorer.view["error"]
        and "EMERGENCY" in explorer.view["error"]
        and "not taken" in explorer.view["error"]
    )
    assert explorer.case == never.observe(leg_pain="below_knee")
    explorer.close()


def test_the_report_and_the_line_of_code(explorer):
    sent = []
    explorer.send = lambda content, buffers=None: sent.append(content)
    tell(explorer, type="export", kind="report")
    assert (
        sent[0]["type"] == "file"
        and sent[0]["name"].endswith(".html")
        and "below knee" in sent[0]["text"]
    )
    assert run(exported(explorer)["code"]) == explorer.case
    tell(explorer, type="export", kind="findings")
    assert explorer.case.model.observe(json.loads(sent[1]["text"])) == explorer.case


def exported(explorer):
    """What the tab Export says."""
    tell(explorer, type="tab", name="export")
    explorer.wait()
    return explorer.later["export"]


def run(code):
    there = {}
    exec(code, {"sl": sl}, there)
    return there["case"]


def observed(case, **options):
    explorer = Explorer(case, background=False, **options)
    code = exported(explorer)["code"]
    explorer.close()
    return code


@pytest.mark.slow
def test_the_line_of_code_gives_the_case(model, tmp_path, monkeypatch):
    changes = {"numbness.leak": 0.31, "lumbar_disc_herniation.prior": sl.Beta(3, 40)}
    path = model.save(tmp_path / "own network.yaml")
    large = sl.load("back-leg-pain", setting="emergency")
    odd = {"numbness": {"absent": 0.25, "present": 1}, "leg_pain": "none"}
    number = next(i for i in explorer_ids(large) if i.startswith("back_pain.link."))
    for each in (
        model, model.with_parameters(changes), sl.load(path), sl.load(path).with_parameters(changes), large, large.with_parameters({number: 0.3}),
        sl.load("back-leg-pain").with_parameters({number: 0.3}).in_setting("emergency"),
    ):  # fmt: skip
        case = each.observe(odd)
        code = observed(case)
        assert code.count("\n") == 0 and run(code) == case
    monkeypatch.chdir(tmp_path)
    twice = model.with_parameters({"numbness.leak": 0.3}).with_parameters({"numbness.leak": 0.2})
    for each in (twice, sl.from_pgmpy(model.to_pgmpy()), sl.Model(model.network)):
        case = each.observe(numbness="present")
        comment, save, line = observed(case).splitlines()
        assert comment.startswith("# No line of code") and "explorer.case.model.save(" in save
        case.model.save(save.split("'")[1])
        assert run(line).posteriors().equals(case.posteriors())


def test_a_file_that_changed_since_is_not_named(model, tmp_path):
    path = model.save(tmp_path / "own.yaml")
    own = sl.load(path)
    model.with_parameters({"numbness.leak": 0.4}).save(path)
    assert observed(own.observe(numbness=True)).startswith("# No line of code")
    path.unlink()
    assert observed(own.observe(numbness=True)).startswith("# No line of code")


def test_sliders_on_a_changed_model(model):
    changed = model.with_parameters({"numbness.leak": 0.31})
    explorer = Explorer(changed.observe(numbness=True), background=False)
    tell(explorer, type="parameter", id="lumbar_disc_herniation.prior", value=0.2)
    assert explorer.case == changed.with_parameters({"lumbar_disc_herniation.prior": 0.2}).observe(
        numbness=True
    )
    assert run(exported(explorer)["code"]) == explorer.case
    tell(explorer, type="reset_parameters")
    assert explorer.case == changed.observe(numbness=True)
    explorer.close()


def test_a_state_of_a_distribution_moves_and_the_others_give_way(model):
    explorer = Explorer(model.observe(numbness=True), background=False)
    tell(explorer, type="tab", name="numbers")
    names = [
        n for n in model.nodes if any(isinstance(p.value, dict) for p in _parameters_of(model, n))
    ]
    tell(explorer, type="numbers", node=names[0])
    rows = [r for r in explorer.numbers["rows"] if r["state"]]
    row = rows[1]
    assert row["low"] <= row["value"] <= row["high"]
    tell(explorer, type="parameter", id=row["id"], state=row["state"], value=row["high"])
    now = explorer.view["changed"][row["id"]]
    before = {r["state"]: r["value"] for r in rows if r["id"] == row["id"]}
    assert sum(now.values()) == pytest.approx(1) and now[row["state"]] == row["high"]
    others = [s for s in now if s != row["state"] and before[s] > 0]
    assert len({round(now[s] / before[s], 9) for s in others}) <= 1
    assert explorer.case == model.with_parameters({row["id"]: now}).observe(numbness=True)
    assert run(exported(explorer)["code"]) == explorer.case
    assert not any(name in row["words"] for name in model.nodes if "_" in name)  # labels, not names
    explorer.close()


def _parameters_of(model, node):
    return [each.parameter for each in locate_in_cpd(node, model.nodes[node].cpd)]


def test_a_case_of_ones_own(explorer, model):
    explorer.case = model.observe(numbness=True)
    assert explorer.view["findings"] == {"numbness": "present"}
    large = sl.load("back-leg-pain")
    explorer.case = large.observe(fever=True)
    assert explorer.shell["title"] == large.network.title and explorer.view["findings"] == {
        "fever": "present"
    }
    tell(explorer, type="undo")
    assert explorer.shell["title"] == model.network.title and explorer.case == model.observe(
        numbness=True
    )
    tell(explorer, type="observe", node="numbness", value="absent")
    assert explorer.view["error"] == "" and explorer.case == model.observe(numbness=False)


def test_a_case_of_another_network_leaves_no_slider_behind(explorer, model):
    tell(explorer, type="parameter", id="lumbar_disc_herniation.prior", value=0.2)
    changed = explorer.case.model
    explorer.case = explorer.case.observe(numbness=True)  # the same numbers: still changed
    assert explorer.view["changed"] == {"lumbar_disc_herniation.prior": 0.2}
    large = sl.load("back-leg-pain")
    explorer.case = large.observe(leg_pain="below_knee")
    assert explorer.view["changed"] == {} and run(exported(explorer)["code"]) == large.observe(
        leg_pain="below_knee"
    )
    tell(explorer, type="undo")
    assert explorer.case == changed.observe(leg_pain="below_knee", numbness=True)
    assert (
        explorer.view["changed"] == {"lumbar_disc_herniation.prior": 0.2}
        and run(exported(explorer)["code"]) == explorer.case
    )
    other = model.with_parameters({"numbness.leak": 0.3})
    explorer.case = other.observe(numbness=True)
    assert explorer.view["changed"] == {} and run(exported(explorer)["code"]) == other.observe(
        numbness=True
    )
    explorer.case = model.observe()
    assert explorer.view["changed"] == {} and explorer.case == model.observe()


def test_people_read_labels(model):
    explorer = Explorer(
        model.observe(numbness=True, leg_pain="below_knee", bladder_dysfunction=True),
        background=False,
    )
    tell(explorer, type="tab", name="why")
    explorer.wait()
    why = explorer.later["why"]
    said = [
        *why["lines"][1:-1],
        *(r["finding"] for r in why["rows"]),
        *(n for r in why["rows"] for n in r["chain"]),
    ]
    said += [f for a in explorer.view["alerts"] for f in a["findings"]]
    assert f"{model.nodes['bladder_dysfunction'].label}: present" in said and not any(
        "_" in text or "=" in text for text in said
    )
    assert {n for r in why["rows"] for n in r["chain"]} <= {v.label for v in model.nodes.values()}
    explorer.close()


def test_what_is_no_case_is_refused_in_words(explorer):
    before = explorer.case
    for wrong in ("abc", None, 3):
        with pytest.raises(sl.SpinelinkError, match=r"explorer\.case is a Case"):
            explorer.case = wrong
    assert explorer.case is before


def test_a_failure_in_what_takes_longer_is_shown(explorer, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(view, "next_best", fail)
    monkeypatch.setattr(view, "intervals", fail)
    explorer.wait()
    assert all(
        "ZeroDivisionError: by nothing" in explorer.later[part]["problem"]
        for part in ("next", "intervals")
    )
    assert "probability" in explorer.later["link"]
    monkeypatch.setattr(view, "differential", fail)
    tell(explorer, type="observe", node="numbness", value="present")
    assert "ZeroDivisionError: by nothing" in explorer.view["problem"]
    assert explorer.case.findings["numbness"] == "present" and explorer.view["causes"] == []
    monkeypatch.setattr(Explorer, "_undo", fail)
    tell(explorer, type="undo")
    assert "changed nothing" in explorer.view["error"]
    tell(explorer, type="tab", name="export", sequence=5)
    assert (
        explorer.view["error"] == "" and explorer.view["sequence"] == 5
    )  # an old error does not stay


def test_the_thread_writes_no_progress(explorer, monkeypatch):
    shown = []

    class Line:
        n = 0

        def __init__(self, *_, **options):
            shown.append(options["disable"])

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def update(self, *_):
            return None

    monkeypatch.setattr("spinelink.progress.line_of_progress", lambda: Line)
    tell(explorer, type="tab", name="why")
    explorer.wait()
    assert shown and all(hidden is True for hidden in shown)


def test_log_evidence_is_that_of_a_run_of_its_own(model):
    first, second = (model.observe(numbness=True, leg_pain="below_knee") for _ in range(2))
    first.differential()
    assert first.log_evidence == pytest.approx(second.log_evidence, rel=1e-12)


def test_what_takes_longer_belongs_to_the_case_that_is_shown(model):
    explorer = model.explore()
    for state in ("present", "absent", "present"):
        tell(explorer, type="observe", node="numbness", value=state)
    assert explorer.wait(60)
    assert explorer.later["version"] == explorer.view["version"] == 3
    case = explorer.case
    expected = case.intervals(["lumbar_disc_herniation"], method="delta")["lumbar_disc_herniation"]
    assert explorer.later["intervals"]["lumbar_disc_herniation"] == pytest.approx(
        [expected.low, expected.high]
    )
    assert explorer.later["link"]["probability"] == pytest.approx(case.link().probability)
    thread = explorer._background.thread
    explorer.close()
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    "error", [TooLargeError("it needs 8 GB."), ZeroDivisionError("by nothing"), KeyboardInterrupt()]
)
def test_f10_red_flags_are_in_the_first_message_and_stay_whatever_happens(
    model, monkeypatch, error
):
    explorer = Explorer(model.observe(back_pain=True), background=False)
    messages = []
    explorer.observe(lambda change: messages.append(change["new"]), "view")
    early = []

    def fail(*_, **__):
        early.append(list(messages))
        raise error

    monkeypatch.setattr(view, "differential", fail)
    stopped = isinstance(error, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt) if stopped else nullcontext():
        tell(explorer, type="observe", node="bladder_dysfunction", value="present")
    ((first,),) = early  # one message, before inference
    assert [a["urgency"] for a in first["alerts"]] == ["emergency"]
    assert first["computing"] and first["findings"]["bladder_dysfunction"] == "present"
    assert explorer.view["alerts"] == first["alerts"] and not explorer.view["computing"]
    assert explorer.view["problem"] and explorer.view["causes"] == []
    explorer.close()


def test_f10_a_new_explorer_has_its_red_flags_before_inference(model, monkeypatch):
    def fail(*_, **__):
        raise AssertionError("inference before the red flags")

    monkeypatch.setattr("spinelink.notebook.explorer.Background.ask", lambda self: None)
    with monkeypatch.context() as patch:
        for name in ("differential", "posteriors"):
            patch.setattr(view, name, fail)
        patch.setattr(type(model.observe()), "log_evidence", property(fail))
        explorer = model.observe(back_pain=True, bladder_dysfunction=True).explore()
        assert explorer.view["computing"] and len(explorer.view["alerts"]) == 1
    explorer._compute()
    assert explorer.view["causes"] and not explorer.view["computing"]
    explorer.close()


def test_f10_findings_that_contradict_are_shown_with_their_red_flags(model):
    sure = model.with_parameters(
        {"numbness.leak": 0.0, "numbness.link.nerve_root_compression.one_side": 1.0}
    )
    wrong = {"nerve_root_compression": "one_side", "numbness": False}
    case = sure.observe(**wrong, bladder_dysfunction=True, back_pain=True)
    explorer = Explorer(case, background=False)
    assert "cannot occur" in explorer.view["problem"] and len(explorer.view["alerts"]) == 1
    explorer.wait()
    assert all("cannot" in explorer.later[p]["problem"] for p in ("next", "intervals"))
    tell(explorer, type="observe", node="back_pain", value=None)  # goes on, as it was so before
    assert explorer.view["error"] == "" and "cannot occur" in explorer.view["problem"]
    tell(explorer, type="observe", node="numbness", value=None)
    assert explorer.view["problem"] == "" and explorer.view["causes"]
    tell(explorer, type="observe", node="numbness", value="absent")
    assert "not taken" in explorer.view["error"] and "numbness" not in explorer.case.findings
    assert explorer.view["causes"] and not explorer.view["computing"]
    explorer.wait()
    assert explorer.later["version"] == explorer.view["version"]
    with pytest.raises(ImpossibleEvidenceError):
        explorer.case = case
    explorer.close()
    with pytest.raises(UnknownNameError):
        model.in_setting("moon")


def test_without_a_kernel_a_picture_remains(model, monkeypatch):
    """First the red flags, then the widget, then the whole picture in place of the red flags."""
    monkeypatch.setattr("spinelink.notebook.explorer.Background.ask", lambda self: None)
    shown = []

    class Handle:
        def update(self, data):
            shown.append(data)

    def display(data, **options):
        shown.append(data)
        return Handle() if options.get("display_id") else None

    monkeypatch.setattr("IPython.display.display", display)
    explorer = model.observe(leg_pain="below_knee").explore()
    explorer._ipython_display_()
    flags, widget, whole = shown
    assert "spinelink-still" in flags.data and "does not exclude" in flags.data
    assert "<svg" not in flags.data
    assert "<svg" in whole.data and "Leg pain" in whole.data and "spinelink-still" in whole.data
    assert "application/vnd.jupyter.widget-view+json" in widget
    assert explorer.view["causes"]
    explorer.close()


def test_a_picture_that_fails_says_why(model, monkeypatch):
    def fail(*_, **__):
        raise TooLargeError("it needs 8 GB.")

    monkeypatch.setattr(still, "differential", fail)
    text = still.picture(model.observe(leg_pain="below_knee"))
    assert "<svg" in text and "it needs 8 GB." in text


def test_a_network_without_roles(model):
    plain = sl.from_pgmpy(model.to_pgmpy())
    explorer = plain.explore()
    assert explorer.wait(60)
    assert explorer.shell["groups"][0]["title"] == "Findings" and not explorer.shell["ranked"]
    shown = {r["name"]: r["posterior"] for r in explorer.view["causes"]}
    assert shown["lumbar_disc_herniation"] == pytest.approx(
        plain.observe().posterior("lumbar_disc_herniation").iloc[1]
    )
    assert sum(v for k, v in shown.items() if k.startswith("leg_pain=")) == pytest.approx(1)
    assert "explore(of=[...])" in explorer.later["next"]["problem"]
    assert "spinelink-still" in still.picture(explorer.case)
    explorer.close()
    explorer = Explorer(
        plain.observe(numbness="present"), of=["lumbar_disc_herniation"], background=False
    )
    tell(explorer, type="tab", name="why")
    explorer.wait()
    case = plain.observe(numbness="present")
    assert [(r["name"], r["posterior"]) for r in explorer.view["causes"]] == [
        ("lumbar_disc_herniation", pytest.approx(case.posterior("lumbar_disc_herniation").iloc[1]))
    ]
    assert (
        explorer.later["next"]["rows"]
        and explorer.later["why"]["rows"]
        and "lumbar_disc_herniation" in explorer.later["intervals"]
    )
    explorer.close()
    with pytest.raises(UnknownNameError):
        plain.explore(of="moon")
    explorer = Explorer(
        sl.from_pgmpy(model.to_pgmpy(), roles={"scoliosis": "cause"}).observe(), background=False
    )
    explorer.wait()
    assert explorer.later["next"]["rows"] and [r["name"] for r in explorer.view["causes"]] == [
        "scoliosis"
    ]
    explorer.close()


def test_the_script_loads_nothing():
    script, style = ((STATIC / f"explorer.{kind}").read_text() for kind in ("js", "css"))
    for text in (script, style):
        assert "http://" not in text and "https://" not in text and "@import" not in text
    assert "import " not in script.replace("important", "")


def test_the_search_gets_all_that_each_finding_is_called():
    shell = view.fixed_part(sl.load("back-leg-pain"))
    texts = {n["name"]: n["search"] for group in shell["groups"] for n in group["nodes"]}
    assert "sciatica" in texts["leg_pain"] and "below knee" in texts["leg_pain"]
    assert "lasegue" in texts["straight_leg_raise"] and "hp:0009027" in texts["foot_drop"]
    assert all(text == text.lower() and text.isascii() for text in texts.values())
