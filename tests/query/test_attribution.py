"""Is it linked: the shares against enumeration of every exogenous state in all worlds at once, laws, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import spinelink as sl
from spinelink.diagnosis import Model
from spinelink.errors import EvidenceError, SpinelinkError, UnknownNameError
from spinelink.inference.necessity import protective_edges
from spinelink.inference.twin import reaching
from spinelink.inference.uncertainty import drawn_network
from spinelink.model.network import Setting
from spinelink.model.settings import parameters_in
from spinelink.query.attribution import PARTS, attribution, grouped, link
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
    held = protective_edges(network, compiled)
    homes = (("leg",), ("back",))
    groups = grouped(network, homes)
    reach = [{compiled.names[i] for i in reaching(compiled, [compiled.index[n]], held)} for n in (first, second)]
    chosen = [
        [n for n in groups[1] if n in reach[0]], [n for n in groups[0] if n in reach[1]], [n for n in groups[2] if n in reach[0] & reach[1]],
    ]  # fmt: skip
    changes = [{n: network.nodes[n].states[0] for n in group} for group in chosen]
    total, shares = 0.0, dict.fromkeys(PARTS, 0.0)
    nothing = {n: network.nodes[n].states[0] for n in (first, second)}
    for p, (is_, one, two, three) in enumerate_worlds(network, changes, held={(compiled.names[p], compiled.names[c]) for p, c in held}):
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


@pytest.mark.parametrize(
    "evidence", [{"leg_pain": "below_knee", "back_pain": True}, {"numbness": True, "leg_pain": {"above_knee": 0.2, "below_knee": 0.9}}]
)
def test_intervals_are_those_of_links_under_one_draw_at_a_time(model, evidence):
    network, draws = model.network, 24
    parameters = parameters_in(network, model.setting)
    case = model.observe(evidence)
    found = case.link(interval=0.8, draws=draws, seed=3)
    cause = case.attribute("leg_pain", "lumbar_disc_herniation", interval=0.8, draws=draws, seed=3).rows[0]
    nodes = [*case._seen, *(model.compiled.index[n] for n in ("leg_pain", "back_pain"))]
    drawn = drawn_network(network, parameters, model.compiled, nodes, draws=draws, seed=3)
    only_leg = drawn_network(network, parameters, model.compiled, [*case._seen, model.compiled.index["leg_pain"]], draws=draws, seed=3)
    homes = (("hip", "leg", "foot"), ("back",))
    shares = {p: [] for p in PARTS}
    necessary = []
    # A link compares two states of the compressed root, but no coupling moves the answer by 1 in 10,000: then they are not repeated under draws.
    alone = case.attribute("leg_pain", "lumbar_disc_herniation").rows[0]
    assert not alone.identified and 0.0 < alone.high - alone.low < 1e-4
    for k in range(draws):
        one = drawn.map_arrays(lambda a, k=k: a if a.shape[-1] == 1 else a[..., k : k + 1])
        alone = link(network, found.question, one, case._seen, "leg_pain", "back_pain", homes)
        for p in PARTS:
            shares[p].append((alone.low[p], alone.high[p]))
        one = only_leg.map_arrays(lambda a, k=k: a if a.shape[-1] == 1 else a[..., k : k + 1])
        groups = {"lumbar_disc_herniation": ["lumbar_disc_herniation"]}
        necessary.append(attribution(network, found.question, one, case._seen, "leg_pain", groups).rows[0].probability)

    def ends(of):
        low, high = np.array(of).T
        return np.quantile(low, 0.1), np.quantile(high, 0.9)

    for p in PARTS:
        assert (found.low[p], found.high[p]) == pytest.approx(ends(shares[p]), abs=2.1e-4), p
    assert (cause.low, cause.high) == pytest.approx(tuple(np.quantile(necessary, [0.1, 0.9])), abs=1e-9)
    assert found.low["first_from_second"] < found.shares["first_from_second"] < found.high["first_from_second"]


def test_what_would_have_been_is_asked_where_nobody_was_chosen(model):
    network = sl.load("back-leg-pain").network
    assert network.unselected == "general_population"
    leak = parameters_in(model.network, None)["back_pain.leak"].model_copy(update={"estimate": 0.02})
    people = Setting(label="People", population="Anyone.", unselected=True, overrides={"back_pain.leak": leak})
    settings = {**model.network.settings, "anyone": people}
    marked = Model(model.network.model_copy(update={"settings": settings}), setting="primary_care")
    case = marked.observe(leg_pain="below_knee", back_pain=True)
    other = marked.in_setting("anyone").observe(leg_pain="below_knee", back_pain=True)
    assert case.link().shares == other.link(setting="anyone").shares != case.link(setting="primary_care").shares
    assert case.link().question.setting == "primary_care"
    assert "Asked in anyone" in str(case.link()) and "Asked in" not in str(other.link())
    assert case.attribute("leg_pain", "back").rows == other.attribute("leg_pain", "back").rows
    with pytest.raises(UnknownNameError, match="setting"):
        case.link(setting="moon")


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
        (lambda c: c.link(interval=1.5), SpinelinkError, "between 0 and 1"),
        (lambda c: c.link(interval=0.9, draws=1), SpinelinkError, "2 or more"),
        (lambda c: c.link("leg_pane"), UnknownNameError, "leg_pain"),
        (lambda c: c.observe(leg_pain="none", back_pain=False).link(), EvidenceError, "found absent"),
        (lambda c: c.link(homes=("leg", "moon")), UnknownNameError, "origin"),
        (lambda c: c.link(homes=("back", "back")), SpinelinkError, "same place"),
        (lambda c: c.link(homes="back"), SpinelinkError, "pair"),
        (lambda c: c.link(homes=5), SpinelinkError, "pair"),
        (lambda c: sl.from_pgmpy(c.model.to_pgmpy()).observe().link(homes=("leg", "back")), SpinelinkError, "where it lies"),
        (lambda c: c.link(interval=0.9, seed="x"), SpinelinkError, "seed"),
        (lambda c: c.link("numbness", "back_pain"), SpinelinkError, "say homes"),
        (lambda c: c.observe(leg_pain="none").attribute("leg_pain"), EvidenceError, "nothing to explain"),
        (lambda c: c.attribute("leg_pain", "leg_pain"), SpinelinkError, "other than itself"),
        (lambda c: c.attribute("leg_pain", "scoliosys"), UnknownNameError, "scoliosis"),
    ],
)
def test_bad_questions_are_refused(model, ask, error, message):
    with pytest.raises(error, match=message):
        ask(model.observe(leg_pain="below_knee"))
