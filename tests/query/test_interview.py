"""The dialogue: what is asked first, what answers are taken, undo, ends; driven by answers that a list gives."""

from __future__ import annotations

import pytest

import spinelink as sl
from spinelink.cli import main
from spinelink.errors import UnknownNameError
from spinelink.query.interview import Step, next_question, read_answer


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


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


def test_what_cannot_be_is_not_taken(model):
    sure = model.with_parameters({"bladder_dysfunction.leak": 0.0, "cauda_equina_compression.leak": 0.0})
    parameters = set(sure.parameters().to_frame()["id"])
    links = [p for p in parameters if p.startswith("cauda_equina_compression.link.") or p == "cauda_equina_compression.prior"]
    never = sure.with_parameters(dict.fromkeys(links, 0.0))
    found, shown = hold(never.observe(leg_pain="below_knee"), ["2", "moon", "1", "q"])
    assert "cannot occur" in shown and "The answer was not taken." in shown and "'moon' is not an answer" in shown
    assert found.findings["bladder_dysfunction"] == "absent"


def test_help_causes_and_nothing_to_undo(model):
    found, shown = hold(model.observe(leg_pain="below_knee"), ["u", "h", "c"])
    assert found == model.observe(leg_pain="below_knee")
    assert "nothing to undo" in shown and shown.count("not the same as absent") == 2 and "Ended." in shown


def test_it_says_when_to_stop_and_goes_on_if_told(model):
    everything = {n: v.states[0] for n, v in model.nodes.items() if v.role in ("symptom", "context", "sign", "test")}
    del everything["heavy_lifting"]
    _, shown = hold(model.observe(everything), ["n"])
    assert "One may stop here" in shown
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
    ],
)
def test_what_a_person_types(node, text, expected):
    model = sl.load("back-leg-pain")
    assert read_answer(node, model.nodes[node], text) == expected


def test_an_unknown_target_is_refused(model):
    with pytest.raises(UnknownNameError, match="scoliosis"):
        model.observe().interview("scoliosys")


def test_on_the_command_line(monkeypatch, capsys):
    answers = iter(["n", "q"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    assert main(["interview", "leg_pain=below_knee", "-n", "minimal"]) == 0
    out = capsys.readouterr().out
    assert "To go on from here: spinelink interview leg_pain=below_knee bladder_dysfunction=absent" in out
