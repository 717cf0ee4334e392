"""How a posterior depends on each number: published coefficients, and the network itself with that number changed, by enumeration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import spinelink as sl
from spinelink.diagnosis import Model
from spinelink.errors import EvidenceError, ParameterError, SpinelinkError, UnknownNameError
from spinelink.inference.gradient.linear_fractional import covariation
from spinelink.network.parameter import Distribution
from spinelink.network.parameter_ids import parameters, replace_parameters
from tests import oracle
from tests.inference.test_exact import RELAXED
from tests.inference.test_worked_answers import ENTRIES, model_of
from tests.strategies import evidence_for, networks


def changed(network, number, t):
    """The network with one number at t; the other states of a distribution keep their proportions."""
    old = parameters(network)[number.id]
    if isinstance(old, Distribution):
        states = list(old.estimate)
        p = np.array([old.estimate[s] for s in states])
        at = states.index(number.state)
        moved = np.clip(p + covariation(p, at) * (t - p[at]), 0.0, 1.0)
        estimate = dict(zip(states, moved.tolist(), strict=True))
    else:
        estimate = t
    return replace_parameters(network, {number.id: old.model_copy(update={"estimate": estimate})})


def present(network, evidence, node):
    total, of, _ = oracle.posterior(network, evidence)
    return (
        math.nan
        if total == 0.0
        else sum(list(of[node].values())[1:]) / (sum(of[node].values()) or 1.0)
    )


def test_coefficients_published_for_the_fire_alarm():
    entry = ENTRIES["fire-samiam-sensitivity"]
    model = model_of(entry)
    case = model.observe(entry["evidence"])
    found = case.sensitivity("tampering", state="t")
    assert found.posterior == pytest.approx(entry["verified"]["P(tampering=t|e)"], abs=1e-12)
    evidence = math.exp(case.log_evidence)
    for row, published, limit in (
        ("tampering.prior[t]", "sensitivity function of x=P(tampering)", "exact prior for 0.65"),
        (
            "report.row.leaving=f[t]",
            "sensitivity function of x=P(report|not leaving)",
            "exact P(report|not leaving) for 0.65",
        ),
    ):
        i = found[row]
        verified = entry["verified"][published]
        assert np.array([i.alpha, i.beta]) * evidence == pytest.approx(
            verified["numerator"], abs=1e-11
        )
        assert np.array([i.gamma, i.delta]) * evidence == pytest.approx(
            verified["denominator"], abs=1e-11
        )
        assert found.function(i.parameter.id, "t")(entry["verified"][limit]) == pytest.approx(
            0.65, abs=1e-12
        )


@st.composite
def questions(draw):
    network = draw(networks(max_nodes=5, max_parents=3))
    evidence = draw(evidence_for(network))
    hidden = [n for n in network.nodes if not isinstance(evidence.get(n), str)]
    assume(hidden)
    return network, evidence, draw(st.sampled_from(hidden)), draw(st.floats(0.03, 0.97))


@given(questions())
@RELAXED
def test_functions_are_the_network_with_the_number_changed(question):
    network, evidence, target, t = question
    assume(oracle.posterior(network, evidence)[0] > 1e-6)
    found = Model(network).observe(evidence).sensitivity(target)
    assert found.posterior == pytest.approx(present(network, evidence, target), abs=1e-9)
    for row in found.rows:
        expected = present(changed(network, row.parameter, t), evidence, target)
        if not math.isnan(expected):
            answer = found.function(row.parameter.id, row.parameter.state)(t)
            assert answer == pytest.approx(expected, abs=1e-7), row.parameter
        if row.parameter.state is None:
            for end, value in ((row.low, row.posterior_low), (row.high, row.posterior_high)):
                there = present(changed(network, row.parameter, end), evidence, target)
                if not math.isnan(there):
                    assert value == pytest.approx(there, abs=1e-7), row.parameter


@given(questions())
@RELAXED
def test_derivatives_are_those_of_the_function(question):
    network, evidence, target, _ = question
    assume(oracle.posterior(network, evidence)[0] > 1e-6)
    found = Model(network).observe(evidence).sensitivity(target)
    for row in found.rows:
        step = 1e-5 * row.estimate
        if row.estimate > 1e-3 and (row.estimate < 0.999 or row.estimate > 1.001):
            function = found.function(row.parameter.id, row.parameter.state)
            slope = (function(row.estimate + step) - function(row.estimate - step)) / (2.0 * step)
            assert row.derivative == pytest.approx(slope, abs=2e-5, rel=1e-3), row.parameter


@given(questions())
@RELAXED
def test_where_the_ranking_changes_two_are_level(question):
    network, evidence, target, _ = question
    assume(oracle.posterior(network, evidence)[0] > 1e-6)
    state = network.nodes[target].states[-1]
    found = Model(network).observe(evidence).sensitivity(target, state=state)
    for row in found.rows:
        for t, rival in (
            (row.admissible_low, row.swaps_below),
            (row.admissible_high, row.swaps_above),
        ):
            assert math.isnan(t) == (rival == "")
            if rival:
                total, of, _ = oracle.posterior(changed(network, row.parameter, t), evidence)
                if total > 1e-6:
                    assert of[target][state] == pytest.approx(of[target][rival], abs=1e-5), (
                        row.parameter
                    )
        assert not row.admissible_low > row.estimate and not row.admissible_high < row.estimate


@pytest.fixture(scope="module")
def case():
    return sl.load("minimal").observe(numbness=True, leg_pain="below_knee", back_pain=True)


def test_a_ranked_cause_changes_places_at_the_admissible_value(case):
    found = case.sensitivity("lumbar_disc_herniation")
    moving = [r for r in found.rows if r.parameter.state is None and r.swaps_below + r.swaps_above]
    assert moving
    for row in moving[:6]:
        for t, rival in (
            (row.admissible_low, row.swaps_below),
            (row.admissible_high, row.swaps_above),
        ):
            if not rival or not 0.0 < t < 1.0:
                continue
            there = case.model.with_parameters({row.parameter.id: t}).observe(case.evidence)
            assert there.posterior("lumbar_disc_herniation").iloc[1:].sum() == pytest.approx(
                there.posterior(rival).iloc[1:].sum(), abs=1e-7
            )
            for side in (
                0.2,
                0.6,
                0.95,
            ):  # nowhere between the estimate and there is the order another
                between = case.model.with_parameters(
                    {row.parameter.id: row.estimate + side * (t - row.estimate)}
                ).observe(case.evidence)
                assert place(between) == place(case)


def place(case):
    return [c.cause for c in case.differential(limit=None).causes].index("lumbar_disc_herniation")


def test_two_numbers_at_once(case):
    found = case.two_way("lumbar_disc_herniation", "numbness.leak", "leg_pain.leak[none]", points=5)
    a, b = np.meshgrid(found.first_values, found.second_values, indexing="ij")
    terms = np.array([np.ones_like(a), a, b, a * b])
    ratio = np.tensordot(found.numerator, terms, 1) / np.tensordot(found.denominator, terms, 1)
    assert np.allclose(ratio, found.posteriors, atol=1e-10)
    numbness = case.model.with_parameters({"numbness.leak": float(found.first_values[3])})
    shares = numbness.network.nodes["leg_pain"].cpd.leak.estimate
    t = float(found.second_values[1])
    scale = (1.0 - t) / (1.0 - shares["none"])
    there = numbness.with_parameters(
        {"leg_pain.leak": {s: t if s == "none" else p * scale for s, p in shares.items()}}
    )
    assert found.posteriors[3, 1] == pytest.approx(
        there.observe(case.evidence).posterior("lumbar_disc_herniation")["present"], abs=1e-9
    )
    curved = case.two_way(
        "lumbar_disc_herniation",
        "lumbar_disc_herniation.prior",
        "lumbar_disc_herniation.odds_ratio.heavy_lifting",
        points=3,
    )
    assert curved.numerator == ()
    middle = {
        "lumbar_disc_herniation.prior": curved.first_values[2],
        "lumbar_disc_herniation.odds_ratio.heavy_lifting": curved.second_values[0],
    }
    expected = case.model.with_parameters({k: float(v) for k, v in middle.items()}).observe(
        case.evidence
    )
    assert curved.posteriors[2, 0] == pytest.approx(
        expected.posterior("lumbar_disc_herniation")["present"], abs=1e-9
    )


def test_it_shows_itself(case):
    found = case.sensitivity()
    assert found.target == case.differential(limit=1)[0].cause
    assert "lumbar_disc_herniation.prior" in str(found)
    frame = found.to_frame()
    assert frame["swing"].is_monotonic_decreasing
    assert len(frame) == len(found)
    assert "t =" in repr(found.function("numbness.leak"))


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda c: c.sensitivity("numbness"), EvidenceError, "observed"),
        (lambda c: c.sensitivity("scoliosys"), UnknownNameError, "scoliosis"),
        (lambda c: c.sensitivity("scoliosis", state="maybe"), UnknownNameError, "present"),
        (lambda c: c.sensitivity("scoliosis", level=95), SpinelinkError, "between 0 and 1"),
        (
            lambda c: c.sensitivity("scoliosis").function("numbnes.leak"),
            UnknownNameError,
            "numbness.leak",
        ),
        (
            lambda c: c.sensitivity("scoliosis").function("numbness.leak")(1.5),
            ParameterError,
            "between 0 and 1",
        ),
        (
            lambda c: c.two_way("scoliosis", "numbness.leak", "numbness.leak"),
            SpinelinkError,
            "different",
        ),
        (
            lambda c: c.two_way("scoliosis", "numbness.leak", "leg_pain.leak"),
            UnknownNameError,
            "distribution",
        ),
        (
            lambda c: c.two_way("scoliosis", "numbness.leak", "scoliosis.prior", points=1),
            SpinelinkError,
            "from 2 to",
        ),
    ],
)
def test_bad_questions_are_refused(case, ask, error, message):
    with pytest.raises(error, match=message):
        ask(case)
