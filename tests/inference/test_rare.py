"""Rare findings and tiny P(evidence): nothing cancels and nothing underflows unnoticed. Oracle: exact rational arithmetic."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from spinelink.diagnosis import Model
from spinelink.inference.answer import marginals
from spinelink.inference.findings import EvidenceBatch
from spinelink.inference.limits import DEFAULT
from spinelink.network.cpd import Accuracy, NoisyOr, Prior
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.parameter import Probability
from tests.strategies import with_limits

DIFFERENCES = {
    "difference_form_products": -1.0,
    "difference_form_gain": 0.0,
    "kernel_direct": 0,
}


@pytest.fixture(
    params=[
        "numpy",
        "numpy, difference form",
        *(
            pytest.param(e, marks=pytest.mark.xdist_group("numba"))
            for e in ("fast", "fast, difference form")
        ),
    ]
)
def ask(request):
    """Posteriors of a case by one engine.

    In difference form what is small, too, is first tried as differences, whose digits do not do here.
    """
    engine, *form = request.param.split(", ")
    if engine == "fast":
        pytest.importorskip("numba")

    def answer(network, findings, *nodes):
        compiled = Model(network, engine=engine).compiled
        if form:
            compiled = with_limits(compiled, **DIFFERENCES)
        observed = {compiled.index[n]: int(v) for n, v in findings.items()}
        found = marginals(compiled, observed, [compiled.index[n] for n in nodes])
        present = [float(found.present(compiled.index[n])[0]) for n in nodes]
        return float(found.log_evidence[0]), *present

    return answer


def number(p):
    return Probability(estimate=p, equivalent_sample_size=10.0, grade="judged", note="test")


def two_layers(causes, findings, *, prior, leak, link):
    """`causes` independent causes, each finding a noisy-OR of all of them with slightly different links."""
    nodes = {
        f"c{i}": Node(
            role="cause", origin="back", label="c", cpd=Prior(kind="prior", prior=number(prior))
        )
        for i in range(causes)
    }
    for j in range(findings):
        links = {f"c{i}": number(link * (1 + (i + 2 * j) % 5 / 10)) for i in range(causes)}
        nodes[f"f{j}"] = Node(
            role="symptom", label="f", cpd=NoisyOr(kind="noisy_or", leak=number(leak), links=links)
        )
    return Network(spinelink=1, name="layers", title="layers", version="0", nodes=nodes)


def rational(network, positive, causes):
    """P(c0 = present, evidence) and P(evidence) as fractions."""
    total = with_first = Fraction(0)
    for states in product((0, 1), repeat=causes):
        p = Fraction(1)
        for i, s in enumerate(states):
            prior = Fraction(network.nodes[f"c{i}"].cpd.prior.value)
            p *= prior if s else 1 - prior
        for f in positive:
            cpd = network.nodes[f].cpd
            absent = 1 - Fraction(cpd.leak.value)
            for i, s in enumerate(states):
                if s:
                    absent *= 1 - Fraction(cpd.links[f"c{i}"].value)
            p *= 1 - absent
        total += p
        with_first += p if states[0] else 0
    return with_first, total


@pytest.mark.parametrize("scale", [1.0, 1e-2, 1e-4, 1e-6, 1e-8])
def test_rare_findings_keep_nine_digits(scale, ask):
    network = two_layers(8, 5, prior=0.01, leak=0.02 * scale, link=0.4 * scale)
    positive = ["f0", "f1", "f2"]
    with_first, total = rational(network, positive, 8)
    log_evidence, present = ask(network, dict.fromkeys(positive, True), "c0")
    assert present == pytest.approx(float(with_first / total), rel=1e-9)
    assert log_evidence == pytest.approx(math.log(total), rel=1e-12)


def test_an_unobserved_rare_finding_keeps_nine_digits(ask):
    network = two_layers(8, 5, prior=0.01, leak=2e-8, link=4e-7)
    _with_first, total = rational(network, ["f0"], 8)
    _, both = rational(network, ["f0", "f1"], 8)
    _, answer = ask(network, {"f0": True}, "f1")
    assert answer == pytest.approx(float(both / total), rel=1e-9)


def test_evidence_far_below_the_smallest_double(ask):
    """175 positive findings of probability 1e-8 each: P(evidence) is near 1e-1200."""
    network = two_layers(3, 175, prior=0.01, leak=2e-9, link=3e-8)
    positive = [f"f{j}" for j in range(175)]
    with_first, total = rational(network, positive, 3)
    log_total = math.log(total.numerator) - math.log(total.denominator)
    assert log_total < -1200 * math.log(10)
    log_evidence, present = ask(network, dict.fromkeys(positive, True), "c0")
    assert log_evidence == pytest.approx(log_total, rel=1e-12)
    assert present == pytest.approx(float(with_first / total), rel=1e-9)


def test_underflow_of_the_leading_explanation_is_noticed(ask):
    """The explanation that is likelier by 1e300 on most findings is killed by the last one; plain doubles would say 0/0."""
    nodes = {
        "c": Node(
            role="cause", origin="back", label="c", cpd=Prior(kind="prior", prior=number(0.5))
        )
    }
    for j in range(100):
        cpd = NoisyOr(kind="noisy_or", leak=number(1e-9), links={"c": number(0.9)})
        nodes[f"f{j}"] = Node(role="symptom", label="f", cpd=cpd)
    nodes["last"] = Node(
        role="symptom",
        label="f",
        cpd=NoisyOr(kind="noisy_or", leak=number(0.5), links={"c": number(1.0)}),
    )
    network = Network(spinelink=1, name="killed", title="killed", version="0", nodes=nodes)
    findings = {**{f"f{j}": True for j in range(100)}, "last": False}
    log_evidence, present = ask(network, findings, "c")
    assert log_evidence == pytest.approx(
        math.log(0.5) + 100 * math.log(1e-9) + math.log(0.5), rel=1e-12
    )
    assert present == 0.0


@pytest.mark.xdist_group("numba")
@pytest.mark.parametrize("scale", [1.0, 1e-2, 1e-4, 1e-6, 1e-9])
@pytest.mark.parametrize(("causes", "findings"), [(6, 9), (2, 2)])
def test_lost_digits_are_noticed(scale, causes, findings):
    """Rows summed as differences of products either agree with sums without signs, or are handed back: also where small sums agree by rounding alike."""
    pytest.importorskip("numba")
    from spinelink.inference.kernel.engine import solve_form
    from spinelink.inference.kernel.flat import flat_of
    from spinelink.inference.kernel.records import ANSWERED, DIFFERENCE, DIRECT

    compiled = Model(
        two_layers(causes, findings, prior=0.01, leak=0.02 * scale, link=0.4 * scale)
    ).compiled
    observed = [compiled.index[f"f{j}"] for j in range(findings)]
    states = np.full((40, len(compiled.names)), -1)
    states[:, observed] = np.random.default_rng(1).integers(-1, 2, (40, findings))
    plain, differences = (
        solve_form(
            compiled,
            EvidenceBatch(states),
            flat=flat_of(compiled),
            nodes=[compiled.index[f"c{i}"] for i in range(causes)],
            starts=np.arange(40),
            form=form,
            max_entries=1 << 22,
        )
        for form in (DIRECT, DIFFERENCE)
    )
    assert (plain.status == ANSWERED).all()
    done = differences.status == ANSWERED
    assert done.any() and (scale > 1e-4 or not done.all())
    np.testing.assert_allclose(differences.log_evidence[done], plain.log_evidence[done], atol=1e-10)
    np.testing.assert_allclose(differences.posterior[done], plain.posterior[done], atol=1e-10)


@pytest.mark.xdist_group("numba")
@pytest.mark.parametrize("engine", ["numpy", "fast"])
def test_where_the_plain_form_is_large_eight_decimals_are_kept(engine):
    """Rare findings cancel in difference form; with no room for the plain form they still have an answer."""
    if engine == "fast":
        pytest.importorskip("numba")
    network = two_layers(6, 9, prior=0.01, leak=0.02 * 1e-6, link=0.4 * 1e-6)
    findings = {f"f{j}": True for j in range(9)}
    exact = Model(network, engine="numpy").observe(findings)
    differences = {
        "expanded_family": 0,
        "difference_form_products": -1.0,
        "difference_form_gain": 0.0,
        "kernel_direct": 0,
        "kernel_direct_again": 0,
        "plain_again": 0.0,
    }
    asked = []
    for fewer in (1.0, 1e4):
        limits = replace(DEFAULT, **differences, fewer_digits=fewer)
        found = Model(network, engine=engine, limits=limits).observe(findings)
        asked.append(found.present(network.ranked))
    expected = exact.present(network.ranked)
    assert asked[0] == pytest.approx(expected, rel=1e-9)
    assert asked[1] == pytest.approx(expected, abs=1e-8)
    assert asked[0] != asked[1], "the same numbers: the second way was not taken"


@pytest.mark.parametrize("scale", [1e-3, 1e-8, 1e-12, 1e-16])
def test_what_lies_below_a_rare_node_keeps_its_digits(scale, ask):
    """A test that only a rare finding makes positive: its probability is asked for, that of the finding is not."""
    layers = two_layers(3, 1, prior=0.2, leak=0.02 * scale, link=0.4 * scale)
    sure = {p: number(p) for p in (0.9, 1.0)}
    cpd = Accuracy(kind="accuracy", of="f0", sensitivity=sure[0.9], specificity=sure[1.0])
    network = layers.model_copy(
        update={"nodes": {**layers.nodes, "t": Node(role="test", label="t", cpd=cpd)}}
    )
    _, present = rational(layers, ["f0"], 3)
    assert ask(network, {}, "t")[1] == pytest.approx(0.9 * float(present), rel=1e-9)
