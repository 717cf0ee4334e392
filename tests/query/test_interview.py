"""The dialogue: what is asked first, what answers are taken, undo, ends; driven by answers that a list gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import spinelink as sl
from spinelink.cli import main
from spinelink.errors import (
    ImpossibleEvidenceError,
    SpinelinkError,
    TooLargeError,
    UnknownNameError,
)
from spinelink.query.interview import Step, next_question, read_answer
from spinelink.view.text import show_percent

FLAGGED = Path(__file__).parents[1] / "data" / "flagged.yaml"


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


@pytest.fixture(scope="module")
def flagged():
    return sl.load(FLAGGED)


def without_causes(text):
    """The same network file, of which no node is a cause."""
    return re.sub(
        r"role: cause\n    origin: back\n(.*\n)    urgency: .*\n", r"role: other\n\1", text
    )


def hold(case, answers, **options):
    """The case after these answers (then the input ends), and everything shown."""
    waiting, shown = iter(answers), []

    def ask(prompt):
        try:
            return next(waiting)
        except StopIteration:
            raise EOFError from None

    return case.interview(ask=ask, show=shown.append, **options), "\n".join(map(str, shown))


def test_what_could_be_an_emergency_is_asked_first_then_what_tells_most(model):
    case = model.observe(leg_pain="below_knee")
    first = next_question(Step(case))
    assert first.node in {p.node for p in case.alerts().pending if p.urgency == "emergency"}
    later = case.observe(bladder_dysfunction=False)
    assert not [p for p in later.alerts().pending if p.urgency == "emergency"]
    assert next_question(Step(later)).node == later.next_best(limit=1)[0].nodes[0]
    passed = next_question(Step(later, passed=frozenset({next_question(Step(later)).node})))
    assert passed.node == later.next_best(limit=2)[1].nodes[0]


def test_answers_become_findings_and_can_be_undone(model):
    case = model.observe(leg_pain="below_knee")
    order = []
    found, _ = hold(case, ["1", "y", "u", "n", "", "q"])
    step = Step(case)
    for answer in ("absent", "absent"):
        node = next_question(step).node
        order.append((node, answer))
        step = Step(step.case.observe({node: answer}), step.passed | {node})
    assert dict(found.findings) == {"leg_pain": "below_knee", **dict(order)}


def test_a_new_alert_is_shown_when_it_fires_and_at_the_end(model):
    _, shown = hold(model.observe(leg_pain="below_knee"), ["2", "q"])
    assert shown.count("EMERGENCY: New bladder trouble") == 2
    assert "Not a medical device" in shown


def test_an_answer_that_cannot_be_raises_its_alert_and_stays_on_record(model, flagged):
    """No probability silences a rule: the alerts at the end are those of all answers, as `alerts` gives them for the same findings."""
    found, shown = hold(flagged.observe(scan="absent"), ["present", "absent", "q"])
    assert dict(found.findings) == {"scan": "absent", "saddle": "present", "tone": "absent"}
    assert (
        found.alerts().alerts
        == flagged.observe(scan="absent", saddle="present", tone="absent").alerts().alerts
        and len(found.alerts()) == 1
    )
    assert "No alert rule fired" not in shown and shown.count("EMERGENCY: Numb where one sits") == 2
    assert (
        shown.index("EMERGENCY: Numb")
        < shown.index("kept for the alerts")
        < shown.index("cannot occur together")
    )
    assert (
        "Left out of the probabilities, as these findings contradict each other: "
        f"{flagged.nodes['saddle'].label}: present" in shown
    )
    assert (
        f"Without {flagged.nodes['saddle'].label}: present: Benign {show_percent(flagged.observe(scan='absent', tone='absent').posterior('benign')['present'])}"
        in shown
    )
    with pytest.raises(ImpossibleEvidenceError):
        _ = found.log_evidence


def test_an_answer_that_cannot_be_is_undone_like_any_other(flagged):
    found, shown = hold(flagged.observe(scan="absent"), ["present", "u", "moon", "1", "q"])
    assert dict(found.findings) == {"scan": "absent", "saddle": "absent"}
    assert "'moon' is not an answer" in shown and "No alert rule fired" in shown


def test_alerts_of_the_case_are_shown_before_anything_that_may_fail(flagged):
    for findings, target, error in (
        ({"scan": "absent", "saddle": "present"}, None, ImpossibleEvidenceError),
        ({"saddle": "present"}, "moon", UnknownNameError),
    ):
        shown = []
        with pytest.raises(error):
            flagged.observe(findings).interview(target, ask=lambda prompt: "q", show=shown.append)
        assert "EMERGENCY: Numb where one sits" in "\n".join(shown)


def test_signs_and_tests_that_would_make_an_emergency_come_first_with_their_cost(flagged):
    """The quickest first: before any other question, whatever its worth."""
    step, order = Step(flagged.observe()), []
    while (question := next_question(step)).why.startswith("would raise an alert"):
        order.append((question.node, question.why.rpartition("; ")[2]))
        step = Step(step.case, step.passed | {question.node})
    assert order == [
        ("saddle", "0.5 minutes"),
        ("tone", "5 minutes, invasiveness medium"),
        ("scan", "40 minutes, money high"),
    ]
    assert (
        next_question(Step(flagged.observe(saddle={"absent": 0.9, "present": 0.1}))).node
        == "saddle"
    )  # uncertain, so still pending


def test_it_ends_with_words_where_no_cause_is_left(flagged):
    known = dict.fromkeys(flagged.network.ranked, "absent")
    found, shown = hold(flagged.observe(known), ["n", "n", "n"])
    assert "Every cause is known: nothing is left to learn about them." in shown
    assert set(found.findings) == {
        *known,
        "saddle",
        "tone",
        "scan",
    }  # what makes an emergency is asked about all the same
    assert "benign is known" in hold(flagged.observe(known), ["", "", ""], target="benign")[1]


def test_a_network_without_causes_is_asked_about_a_target(tmp_path):
    (tmp_path / "plain.yaml").write_text(without_causes(FLAGGED.read_text()))
    plain = sl.load(tmp_path / "plain.yaml")
    _, shown = hold(plain.observe(), ["", "", ""])
    assert "names no causes" in shown and "name a target" in shown
    found, shown = hold(plain.observe(), ["", "", "", "y"], target="benign")
    (asked,) = found.findings
    assert asked == "ache"  # the only child of it
    assert f"Benign {show_percent(plain.observe().posterior('benign')['present'])}" in shown


def test_findings_of_no_stated_role_are_asked_about(flagged):
    """Networks from elsewhere have no roles: what is no cause and no mechanism can be observed."""
    case = flagged.observe()
    assert {c.name for c in case.next_best(limit=None)} == {"sex", "saddle", "tone", "scan", "ache"}
    rest = Step(case, passed=frozenset({"sex", "saddle", "tone", "scan"}))
    assert next_question(rest).node == "ache"


def test_help_causes_and_nothing_to_undo(model):
    found, shown = hold(model.observe(leg_pain="below_knee"), ["u", "h", "c"])
    assert found == model.observe(leg_pain="below_knee")
    assert (
        "nothing to undo" in shown
        and shown.count("not the same as absent") == 2
        and "Ended." in shown
    )


def test_it_says_when_to_stop_and_goes_on_if_told(model):
    everything = {
        n: v.states[0]
        for n, v in model.nodes.items()
        if v.role in ("symptom", "context", "sign", "test")
    }
    del everything["heavy_lifting"]
    _, shown = hold(model.observe(everything), ["n"])
    assert "No further question is worth its cost: " in shown
    found, shown = hold(model.observe(everything), ["yes", "y"])
    assert found.findings["heavy_lifting"] == "present"
    assert "Nothing is left to ask." in shown


def test_a_procedure_is_asked_for_reading_by_reading():
    model = sl.load("back-leg-pain")
    case = model.observe(leg_pain="below_knee")
    whole = next(c for c in case.next_best(limit=None, cost=None) if len(c.nodes) > 1)
    first = next_question(Step(case, waiting=whole.nodes))
    assert (first.node, first.rest) == (whole.nodes[0], whole.nodes[1:])


@pytest.mark.parametrize(
    ("node", "text", "expected"),
    [
        ("leg_pain", "3", "below_knee"),
        ("leg_pain", "0", None),
        ("leg_pain", "4", None),
        ("leg_pain", "Below_Knee", "below_knee"),
        ("leg_pain", "bel", "below_knee"),
        ("numbness", "y", "present"),
        ("numbness", "No", "absent"),
        ("numbness", "maybe", None),
        ("age_group", "47", 47.0),
        ("age_group", "80+", "80+"),
        ("age_group", "old", None),
        ("age_group", "nan", None),
        ("leg_pain", "²", None),
        ("sex", "n", None),
        ("sex", "y", None),
        ("sex", "m", "male"),
    ],
)
def test_what_a_person_types(node, text, expected):
    model = sl.load("back-leg-pain")
    assert read_answer(node, model.nodes[node], text=text) == expected


def test_an_unknown_target_is_refused(model):
    with pytest.raises(UnknownNameError, match="scoliosis"):
        model.observe().interview("scoliosys")


def test_ask_and_show_are_functions(model):
    with pytest.raises(SpinelinkError, match="ask is a function"):
        model.observe().interview(ask=3)


def test_what_cannot_be_on_the_command_line(monkeypatch, capsys):
    answers = iter(["y", "q"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    assert main(["interview", "scan=no", "ache=absent:0.1,present:0.9", "-n", str(FLAGGED)]) == 2
    out, err = capsys.readouterr()
    assert (
        f"spinelink interview scan=absent ache=absent:0.11111111111111112,present:1.0 saddle=present -n {FLAGGED}"
        in out
    )
    assert "No alert rule fired" not in out and "cannot occur together" in err


def test_on_the_command_line(monkeypatch, capsys):
    answers = iter(["n", "q"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    assert main(["interview", "leg_pain=below_knee", "-n", "minimal"]) == 0
    out = capsys.readouterr().out
    assert (
        "To go on from here: spinelink interview leg_pain=below_knee bladder_dysfunction=absent -n minimal"
        in out
    )


@pytest.mark.parametrize("error", [TooLargeError("it needs 8 GB."), ZeroDivisionError("by 0")])
def test_f10_alerts_come_and_answers_stay_where_nothing_can_be_computed(model, monkeypatch, error):
    def fail(*_, **__):
        raise error

    case = model.observe(leg_pain="below_knee", bladder_dysfunction=True)
    for name in ("differential", "next_best"):
        monkeypatch.setattr(f"spinelink.query.interview.{name}", fail)
    monkeypatch.setattr(type(case), "log_evidence", property(fail))
    found, shown = hold(case, ["y", "c", "q"])
    assert shown.startswith("EMERGENCY: New bladder trouble")
    assert shown.count("EMERGENCY: New bladder trouble") == 3  # first, when asked for, at the end
    assert len(found.findings) == 3
    assert str(error) in shown and "the quickest: the best one is not known" in shown


def test_f10_ctrl_c_ends_with_the_alerts(model):
    def ask(prompt):
        raise KeyboardInterrupt

    shown = []
    case = model.observe(leg_pain="below_knee", bladder_dysfunction=True)
    assert case.interview(ask=ask, show=shown.append) == case
    assert "EMERGENCY" in shown[0] and "EMERGENCY" in shown[-1]
