"""What to ask next: information against enumeration, a published decision problem, laws, and what is refused."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import spinelink as sl
from spinelink.cli import main
from spinelink.diagnosis import Model
from spinelink.errors import EvidenceError, SpinelinkError, UnknownNameError
from spinelink.network.cpd import Accuracy, Case, Deterministic, NoisyOr, Prior, Row, Table
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.parameter import Distribution, Probability
from tests import oracle
from tests.inference.test_exact import RELAXED
from tests.inference.test_worked_answers import ENTRIES
from tests.strategies import evidence_for, networks


def pairs_of(network, evidence, target, asked):
    """P(evidence), and P(state of the target, state of what is asked | evidence), by enumeration."""
    pairs = {}
    for assignment, p in oracle.joint(network):
        for name, finding in evidence.items():
            p *= (
                finding.get(assignment[name], 0.0)
                if isinstance(finding, dict)
                else float(finding == assignment[name])
            )
        key = (assignment[target], assignment[asked])
        pairs[key] = pairs.get(key, 0.0) + p
    total = sum(pairs.values())
    return total, {k: p / total for k, p in pairs.items() if p > 0.0}


@st.composite
def questions(draw):
    network = draw(networks(max_nodes=6, max_parents=4).filter(lambda n: len(n.nodes) >= 3))
    urgency = st.sampled_from(["emergency", "urgent", "soon", None])
    nodes = {
        n: node.model_copy(update={"role": "symptom", "urgency": draw(urgency)})
        for n, node in network.nodes.items()
    }
    network = network.model_copy(update={"nodes": nodes})
    evidence = draw(evidence_for(network))
    hidden = [n for n in nodes if not isinstance(evidence.get(n), str)]
    assume(len(hidden) >= 2)
    return network, evidence, *draw(st.permutations(hidden))[:2]


@given(questions())
@RELAXED
def test_information_is_the_mutual_information_of_the_joint(question):
    network, evidence, target, asked = question
    total, pairs = pairs_of(network, evidence, target, asked)
    assume(total > 1e-6)
    one, two = {}, {}
    for (a, b), p in pairs.items():
        one[a], two[b] = one.get(a, 0.0) + p, two.get(b, 0.0) + p
    expected = sum(p * math.log2(p / (one[a] * two[b])) for (a, b), p in pairs.items())
    found = Model(network).observe(evidence).next_best(target, among=[asked], limit=None)
    assert found[0].value == pytest.approx(expected, abs=1e-9)
    assert found[0].value >= 0.0


def test_the_oil_wildcatter():
    """Raiffa's decision, as pyAgrum's tests have it: knowing the test result is worth 12.5 before its cost, knowing the oil 35."""
    verified = ENTRIES["oil-wildcatter"]["verified"]
    about = {"equivalent_sample_size": 10.0, "grade": "judged", "note": "published"}
    table = ENTRIES["oil-wildcatter"]["network"]
    oil, results = table["OilContents"], table["TestResult|Oil (closed,open,diffuse)"]
    states = ("closed", "open", "diffuse")
    nodes = {
        "oil": Node(
            role="other",
            label="oil",
            states=tuple(oil),
            cpd=Prior(kind="prior", prior=Distribution(estimate=dict(oil), **about)),
        ),
        "result": Node(
            role="test",
            label="seismic test",
            states=states,
            cpd=Table(
                kind="table",
                parents=("oil",),
                rows=tuple(
                    Row(
                        given={"oil": o},
                        probability=Distribution(
                            estimate=dict(zip(states, row, strict=True)), **about
                        ),
                    )
                    for o, row in results.items()
                ),
            ),
        ),
        "core": Node(
            role="test",
            label="a core of the ground",
            states=tuple(oil),
            cpd=Table(
                kind="table",
                parents=("oil",),
                rows=tuple(
                    Row(
                        given={"oil": o},
                        probability=Distribution(estimate={s: float(s == o) for s in oil}, **about),
                    )
                    for o in oil
                ),
            ),
        ),
    }
    case = Model(Network(spinelink=1, name="oil", title="oil", version="0", nodes=nodes)).observe()
    utilities = {"drill": table["utility drill"], "no drill": dict.fromkeys(oil, 0.0)}
    found = {c.name: c for c in case.next_best("oil", utilities=utilities, cost=None).candidates}
    assert found["result"].value == pytest.approx(verified["EVSI (derived)"])
    assert found["core"].value == pytest.approx(
        verified["EVPI (derived)"]
    )  # a test without error is knowing


@pytest.fixture(scope="module")
def case():
    return sl.load("minimal").observe(back_pain=True, leg_pain="below_knee")


def test_about_all_causes_it_is_the_sum_by_urgency(case):
    whole = {c.name: c.value for c in case.next_best(limit=None).candidates}
    for name in whole:
        total = 0.0
        for cause in case.model.network.ranked:
            each = case.next_best(cause, among=[name])[0].value
            total += case.model.network.urgency_weights.of(case.model.nodes[cause]) * each
        assert whole[name] == pytest.approx(total, abs=1e-9)


def test_a_procedure_tells_at_least_what_its_parts_tell():
    case = sl.load("back-leg-pain").observe(age_group=47, back_pain=True, leg_pain="below_knee")
    nodes = ["straight_leg_raise", "crossed_straight_leg_raise", "slump_test"]
    found = {
        c.name: c
        for c in case.next_best(
            "lumbar_disc_herniation", among=nodes, limit=None, cost=None
        ).candidates
    }
    whole = next(c for c in found.values() if len(c.nodes) == 3)
    assert all(whole.value >= found[n].value - 1e-12 for n in nodes)
    assert whole.minutes == max(found[n].minutes for n in nodes)
    under_way = case.observe(slump_test=True).next_best(
        "lumbar_disc_herniation", among=nodes, limit=None
    )
    assert all(c.started for c in under_way.candidates)


def test_emergencies_are_asked_about_first():
    case = sl.load("back-leg-pain").observe(back_pain=True, leg_pain="below_knee", numbness=True)
    leading = [
        c.name
        for c in case.next_best(
            limit=3,
            among=["saddle_numbness", "bladder_dysfunction", "morning_stiffness", "heel_pain"],
        )
    ]
    assert set(leading[:2]) == {"saddle_numbness", "bladder_dysfunction"}


def test_two_steps_are_worth_at_least_one(case):
    for c in case.next_best(horizon=2, limit=None).candidates:
        assert not c.after < c.value


def test_it_says_when_to_stop(case):
    assert "worth" in case.next_best(threshold=100.0).stop
    everything = {
        n: v.states[0]
        for n, v in case.model.nodes.items()
        if v.role in ("context", "symptom", "sign", "test")
    }
    assert (
        "nothing is left" in case.model.observe({**everything, "back_pain": True}).next_best().stop
    )
    assert "not considered" in str(case.next_best(threshold=100.0))


def test_what_is_independent_tells_nothing():
    from tests.adjust.test_learning import pair

    model = pair(rows=(0.4, 0.4))
    assert model.observe().next_best("a", among=["b"])[0].value == pytest.approx(0.0, abs=1e-12)


def test_on_the_command_line(capsys):
    assert main(["next", "back_pain", "leg_pain=below_knee", "-n", "minimal"]) == 0
    assert "bladder" in capsys.readouterr().out
    assert main(["next", "back_pain", "-n", "minimal", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["result"]["candidates"][0]["value"] > 0.0
    assert main(["link", "back_pain", "leg_pain=below_knee", "-n", "minimal"]) == 0
    assert "side by side" in capsys.readouterr().out
    assert main(["link", "back_pain", "leg_pain=below_knee", "-n", "minimal", "--json"]) == 0
    assert sum(json.loads(capsys.readouterr().out)["result"]["shares"].values()) == pytest.approx(
        1.0
    )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"target": "scoliosys"}, UnknownNameError, "scoliosis"),
        ({"target": "leg_pain"}, EvidenceError, "observed"),
        ({"among": ["numbnes"]}, UnknownNameError, "numbness"),
        ({"limit": 0}, SpinelinkError, "1 or more"),
        ({"cost": "money"}, UnknownNameError, "minutes"),
        ({"horizon": 3}, SpinelinkError, "horizon"),
        ({"measure": "regret"}, UnknownNameError, "loss"),
        ({"measure": "loss", "utilities": {}}, SpinelinkError, "leave measure out"),
        ({"threshold": "much"}, SpinelinkError, "threshold"),
        ({"target": "scoliosis", "utilities": 5}, SpinelinkError, "action -> state"),
        (
            {"target": "scoliosis", "utilities": {"operate": {"absent": "x", "present": 1.0}}},
            SpinelinkError,
            "number",
        ),
        ({"under_way": "mri"}, UnknownNameError, "procedure"),
        ({"utilities": {"operate": {"absent": 0.0, "present": 1.0}}}, SpinelinkError, "name it"),
        (
            {"target": "scoliosis", "utilities": {"operate": {"present": 1.0}}},
            SpinelinkError,
            "absent, present",
        ),
    ],
)
def test_bad_questions_are_refused(case, options, error, message):
    with pytest.raises(error, match=message):
        case.next_best(**options)


@given(questions())
@RELAXED
def test_loss_spared_is_that_of_the_enumeration(question):
    """min(P(absent), weight P(present)) now, less its mean over the answers."""
    network, evidence, target, asked = question
    total, pairs = pairs_of(network, evidence, target, asked)
    assume(total > 1e-6)
    weight = network.urgency_weights.of(network.nodes[target])
    first = network.nodes[target].states[0]

    def least(states):
        absent = sum(p for (a, _), p in states.items() if a == first)
        return min(absent, weight * (sum(states.values()) - absent))

    answers = {b for _, b in pairs}
    expected = least(pairs) - sum(
        least({k: p for k, p in pairs.items() if k[1] == b}) for b in answers
    )
    found = Model(network).observe(evidence).next_best(target, measure="loss", among=[asked])
    assert found[0].value == pytest.approx(expected, abs=1e-9) and found.unit == "loss"


def test_a_procedure_that_is_begun_costs_nothing_more():
    case = sl.load("back-leg-pain").observe(back_pain=True)
    readings = [n for n, v in case.model.nodes.items() if v.procedure == "xray_spine"]
    assert not any(c.started for c in case.next_best(limit=None, among=readings))
    assert all(
        c.started and c.minutes == 0.1
        for c in case.next_best(limit=None, among=readings, under_way="xray_spine")
    )


def number(p):
    return Probability(estimate=p, equivalent_sample_size=10.0, grade="judged", note="test")


def cause(p, urgency=None):
    return Node(
        role="cause",
        origin="back",
        label="c",
        urgency=urgency,
        cpd=Prior(kind="prior", prior=number(p)),
    )


def case_of(**nodes):
    return Model(
        Network(spinelink=1, name="small", title="small", version="0", nodes=nodes)
    ).observe()


def shows(of, sensitivity, specificity):
    cpd = Accuracy(
        kind="accuracy", of=of, sensitivity=number(sensitivity), specificity=number(specificity)
    )
    return Node(role="test", label="t", cpd=cpd)


def test_an_emergency_that_may_come_to_need_action_keeps_asking():
    """A scan may lift it from 4 to 36 %: never first, but far over 1 in 21, from which acting costs less than missing it."""
    case = case_of(
        benign=cause(0.9, "routine"),
        grave=cause(0.04, "emergency"),
        scan=shows("grave", 0.95, 0.93),
    )
    found = case.next_best()
    assert found.stop == "" and found[0].changes_lead == 0.0
    positive = case.observe(scan=True).posterior("grave")["present"]
    assert 1 / 21 < positive < 0.9
    assert found[0].changes_action == pytest.approx(0.04 * 0.95 + 0.96 * 0.07)
    assert case.next_best(measure="loss").stop == "" and case.next_best("grave").stop == ""
    weak = case_of(
        benign=cause(0.9, "routine"), grave=cause(0.04, "routine"), scan=shows("grave", 0.95, 0.93)
    ).next_best()
    assert "leading cause, or whether to act" in weak.stop


def test_equal_causes_lead_together():
    """What tells nothing changes no lead, whichever way rounding falls."""
    links = {"a": number(0.3), "b": number(0.3)}
    case = case_of(
        a=cause(0.1),
        b=cause(0.1),
        observed=Node(
            role="symptom", label="s", cpd=NoisyOr(kind="noisy_or", leak=number(0.1), links=links)
        ),
        other=Node(
            role="context",
            label="o",
            states=("x", "y", "z"),
            cpd=Prior(
                kind="prior",
                prior=Distribution(
                    estimate={"x": 0.2, "y": 0.3, "z": 0.5},
                    equivalent_sample_size=10.0,
                    grade="judged",
                    note="test",
                ),
            ),
        ),
    ).observe(observed=True)
    assert case.next_best()[0].changes_lead == 0.0 and "0.01 bits" in case.next_best().stop


def test_two_steps_rank_and_stop_by_what_both_tell():
    """Neither coin tells anything of their sum alone; both tell it all."""
    both = Deterministic(
        kind="deterministic",
        parents=("c", "k"),
        cases=(
            Case(given={"c": "present", "k": "absent"}, state="present"),
            Case(given={"c": "absent", "k": "present"}, state="present"),
        ),
        otherwise="absent",
    )
    nodes = {
        "c": cause(0.5),
        "k": Node(role="test", label="k", cpd=Prior(kind="prior", prior=number(0.5))),
        "x": Node(role="test", label="x", cpd=both),
        "w": shows("c", 0.6, 0.6),
    }
    found = case_of(**nodes).next_best(horizon=2, by_urgency=False)
    assert [c.name for c in found] == ["k", "x", "w"] or [c.name for c in found] == ["x", "k", "w"]
    assert found.stop == "" and found[0].after == pytest.approx(1.0)
    assert case_of(**nodes).next_best(among=["k", "x"]).stop != ""
    assert case_of(**nodes).next_best(among=["k", "x"], horizon=2).stop == ""


def test_weights_are_those_of_the_network():
    nodes = {"grave": cause(0.1, "emergency"), "scan": shows("grave", 0.9, 0.9)}
    network = Network(spinelink=1, name="small", title="small", version="0", nodes=nodes)
    heavier = network.model_copy(
        update={"urgency_weights": network.urgency_weights.model_copy(update={"emergency": 40.0})}
    )
    one, two = (Model(n).observe().next_best()[0].value for n in (network, heavier))
    assert two == pytest.approx(2 * one)
