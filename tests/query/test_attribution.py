"""Is it linked: the shares against enumeration of every exogenous state in all worlds at once, laws, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import spinelink as sl
from spinelink.diagnosis import Model
from spinelink.errors import EvidenceError, SpinelinkError, UnknownNameError
from spinelink.query.attribution import PARTS, grouped, protective_edges, reaching
from tests import oracle
from tests.inference.test_exact import RELAXED
from tests.inference.test_twin import enumerate_worlds
from tests.strategies import networks


@st.composite
def questions(draw):
    network = draw(networks(max_nodes=5, max_parents=3).filter(lambda n: len(n.nodes) >= 3))
    order = oracle.ordered(network)
    nodes = dict(network.nodes)
    for name in order[:-2]:
        nodes[name] = nodes[name].model_copy(update={"role": "cause", "origin": draw(st.sampled_from(["back", "leg", "systemic"]))})
    evidence = {}
    for name in order:
        if draw(st.integers(0, 2)) == 0:
            evidence[name] = draw(st.sampled_from(nodes[name].states[1:] if name in order[-2:] else nodes[name].states))
    return network.model_copy(update={"nodes": nodes}), order[-2], order[-1], evidence


@given(questions())
@RELAXED
def test_shares_are_those_of_the_enumeration(question):
    network, first, second, evidence = question
    compiled = Model(network).compiled
    assume(not protective_edges(network, compiled))  # the definition below has no such edges
    homes = (("leg",), ("back",))
    groups = grouped(network, homes)
    reach = [{compiled.names[i] for i in reaching(compiled, compiled.index[n], ())} for n in (first, second)]
    chosen = [
        [n for n in groups[1] if n in reach[0]], [n for n in groups[0] if n in reach[1]], [n for n in groups[2] if n in reach[0] & reach[1]],
    ]  # fmt: skip
    changes = [{n: network.nodes[n].states[0] for n in group} for group in chosen]
    total, shares = 0.0, dict.fromkeys(PARTS, 0.0)
    nothing = {n: network.nodes[n].states[0] for n in (first, second)}
    for p, (is_, one, two, three) in enumerate_worlds(network, changes):
        if any(is_[n] != s for n, s in evidence.items()) or any(is_[n] == nothing[n] for n in (first, second)):
            continue
        total += p
        a, b = one[first] == nothing[first], two[second] == nothing[second]
        s = three[first] == nothing[first] and three[second] == nothing[second]
        shares["both_ways" if a and b else "first_from_second" if a else "second_from_first" if b else "shared" if s else "separate"] += p
    assume(total > 1e-7)
    found = Model(network).observe(evidence).link(first, second, homes=homes)
    for part in PARTS:
        # Events rarer than 1 in 10,000 are not split further.
        assert found.shares[part] == pytest.approx(shares[part] / total, abs=2.1e-4), part
        assert -1e-9 <= found.low[part] <= found.high[part] + 1e-9
    assert sum(found.shares.values()) == pytest.approx(1.0, abs=1e-7)
    assert min(found.shares.values()) >= 0.0


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


def test_a_single_possible_cause_takes_all(model):
    """With every leak and other link away, leg pain can only come from the compressed root: it is there because of the back."""
    parameters = set(model.parameters().to_frame()["id"])
    changes = {"leg_pain.leak": {"none": 1.0, "above_knee": 0.0, "below_knee": 0.0}}
    assert "leg_pain.leak[none]" in parameters
    case = model.with_parameters(changes).observe(leg_pain="below_knee", back_pain=True)
    found = case.link()
    assert found.shares["first_from_second"] + found.shares["both_ways"] == pytest.approx(1.0, abs=1e-6)
    assert found.carriers["first_from_second"][0].node == "nerve_root_compression"
    assert found.carriers["first_from_second"][0].probability == pytest.approx(1.0)
    assert found.leading == "first_from_second"


def test_no_path_no_share(model):
    case = model.observe(leg_pain="below_knee", back_pain=True, numbness=True)
    found = case.attribute("numbness", "back_pain")
    assert found["back_pain"].probability == 0.0
    sole = case.attribute("leg_pain", "foot_deformity")["foot_deformity"]
    assert sole.probability == 0.0 and sole.identified


def test_an_effect_of_one_cause_more_is_not_less(model):
    """Taking away more causes leaves at most as many reasons: noisy-ORs are monotone."""
    case = model.observe(leg_pain="below_knee", back_pain=True, numbness=True)
    one = case.attribute("leg_pain", "lumbar_disc_herniation").rows[0].probability
    two = case.attribute("leg_pain", ["lumbar_disc_herniation", "scoliosis"]).rows[0].probability
    back = case.attribute("leg_pain", "back").rows[0].probability
    assert one <= two + 1e-12 <= back + 2e-12


def test_all_causes_and_origins_by_default(model):
    found = model.observe(leg_pain="below_knee").attribute("leg_pain")
    assert {"back", "lumbar_disc_herniation"} <= {r.cause for r in found.rows}
    assert found.to_frame()["probability"].is_monotonic_decreasing
    assert "would be absent" in str(found)


def test_what_was_not_assessed_is_taken_as_present(model):
    assumed = model.observe(numbness=True).link()
    there = model.observe(numbness=True, leg_pain={"above_knee": 1.0, "below_knee": 1.0}, back_pain=True).link()
    assert assumed.shares == pytest.approx(there.shares)


def test_a_leg_that_hurts_without_a_back_that_does(model):
    found = model.observe(leg_pain="below_knee", numbness=True, back_pain=False).link()
    assert found.shares["second_from_first"] == found.shares["both_ways"] == found.shares["shared"] == 0.0
    assert found.shares["first_from_second"] > 0.3


def test_it_shows_itself(model):
    found = model.observe(leg_pain="below_knee", numbness=True, back_pain=True).link()
    text = str(found)
    assert "Linked with probability" in text and "side by side" in text
    assert list(found.to_frame()["link"]) == list(PARTS)
    assert found.probability == pytest.approx(1.0 - found.shares["separate"])


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda c: c.link("leg_pain", "leg_pain"), SpinelinkError, "different"),
        (lambda c: c.link("leg_pane"), UnknownNameError, "leg_pain"),
        (lambda c: c.observe(leg_pain="none", back_pain=False).link(), EvidenceError, "found absent"),
        (lambda c: c.link(homes=("leg", "moon")), UnknownNameError, "origin"),
        (lambda c: c.link(homes=("back", "back")), SpinelinkError, "same place"),
        (lambda c: c.link(homes="back"), SpinelinkError, "pair"),
        (lambda c: c.link("numbness", "back_pain"), SpinelinkError, "say homes"),
        (lambda c: c.observe(leg_pain="none").attribute("leg_pain"), EvidenceError, "nothing to explain"),
        (lambda c: c.attribute("leg_pain", "leg_pain"), SpinelinkError, "other than itself"),
        (lambda c: c.attribute("leg_pain", "scoliosys"), UnknownNameError, "scoliosis"),
    ],
)
def test_bad_questions_are_refused(model, ask, error, message):
    with pytest.raises(error, match=message):
        ask(model.observe(leg_pain="below_knee"))
