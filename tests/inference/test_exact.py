"""The engine against enumeration of the joint, on random networks of every CPD kind with every kind of evidence."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import spinelink as sl
from spinelink.diagnosis import Model
from spinelink.errors import (
    ImpossibleEvidenceError,
    SpinelinkError,
    TooLargeError,
    UnknownNameError,
)
from spinelink.inference.answer import marginals
from spinelink.inference.interpreted.most_probable import most_probable_explanations
from spinelink.inference.limits import BYTES_PER_ENTRY
from tests.oracle import joint, posterior
from tests.strategies import evidence_for, networks, with_limits

RELAXED = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def questions(draw):
    network = draw(networks())
    return network, draw(evidence_for(network))


def scaled(evidence):
    """Virtual evidence as the library scales it, so that log P(evidence) compares."""
    return {
        n: v if isinstance(v, str) else {s: x / max(v.values()) for s, x in v.items()}
        for n, v in evidence.items()
    }


def agrees(network, evidence, engine="numpy", **limits):
    """Everything that one case is asked, against enumeration, within some limits."""
    total, expected, best = posterior(network, scaled(evidence))
    case = Model(network, engine=engine).observe(evidence)
    if total == 0.0:
        with pytest.raises(ImpossibleEvidenceError):
            case.posteriors()
        return
    compiled = with_limits(case.model.compiled, **limits)
    names, observed = compiled.names, case.observed
    answer = marginals(compiled, observed, list(range(len(names))))
    assert answer.log_evidence[0] == pytest.approx(math.log(total), abs=1e-9)
    for i, n in enumerate(names):
        for k, s in enumerate(compiled.states[i]):
            p, found = expected[n][s], answer.posterior[i][k, 0]
            assert found == pytest.approx(p, abs=1e-9), (n, s)
            if 0.0 < p < 1e-3:
                assert found == pytest.approx(p, rel=1e-6), (n, s)
    explanation = most_probable_explanations(compiled, observed)[0]
    assert explanation.log_joint == pytest.approx(math.log(best[0]), abs=1e-9)
    if not limits:  # and as a caller has it
        assert case.log_evidence == pytest.approx(math.log(total), abs=1e-9)
        frame = case.posteriors()
        assert frame["posterior"].to_numpy() == pytest.approx(
            [
                answer.posterior[i][k, 0]
                for i, s in enumerate(compiled.states)
                for k in range(len(s))
            ]
        )


@pytest.mark.slow
@RELAXED
@given(questions())
def test_posteriors_equal_enumeration(question):
    agrees(*question)


@pytest.mark.slow
@pytest.mark.xdist_group("numba")
@RELAXED
@given(questions())
def test_the_compiled_kernel_equals_enumeration(question):
    pytest.importorskip("numba")
    agrees(*question, engine="fast")


@pytest.mark.slow
@pytest.mark.xdist_group("numba")
@RELAXED
@given(questions())
def test_the_compiled_kernel_in_small_steps_equals_enumeration(question):
    """Force deputies for all noisy families and a tiny workspace, so that targets are split."""
    pytest.importorskip("numba")
    agrees(*question, engine="fast", expanded_family=0, kernel_group=40)


@pytest.mark.slow
@pytest.mark.xdist_group("numba")
@RELAXED
@given(questions())
def test_the_difference_form_of_the_kernel_equals_enumeration(question):
    """Every noisy family as a difference of products, however small."""
    pytest.importorskip("numba")
    agrees(*question, engine="fast", kernel_direct=0)


@pytest.mark.slow
@RELAXED
@given(questions())
def test_the_difference_form_equals_enumeration(question):
    """The same without the kernel; the form is taken whether it is smaller or not."""
    agrees(*question, difference_form_products=-1.0, difference_form_gain=0.0)


def test_an_engine_that_is_not_there_is_named():
    with pytest.raises(UnknownNameError, match="numpy"):
        sl.load("back-leg-pain", engine="quick")


@pytest.mark.slow
@RELAXED
@given(questions())
def test_factored_form_equals_enumeration(question):
    """Every noisy family factored, however small: deputies, and leaves without their tables."""
    agrees(*question, expanded_family=1, leaf_family=1)


@pytest.mark.slow
@RELAXED
@given(questions())
def test_logarithmic_run_equals_enumeration(question):
    """On logarithms, as for tiny P(evidence)."""
    agrees(*question, underflow=math.inf)


@pytest.mark.slow
@RELAXED
@given(questions())
def test_explanation_found_by_search_equals_enumeration(question):
    """Every bucket split and every noisy family only bounded: the branch and bound has to work."""
    network, evidence = question
    total, _, best = posterior(network, scaled(evidence))
    if total > 0.0:
        case = Model(network).observe(evidence)
        compiled = with_limits(case.model.compiled, bucket_entries=(4.0,), bounded_family=1.0)
        answer = most_probable_explanations(compiled, case.observed)[0]
        assert answer.log_joint == pytest.approx(math.log(best[0]), abs=1e-9)


@pytest.mark.slow
@RELAXED
@given(questions(), st.integers(2, 7), st.booleans())
def test_the_next_best_explanations_equal_enumeration(question, best, by_search):
    network, evidence = question
    weights = scaled(evidence)
    every = []
    for assignment, p in joint(network):
        for n, value in weights.items():
            p *= float(assignment[n] == value) if isinstance(value, str) else value[assignment[n]]
        every.append(p)
    total = sum(every)
    assume(total > 0.0)
    expected = [math.log(p / total) for p in sorted(every, reverse=True)[:best] if p > 0.0]
    case = Model(network).observe(evidence)
    limits = {"bucket_entries": (4.0,), "bounded_family": 1.0} if by_search else {}
    compiled = with_limits(case.model.compiled, **limits)
    found = most_probable_explanations(compiled, case.observed, best=best)
    assert [e.log_joint - math.log(total) for e in found] == pytest.approx(expected, abs=1e-9)
    assert len({tuple(sorted(e.states.items())) for e in found}) == len(found)
    if not by_search:
        answer = case.most_probable_explanation(best=best)
        both = [(answer.states, answer.log_probability), *answer.others]
        assert [p for _, p in both] == pytest.approx(expected, abs=1e-9)
        assert len({states for states, _ in both}) == len(both)


@pytest.mark.slow
@RELAXED
@given(questions(), st.randoms(use_true_random=False))
def test_order_of_findings_is_irrelevant(question, random):
    network, evidence = question
    model = Model(network)
    items = list(evidence.items())
    random.shuffle(items)
    one, other = model.observe(evidence), model.observe()
    for n, value in items:
        other = other.observe({n: value})
    assert one == other
    try:
        expected = one.posteriors()["posterior"]
    except ImpossibleEvidenceError:
        with pytest.raises(ImpossibleEvidenceError):
            other.posteriors()
        return
    assert (expected - other.posteriors()["posterior"]).abs().max() < 1e-12


@pytest.mark.slow
@RELAXED
@given(questions(), st.data())
def test_joint_equals_enumeration(question, data):
    network, evidence = question
    names = data.draw(st.permutations(list(network.nodes)))[
        : data.draw(st.integers(1, min(3, len(network.nodes))))
    ]
    total, _, _ = posterior(network, scaled(evidence))
    if total == 0.0:
        return
    from tests.oracle import joint

    expected: dict[tuple[str, ...], float] = {}
    for assignment, p in joint(network):
        for n, value in scaled(evidence).items():
            p *= float(assignment[n] == value) if isinstance(value, str) else value[assignment[n]]
        key = tuple(assignment[n] for n in names)
        expected[key] = expected.get(key, 0.0) + p / total
    answer = Model(network).observe(evidence).joint(names)
    for key, p in answer.items():
        key = key if isinstance(key, tuple) else (key,)
        assert p == pytest.approx(expected.get(key, 0.0), abs=1e-9)


@pytest.mark.slow
@RELAXED
@given(questions())
def test_conditioning_equals_enumeration(question):
    """A memory limit so small that every plan is refused and answered by cases instead."""
    network, evidence = question
    total, expected, _ = posterior(network, scaled(evidence))
    if total == 0.0:
        return
    case = Model(network, engine="numpy").observe(evidence)
    limits = replace(case.model.compiled.limits, expanded_family=1, leaf_family=1)
    for entries in (12, 40):
        compiled = case.model.compiled.with_limits(limits, memory_limit=BYTES_PER_ENTRY * entries)
        try:
            answer = marginals(compiled, case.observed, list(range(len(network.nodes))))
        except TooLargeError:
            continue
        assert answer.log_evidence[0] == pytest.approx(math.log(total), abs=1e-9)
        for i, n in enumerate(compiled.names):
            for k, s in enumerate(compiled.states[i]):
                assert answer.posterior[i][k, 0] == pytest.approx(expected[n][s], abs=1e-9)


def test_memory_is_adjustable_and_its_end_is_said():
    from tests.inference.test_rare import two_layers

    network = two_layers(12, 6, prior=0.1, leak=0.1, link=0.5)
    findings = {f"f{j}": "present" for j in range(5)}
    whole = Model(network).observe(findings).posterior("c0")["present"]
    assert Model(network, memory=4e4).observe(findings).posterior("c0")["present"] == pytest.approx(
        whole, rel=1e-12
    )
    with pytest.raises(TooLargeError, match="memory limit"):
        Model(network, memory=50.0).observe(findings).posterior("c0")
    for wrong in (0, -1.0, "much", True):
        with pytest.raises(SpinelinkError, match="bytes"):
            Model(network, memory=wrong)


def test_wrong_types_are_refused_in_words():
    model = sl.load("back-leg-pain").observe(leg_pain="above_knee")
    with pytest.raises(UnknownNameError):
        model.retract(["leg_pain"])
    with pytest.raises(SpinelinkError, match="names of nodes"):
        model.joint(3)
