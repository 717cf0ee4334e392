"""Conflict against its definition by enumeration; explanations of chosen nodes against the joint."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import spinelink as sl
from spinelink.diagnosis import Model
from spinelink.errors import (
    EvidenceError,
    ImpossibleEvidenceError,
    SpinelinkError,
    UnknownNameError,
)
from spinelink.network.cpd import Accuracy, Case, Deterministic, Prior
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.parameter import Probability
from tests import oracle
from tests.inference.test_exact import RELAXED
from tests.strategies import evidence_for, networks


@st.composite
def questions(draw):
    network = draw(networks(max_nodes=6, max_parents=3))
    evidence = {n: f for n, f in draw(evidence_for(network)).items() if isinstance(f, str)}
    return network, evidence


@given(questions())
@RELAXED
def test_conflict_is_jensens_measure(question):
    network, evidence = question
    whole = oracle.posterior(network, evidence)[0]
    assume(whole > 1e-9)

    def conf(names):
        return sum(
            math.log2(oracle.posterior(network, {n: evidence[n]})[0]) for n in names
        ) - math.log2(oracle.posterior(network, {n: evidence[n] for n in names})[0])

    found = Model(network).observe(evidence).conflict()
    assert found.total == pytest.approx(conf(list(evidence)) if evidence else 0.0, abs=1e-8)
    for name in evidence:
        rest = [n for n in evidence if n != name]
        part = next(v for k, v in found.parts.items() if k.split("=")[0] == name)
        assert part == pytest.approx(found.total - conf(rest), abs=1e-8)
    for pair in found.pairs:
        assert pair.conflict == pytest.approx(
            conf([pair.first.split("=")[0], pair.second.split("=")[0]]), abs=1e-8
        )


@given(questions())
@RELAXED
def test_the_group_carries_the_conflict_and_holds_nothing_else(question):
    network, evidence = question
    assume(oracle.posterior(network, evidence)[0] > 1e-9)
    model = Model(network)
    found = model.observe(evidence).conflict()
    assert (found.group is not None) == (found.total > 0.0)
    if found.group is not None and found.total > 1e-6:
        names = [f.split("=")[0] for f in found.group.findings]
        alone = model.observe({n: evidence[n] for n in names}).conflict().total
        assert (
            alone == pytest.approx(found.group.conflict, abs=1e-8)
            and alone >= 0.9 * found.total - 1e-8
        )
        for n in names:
            assert (
                model.observe({m: evidence[m] for m in names if m != n}).conflict().total
                < 0.9 * found.total + 1e-8
            )


def test_three_that_conflict_only_together():
    """x is a or b but not both: any two of the three are independent, all three cannot be present."""
    both = Deterministic(
        kind="deterministic",
        parents=("a", "b"),
        cases=(
            Case(given={"a": "present", "b": "absent"}, state="present"),
            Case(given={"a": "absent", "b": "present"}, state="present"),
        ),
        otherwise="absent",
    )
    half = Probability(estimate=0.5, equivalent_sample_size=10.0, grade="judged", note="test")
    rare = {
        s: Probability(estimate=p, equivalent_sample_size=10.0, grade="judged", note="test")
        for s, p in (("sure", 0.99), ("other", 0.01))
    }
    nodes = {
        n: Node(role="cause", origin="back", label=n, cpd=Prior(kind="prior", prior=half))
        for n in "ab"
    }
    nodes["x"] = Node(role="other", label="x", cpd=both)
    nodes["y"] = Node(
        role="sign",
        label="y",
        cpd=Accuracy(kind="accuracy", of="x", sensitivity=rare["sure"], specificity=rare["sure"]),
    )
    found = (
        Model(Network(spinelink=1, name="xor", title="xor", version="0", nodes=nodes))
        .observe(a=True, b=True, y=True)
        .conflict()
    )
    assert not found.pairs and {f.split("=")[0] for f in found.group.findings} == {"a", "b", "y"}
    assert "Carried by" in str(found)


def test_explanations_of_chosen_nodes_are_possible_and_in_order():
    """Ties in the order of the states; what cannot be is no explanation."""
    half = Probability(estimate=0.5, equivalent_sample_size=10.0, grade="judged", note="test")
    same = Deterministic(
        kind="deterministic",
        parents=("c",),
        cases=(Case(given={"c": "present"}, state="present"),),
        otherwise="absent",
    )
    nodes = {
        "c": Node(role="cause", origin="back", label="c", cpd=Prior(kind="prior", prior=half)),
        "d": Node(role="cause", origin="back", label="d", cpd=same),
    }
    case = Model(Network(spinelink=1, name="tie", title="tie", version="0", nodes=nodes)).observe()
    one, four = (
        case.most_probable_explanation(over=["c", "d"]),
        case.most_probable_explanation(over=["c", "d"], best=4),
    )
    assert one.states == four.states == (("c", "absent"), ("d", "absent"))
    assert [dict(s) for s, _ in four.others] == [{"c": "present", "d": "present"}]


def test_a_rare_cause_resolves_a_conflict():
    """Findings of cauda equina compression without back pain hinder each other under what is common; the rare cause makes sense of them."""
    case = sl.load("minimal").observe(
        bladder_dysfunction=True, leg_pain="none", back_pain=False, numbness=True
    )
    found = case.conflict()
    for each in found.resolutions:
        with_it = case.observe({each.cause: case.model.nodes[each.cause].states[-1]}).conflict()
        alone = math.log2(case.model.observe().posterior(each.cause).iloc[1:].sum())
        assert with_it.total == pytest.approx(each.remaining, abs=1e-8), alone
        assert each.remaining <= 0.0
    fits = sl.load("minimal").observe(numbness=True, leg_pain="below_knee")
    assert fits.conflict().total < 0.0 and "fit together" in str(fits.conflict())
    with pytest.raises(ImpossibleEvidenceError):
        sl.load("minimal").with_parameters({"scoliosis.prior": 0.0}).observe(
            scoliosis=True
        ).conflict()


def test_explanations_of_chosen_nodes_and_the_next_best():
    case = sl.load("minimal").observe(numbness=True, leg_pain="below_knee")
    names = ["lumbar_disc_herniation", "nerve_root_compression"]
    joint = case.joint(names).sort_values(ascending=False)
    found = case.most_probable_explanation(over=names, best=3)
    every = [(found.states, found.log_probability), *found.others]
    assert [math.exp(p) for _, p in every] == pytest.approx(joint.to_numpy()[:3].tolist())
    assert [tuple(s for _, s in states) for states, _ in every] == list(joint.index[:3])
    single = case.most_probable_explanation(over="scoliosis")
    assert single.states == (("scoliosis", "absent"),) and single.others == ()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"over": "numbness"}, EvidenceError, "observed"),
        ({"over": "scoliosys"}, UnknownNameError, "scoliosis"),
        ({"over": []}, SpinelinkError, "one or more"),
        ({"best": True}, SpinelinkError, "1 or more"),
        ({"best": 0}, SpinelinkError, "1 or more"),
    ],
)
def test_bad_questions_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        sl.load("minimal").observe(numbness=True).most_probable_explanation(**options)
