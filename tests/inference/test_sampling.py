"""Simulated patients: their frequencies are the exact posteriors, joint ones too; impossible states never occur."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import spinelink as sl
from spinelink.diagnosis import Model
from spinelink.errors import ImpossibleEvidenceError, SpinelinkError, UnknownNameError
from spinelink.inference.interpreted.sampling import sample
from tests import oracle
from tests.inference.test_exact import RELAXED
from tests.strategies import evidence_for, networks

SIZE = 4000


@st.composite
def questions(draw):
    network = draw(networks(max_nodes=6, max_parents=5))
    return network, draw(evidence_for(network)), draw(st.integers(0, 1000))


@given(questions())
@RELAXED
def test_joint_frequencies_are_those_of_the_posterior(question):
    network, evidence, seed = question
    weights = {}
    for assignment, p in oracle.joint(network):
        for name, finding in evidence.items():
            p *= (
                finding.get(assignment[name], 0.0)
                if isinstance(finding, dict)
                else float(finding == assignment[name])
            )
        if p > 0.0:
            weights[tuple(assignment[n] for n in network.nodes)] = (
                weights.get(tuple(assignment[n] for n in network.nodes), 0.0) + p
            )
    total = sum(weights.values())
    assume(total > 1e-9)
    frame = Model(network).observe(evidence).sample(SIZE, seed=seed)
    found = frame.value_counts()
    assert set(found[found > 0].index) <= set(weights)  # nothing that cannot be
    for states, p in weights.items():
        share = p / total
        count = int(found.get(states, 0))
        # Five standard deviations and some more: over all examples about one false alarm in a million.
        assert abs(count - SIZE * share) < 5.5 * np.sqrt(SIZE * share * (1.0 - share)) + 6.0, states


def test_a_rare_selection_is_drawn_exactly():
    case = sl.load("minimal").observe(
        bladder_dysfunction=True, numbness=True, leg_pain="below_knee", back_pain=False
    )
    frame = case.sample(20_000, seed=3)
    assert (frame["bladder_dysfunction"] == "present").all() and (
        frame["back_pain"] == "absent"
    ).all()
    for name in case.model.nodes:
        exact = case.posterior(name)
        for state, p in exact.items():
            assert (frame[name] == state).mean() == pytest.approx(
                p, abs=5.0 * np.sqrt(max(p * (1 - p), 1e-6) / 20_000) + 1e-4
            )


def test_findings_rarer_than_plain_doubles_hold():
    """Hundreds of rare findings: P(findings) far below 1e-308, drawn on logarithms."""
    from spinelink.network.cpd import Prior, Row, Table
    from spinelink.network.network import Network
    from spinelink.network.node import Node
    from spinelink.network.parameter import Probability

    def number(p):
        return Probability(estimate=p, equivalent_sample_size=10.0, grade="judged", note="test")

    nodes = {
        "cause": Node(
            role="cause", origin="back", label="c", cpd=Prior(kind="prior", prior=number(0.3))
        )
    }
    for k in range(120):
        rows = tuple(
            Row(given={"cause": s}, probability=number(p))
            for s, p in (("absent", 1e-4), ("present", 1.01e-4))
        )
        nodes[f"f{k}"] = Node(
            role="symptom", label="f", cpd=Table(kind="table", parents=("cause",), rows=rows)
        )
    model = Model(Network(spinelink=1, name="rare", title="rare", version="0", nodes=nodes))
    case = model.observe({f"f{k}": True for k in range(120)})
    assert case.log_evidence < -1000
    frame = case.sample(5000, seed=1, columns="cause")
    assert (frame["cause"] == "present").mean() == pytest.approx(
        case.posterior("cause")["present"], abs=0.03
    )


def test_conditioning_where_the_plan_is_too_large():
    case = sl.load("minimal").observe(numbness=True, back_pain=True)
    rng = np.random.default_rng(0)
    codes = sample(
        case.model.compiled.with_limits(case.model.compiled.limits, memory_limit=2500.0),
        case.observed,
        size=6000,
        rng=rng,
    )
    i = case.model.compiled.index["lumbar_disc_herniation"]
    assert (codes >= 0).all()
    assert codes[:, i].mean() == pytest.approx(
        case.posterior("lumbar_disc_herniation")["present"], abs=0.03
    )


def test_seeds_columns_and_missing_cells():
    model = sl.load("minimal")
    assert model.sample(50, seed=4).equals(model.sample(50, seed=4))
    assert not model.sample(50, seed=4).equals(model.sample(50, seed=5))
    frame = model.sample(4000, findings={"numbness": True}, columns="observable", missing=0.4)
    assert set(frame.columns) == {
        n for n, v in model.nodes.items() if v.role not in ("cause", "mechanism")
    }
    assert frame["numbness"].notna().all()
    assert frame["back_pain"].isna().mean() == pytest.approx(0.4, abs=0.05)
    some = model.sample(1000, columns=["back_pain", "leg_pain"], missing={"leg_pain": 1.0})
    assert some["leg_pain"].isna().all() and some["back_pain"].notna().all()
    assert len(model.sample(0)) == 0
    again = model.posteriors(frame, of="evidence")  # a table of patients like any other
    assert np.isfinite(again["log_evidence"]).all()


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda m: m.sample(-1), SpinelinkError, "from 0 to"),
        (lambda m: m.sample(5, seed="a"), SpinelinkError, "or a whole number, 0 or more"),
        (lambda m: m.sample(1.5), SpinelinkError, "from 0 to"),
        (lambda m: m.sample(5, columns="numbnes"), UnknownNameError, "numbness"),
        (lambda m: m.sample(5, missing=1.5), SpinelinkError, "from 0 to 1"),
        (lambda m: m.sample(5, missing={"numbnes": 0.5}), UnknownNameError, "numbness"),
        (
            lambda m: m.with_parameters({"scoliosis.prior": 0.0}).sample(
                5, findings={"scoliosis": True}
            ),
            ImpossibleEvidenceError,
            "scoliosis",
        ),
    ],
)
def test_bad_questions_are_refused(ask, error, message):
    with pytest.raises(error, match=message):
        ask(sl.load("minimal"))
