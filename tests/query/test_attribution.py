"""Is it linked: the shares against enumeration of every exogenous state in all worlds at once, laws, and what is refused."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import spinelink as sl
from spinelink.diagnosis import Case, Model
from spinelink.errors import (
    EvidenceError,
    ImpossibleEvidenceError,
    SpinelinkError,
    UnknownNameError,
)
from spinelink.inference.counterfactual.factual import protective_edges
from spinelink.inference.counterfactual.twin_network import reaching
from spinelink.inference.sampled_parameters import drawn_network
from spinelink.network.cpd import LogOdds, NoisyMax, NoisyOr, Prior
from spinelink.network.network import Setting
from spinelink.network.node import Node
from spinelink.network.parameter import Ratio
from spinelink.network.setting import parameters_in
from spinelink.query.link_worlds import PARTS, grouped
from tests import oracle
from tests.inference.test_exact import RELAXED
from tests.inference.test_twin import (
    coupled,
    enumerate_worlds,
    exogenous,
    link_rows,
    lp_range,
    network_of,
    node,
    number,
)
from tests.strategies import networks, with_compiled


@st.composite
def questions(draw):
    network = draw(networks(max_nodes=5, max_parents=3).filter(lambda n: len(n.nodes) >= 3))
    order = oracle.ordered(network)
    nodes = dict(network.nodes)
    for name in order[:-2]:
        nodes[name] = nodes[name].model_copy(
            update={"role": "cause", "origin": draw(st.sampled_from(["back", "leg", "systemic"]))}
        )
    evidence = {}
    for name in order:
        states = nodes[name].states
        kind = draw(st.integers(0, 5))
        if kind == 0:
            evidence[name] = {s: draw(st.floats(0.1, 1.0)) for s in states}
        elif kind < 3:
            evidence[name] = draw(st.sampled_from(states[1:] if name in order[-2:] else states))
    return network.model_copy(update={"nodes": nodes}), order[-2], order[-1], evidence


@given(questions())
@RELAXED
def test_shares_are_those_of_the_enumeration(question):
    network, first, second, evidence = question
    compiled = Model(network).compiled
    held = protective_edges(network, compiled)
    homes = (("leg",), ("back",))
    groups = grouped(network, homes)
    reach = [
        {compiled.names[i] for i in reaching(compiled, [compiled.index[n]], unaffected_edges=held)}
        for n in (first, second)
    ]
    chosen = [
        [n for n in groups[1] if n in reach[0]], [n for n in groups[0] if n in reach[1]], [n for n in groups[2] if n in reach[0] & reach[1]],
    ]  # fmt: skip
    changes = [{n: network.nodes[n].states[0] for n in group} for group in chosen]
    total, shares = 0.0, dict.fromkeys(PARTS, 0.0)
    there = {part: dict.fromkeys(network.nodes, 0.0) for part in PARTS}
    nothing = {n: network.nodes[n].states[0] for n in (first, second)}
    for p, (is_, one, two, three) in enumerate_worlds(
        network, changes, held={(compiled.names[p], compiled.names[c]) for p, c in held}
    ):
        p *= math.prod(
            s[is_[n]] if isinstance(s, dict) else float(is_[n] == s) for n, s in evidence.items()
        )
        if p == 0.0 or any(is_[n] == nothing[n] for n in (first, second)):
            continue
        total += p
        a, b = one[first] == nothing[first], two[second] == nothing[second]
        s = three[first] == nothing[first] and three[second] == nothing[second]
        part = (
            "both_ways"
            if a and b
            else "first_from_second"
            if a
            else "second_from_first"
            if b
            else "shared"
            if s
            else "separate"
        )
        shares[part] += p
        for n in network.nodes:
            there[part][n] += p * (is_[n] != network.nodes[n].states[0])
    assume(total > 1e-7)
    found = Model(network).observe(evidence).link(first, second, homes=homes)
    for part in PARTS:
        # Events rarer than 1 in 10,000 are not split further.
        assert found.shares[part] == pytest.approx(shares[part] / total, abs=2.1e-4), part
        assert -1e-9 <= found.low[part] <= found.high[part] + 1e-9
    assert sum(found.shares.values()) == pytest.approx(1.0, abs=1e-7)
    assert min(found.shares.values()) >= 0.0
    for (
        part,
        carriers,
    ) in found.carriers.items():  # each is there as often as in the worlds of just this share
        for carrier in carriers:
            assert carrier.probability * shares[part] / total == pytest.approx(
                there[part][carrier.node] / total, abs=2.1e-4
            )


AB, THREE = ("absent", "present"), ("none", "mild", "severe")


def cause(origin, prior=0.3):
    return Node(
        role="cause",
        label=origin,
        states=AB,
        origin=origin,
        cpd=Prior(kind="prior", prior=number(AB, [1.0 - prior, prior])),
    )


def noisy(region, leak, links, states=AB, role="symptom"):
    kind, cls = ("noisy_or", NoisyOr) if len(states) == 2 else ("noisy_max", NoisyMax)
    return Node(
        role=role,
        label=region,
        region=region,
        states=states,
        cpd=cls(kind=kind, leak=leak, links=links),
    )


def chance(p):
    return number(AB, [1.0 - p, p])


def small(leg=0.5, back=0.5, links=0.05):
    """Leg pain and back pain, each of a hip, a back and a leak."""
    return Model(
        network_of(
            hip=cause("hip", 0.1),
            back=cause("back", 0.1),
            leg_pain=noisy("leg", chance(leg), {"back": chance(links), "hip": chance(links)}),
            back_pain=noisy("back", chance(back), {"back": chance(links), "hip": chance(links)}),
        )
    )


@pytest.mark.parametrize("weights", [(0.9, 0.1), (0.5, 0.5), (0.01, 0.99)])
def test_an_uncertain_effect_is_taken_as_present(weights):
    """What was absent anyway is not absent because of a cause: with two states, present is all that is left of a soft finding."""
    uncertain = small().observe(leg_pain=dict(zip(AB, weights, strict=True)), back_pain=True)
    certain = small().observe(leg_pain=True, back_pain=True)
    found, expected = uncertain.attribute("leg_pain"), certain.attribute("leg_pain")
    for name in ("hip", "back"):
        for part in ("posterior", "probability", "low", "high"):
            assert getattr(found[name], part) == pytest.approx(getattr(expected[name], part)), (
                name,
                part,
            )
    assert uncertain.link().shares == pytest.approx(certain.link().shares)


@given(
    st.lists(st.floats(0.05, 1.0), min_size=2, max_size=2),
    st.lists(st.floats(0.05, 1.0), min_size=3, max_size=3),
)
@RELAXED
def test_the_posterior_of_a_cause_is_that_of_the_case(cause_weights, effect_weights):
    """With soft findings on the cause and on the effect, which is present; and no more can be necessary than is there."""
    model = sl.load("minimal")
    soft = dict(zip(("none", "above_knee", "below_knee"), effect_weights, strict=True))
    findings = {
        "lumbar_disc_herniation": dict(zip(AB, cause_weights, strict=True)),
        "numbness": True,
    }
    row = (
        model.observe(findings, leg_pain=soft)
        .attribute("leg_pain", "lumbar_disc_herniation")
        .rows[0]
    )
    case = model.observe(findings, leg_pain={**soft, "none": 0.0})
    assert row.posterior == pytest.approx(
        case.posterior("lumbar_disc_herniation")["present"], abs=1e-12
    )
    assert row.low <= row.probability <= row.high <= row.posterior + 1e-12
    several = ["lumbar_disc_herniation", "scoliosis"]
    absent = case.joint(several).loc["absent", "absent"]
    assert model.observe(findings, leg_pain=soft).attribute("leg_pain", several).rows[
        0
    ].posterior == pytest.approx(1.0 - absent, abs=1e-12)


@pytest.mark.parametrize(
    ("network", "findings", "named"),
    [
        (small(leg=0.0, links=0.0), {"back_pain": True}, "leg_pain cannot be present"),
        (
            small(leg=0.0, back=0.5, links=0.9),
            {"back": False, "hip": False, "back_pain": True},
            "back=absent, hip=absent",
        ),
    ],
)
def test_an_effect_that_cannot_be_present_is_refused(network, findings, named):
    case = network.observe(findings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ask in (
            case.link,
            lambda: case.attribute("leg_pain"),
            lambda: case.attribute("leg_pain", "back"),
        ):
            with pytest.raises(EvidenceError, match=named):
                ask()


def test_an_effect_that_cannot_be_present_where_it_is_asked_is_refused():
    network = small(leg=0.0, links=0.9).network
    nobody = {f"{n}.prior": chance(0.0) for n in ("hip", "back")}
    settings = {
        "clinic": Setting(label="Clinic", population="Chosen."),
        "people": Setting(label="People", population="Anyone.", unselected=True, overrides=nobody),
    }
    network = network.model_copy(update={"settings": settings, "default_setting": "clinic"})
    case = Model(network, "clinic").observe(back_pain=True)
    for ask in (case.link, lambda: case.attribute("leg_pain", "back")):
        with pytest.raises(
            EvidenceError, match=r"leg_pain cannot be present in this network \(setting people\)"
        ):
            ask()
    assert case.link(setting="clinic").probability > 0.0
    with pytest.raises(ImpossibleEvidenceError, match="hip=present"):
        Model(network, "clinic").observe(hip=True).attribute("leg_pain", "back")


def test_carriers_are_those_of_their_own_share():
    """A link that holds both ways is carried by both homes; a cause of both kinds of pain does not carry what goes one way only."""
    links = (
        {"back": chance(0.9), "extra": chance(0.05)},
        {"hip": chance(0.9), "extra": chance(0.99)},
    )
    network = network_of(
        hip=cause("hip"), back=cause("back"), extra=cause("back"),
        leg_pain=noisy("leg", chance(0.0), links[0]), back_pain=noisy("back", chance(0.3), links[1]),
    )  # fmt: skip
    found = Model(network).observe(leg_pain=True, back_pain=True).link()
    assert {c.node for c in found.carriers["both_ways"]} == {"hip", "back"}
    only = network_of(
        hip=cause("hip"), back=cause("back"),
        leg_pain=noisy("leg", chance(0.0), {"back": chance(0.9)}), back_pain=noisy("back", chance(0.0), {"hip": chance(0.9)}),
    )  # fmt: skip
    sure = Model(only).observe(leg_pain=True, back_pain=True).link()
    assert sure.shares["both_ways"] == pytest.approx(1.0)
    assert {c.node: c.probability for c in sure.carriers["both_ways"]} == pytest.approx(
        {"hip": 1.0, "back": 1.0}
    )


def test_a_parent_is_protective_by_the_odds_ratio_in_force():
    """The same odds ratio gives the same answer, whether the file, a setting or a change says so."""

    def ratio(r):
        return Ratio(estimate=r, interval=(r / 2, r * 2), grade="judged", note="test")

    def asked(in_file, overrides, changes):
        leg = Node(
            role="symptom",
            label="leg",
            states=AB,
            cpd=LogOdds(
                kind="log_odds", odds_ratios={"back": ratio(in_file)}, baseline=chance(0.2)
            ),
        )
        setting = Setting(label="g", population="g", overrides=overrides)
        network = network_of(back=cause("back"), leg_pain=leg).model_copy(
            update={"settings": {"g": setting}, "default_setting": "g"}
        )
        return (
            Model(network, "g")
            .with_parameters(changes)
            .observe(leg_pain=True)
            .attribute("leg_pain")
            .rows
        )

    name = "leg_pain.odds_ratio.back"
    for value, other in ((8.0, 0.5), (0.5, 8.0)):
        plain = asked(value, {}, {})
        assert asked(other, {name: ratio(value)}, {}) == asked(other, {}, {name: value}) == plain
        assert (plain[0].probability > 0.0) == (value > 1.0)


def test_a_child_responds_to_a_protective_parent_as_it_was():
    """Without the disease the diagnosis of exclusion does not take its place."""
    ratio = Ratio(estimate=0.05, interval=(0.02, 0.1), grade="judged", note="test")
    strain = Node(
        role="cause",
        label="strain",
        states=AB,
        cpd=LogOdds(kind="log_odds", odds_ratios={"named": ratio}, baseline=chance(0.5)),
    )
    network = network_of(
        back=cause("back"), named=noisy("back", chance(0.05), {"back": chance(0.9)}, role="mechanism"), strain=strain,
        leg_pain=noisy("leg", chance(0.05), {"back": chance(0.8), "strain": chance(0.6)}),
    )  # fmt: skip
    found = Model(network).observe(leg_pain=True).attribute("leg_pain", "back").rows[0]
    expected = {}
    for held in ((), {("named", "strain")}):
        total = absent = 0.0
        for p, (is_, would_be) in enumerate_worlds(network, [{"back": "absent"}], held=held):
            total += p * (is_["leg_pain"] == "present")
            absent += p * (is_["leg_pain"] == "present" and would_be["leg_pain"] == "absent")
        expected[bool(held)] = absent / total
    assert found.probability == pytest.approx(expected[True], abs=1e-9) and found.identified
    assert expected[True] > expected[False] + 0.01


def test_a_share_that_is_not_identified_ranges_over_the_couplings():
    """Links from a mechanism with three states: the least and most of each share over all couplings of both, which are at the ends of each."""
    of_leg, of_back = (
        {s: chance(p) for s, p in zip(THREE[1:], ps, strict=True)}
        for ps in ((0.4, 0.7), (0.6, 0.5))
    )
    network = network_of(
        hip=cause("hip"), back=cause("back"),
        root=noisy("root", number(THREE, [8, 1, 1]), {"hip": number(THREE, [3, 6, 1]), "back": number(THREE, [1, 2, 7])}, THREE, "mechanism"),
        leg_pain=noisy("leg", chance(0.1), {"root": of_leg}), back_pain=noisy("back", chance(0.1), {"root": of_back}),
    )  # fmt: skip
    found = Model(network).observe(leg_pain=True, back_pain=True).link()
    shares = {p: [] for p in PARTS}
    ends = {n: link_rows(network, n, "root")[0] for n in ("leg_pain", "back_pain")}
    for one, other in [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.3, 0.6)]:
        given_ = {}
        for name, share in (("leg_pain", one), ("back_pain", other)):
            each = coupled(ends[name]["mild"][1], ends[name]["severe"][1], share)
            own = [
                (p, lambda g, f={"none": 0, "mild": f[0], "severe": f[1]}: f[g["root"]])
                for p, f in each
            ]
            given_[name] = exogenous(network, name, {"root": own})
        now, total = dict.fromkeys(PARTS, 0.0), 0.0
        for p, (is_, without_back, without_hip) in enumerate_worlds(
            network, [{"back": "absent"}, {"hip": "absent"}], given=given_
        ):
            if is_["leg_pain"] == is_["back_pain"] == "present":
                a, b = without_back["leg_pain"] == "absent", without_hip["back_pain"] == "absent"
                now[
                    "both_ways"
                    if a and b
                    else "first_from_second"
                    if a
                    else "second_from_first"
                    if b
                    else "separate"
                ] += p
                total += p
        for p in PARTS:
            shares[p].append(now[p] / total)
    assert not found.identified and found.high["separate"] > found.low["separate"] + 1e-3
    for p in PARTS:
        assert (found.low[p], found.high[p]) == pytest.approx(
            (min(shares[p]), max(shares[p])), abs=1e-9
        ), p


def test_bounds_of_a_rare_cause_are_zero_and_its_posterior():
    """What is hardly ever there is hardly ever necessary, whatever the coupling; the linear program lies inside."""
    network = network_of(c=cause("back", 0.002), y=node(AB, {"c": AB}, [chance(0.3), chance(0.6)]))
    row = Model(network).observe(y=True).attribute("y", "c").rows[0]
    least, most = lp_range(network, "y", {"c": "absent"}, {"y": ("present",)}, ("y", None))
    assert (row.low, row.high) == (0.0, pytest.approx(row.posterior)) and not row.identified
    assert (
        0.0 <= least <= row.probability + 1e-9
        and row.probability <= most + 1e-9 <= row.high + 2e-9 < 0.01
    )


def test_bounds_of_a_table_too_large_to_turn_round_are_zero_and_the_posterior():
    """Seven causes taken away together, 128 rows that may each be compared with each: what holds for any coupling."""
    names = [f"c{k}" for k in range(7)]
    rows = [chance(0.1 + 0.8 * (k * 37 % 128) / 128) for k in range(128)]
    network = network_of(
        **{n: cause("back") for n in names}, y=node(AB, dict.fromkeys(names, AB), rows)
    )
    row = Model(network).observe(y=True).attribute("y", "back").rows[0]
    assert (row.low, row.high, row.identified) == (0.0, pytest.approx(row.posterior), False)
    assert 0.0 < row.probability < row.high


def test_intervals_hold_the_bounds_under_each_draw():
    """One table: under each draw the bounds of Tian and Pearl (2000) for that draw's numbers."""
    network = network_of(c=cause("back"), y=node(AB, {"c": AB}, [chance(0.3), chance(0.6)]))
    case = Model(network).observe(c=True, y=True)
    row = case.attribute("y", "c", interval=0.8, draws=32, seed=1).rows[0]
    compiled = case.model.compiled
    drawn = (
        drawn_network(
            network,
            parameters_in(network, None),
            compiled=compiled,
            nodes=range(2),
            draws=32,
            seed=1,
        )
        .factors[compiled.index["y"]]
        .table
    )
    without, with_ = drawn[0, 1], drawn[1, 1]
    low, high = np.maximum(0.0, with_ - without) / with_, np.minimum(with_, 1.0 - without) / with_
    assert (row.low, row.high) == pytest.approx(
        (np.quantile(low, 0.1), np.quantile(high, 0.9)), abs=1e-9
    )


def test_all_causes_asked_at_once_are_those_asked_one_by_one(model):
    case = model.observe(
        leg_pain="below_knee", back_pain=True, numbness={"absent": 0.3, "present": 0.9}
    )
    rows = case.attribute("leg_pain").rows
    assert len(rows) > 1
    for row in rows:
        alone = case.attribute("leg_pain", row.nodes).rows[0]
        for part in ("posterior", "probability", "low", "high"):
            assert getattr(row, part) == pytest.approx(getattr(alone, part), abs=1e-12)


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
    assert found.shares["first_from_second"] + found.shares["both_ways"] == pytest.approx(
        1.0, abs=1e-6
    )
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
    there = model.observe(
        numbness=True, leg_pain={"none": 0, "above_knee": 1.0, "below_knee": 1.0}, back_pain=True
    ).link()
    assert assumed.shares == pytest.approx(there.shares)


@pytest.mark.parametrize(
    "evidence",
    [
        {"leg_pain": "below_knee", "back_pain": True},
        {"numbness": True, "leg_pain": {"none": 0, "above_knee": 0.2, "below_knee": 0.9}},
    ],
)
def test_intervals_are_those_of_links_under_one_draw_at_a_time(model, evidence):
    network, draws = model.network, 24
    parameters = parameters_in(network, model.setting)
    case = model.observe(evidence)
    found = case.link(interval=0.8, draws=draws, seed=3)
    cause = case.attribute(
        "leg_pain", "lumbar_disc_herniation", interval=0.8, draws=draws, seed=3
    ).rows[0]
    nodes = [*case.observed, *(model.compiled.index[n] for n in ("leg_pain", "back_pain"))]
    drawn = drawn_network(
        network, parameters, compiled=model.compiled, nodes=nodes, draws=draws, seed=3
    )
    only_leg = drawn_network(
        network,
        parameters,
        compiled=model.compiled,
        nodes=[*case.observed, model.compiled.index["leg_pain"]],
        draws=draws,
        seed=3,
    )
    shares = {p: [] for p in PARTS}
    necessary = []
    # A link compares two states of the compressed root, but no coupling moves the answer by 1 in 10,000: then they are not repeated under draws.
    alone = case.attribute("leg_pain", "lumbar_disc_herniation").rows[0]
    assert not alone.identified and 0.0 < alone.high - alone.low < 1e-4
    for k in range(draws):
        one = drawn.map_arrays(lambda a, k=k: a if a.shape[-1] == 1 else a[..., k : k + 1])
        alone = Case(with_compiled(model, one), case.findings).link()
        for p in PARTS:
            shares[p].append((alone.low[p], alone.high[p]))
        one = only_leg.map_arrays(lambda a, k=k: a if a.shape[-1] == 1 else a[..., k : k + 1])
        necessary.append(
            Case(with_compiled(model, one), case.findings)
            .attribute("leg_pain", "lumbar_disc_herniation")
            .rows[0]
            .probability
        )

    def ends(of):
        low, high = np.array(of).T
        return np.quantile(low, 0.1), np.quantile(high, 0.9)

    for p in PARTS:
        assert (found.low[p], found.high[p]) == pytest.approx(ends(shares[p]), abs=2.1e-4), p
    assert (cause.low, cause.high) == pytest.approx(
        tuple(np.quantile(necessary, [0.1, 0.9])), abs=1e-9
    )
    assert (
        found.low["first_from_second"]
        < found.shares["first_from_second"]
        < found.high["first_from_second"]
    )


def test_what_would_have_been_is_asked_where_nobody_was_chosen(model):
    network = sl.load("back-leg-pain").network
    assert network.unselected == "general_population"
    leak = parameters_in(model.network, None)["back_pain.leak"].model_copy(
        update={"estimate": 0.02}
    )
    people = Setting(
        label="People", population="Anyone.", unselected=True, overrides={"back_pain.leak": leak}
    )
    settings = {**model.network.settings, "anyone": people}
    marked = Model(model.network.model_copy(update={"settings": settings}), setting="primary_care")
    case = marked.observe(leg_pain="below_knee", back_pain=True)
    other = marked.in_setting("anyone").observe(leg_pain="below_knee", back_pain=True)
    assert (
        case.link().shares
        == other.link(setting="anyone").shares
        != case.link(setting="primary_care").shares
    )
    assert case.link().question.setting == "primary_care"
    assert "(anyone)" in str(case.link()) and "Evaluated in" not in str(other.link())
    assert case.attribute("leg_pain", "back").rows == other.attribute("leg_pain", "back").rows
    with pytest.raises(UnknownNameError, match="setting"):
        case.link(setting="moon")


def test_a_leg_that_hurts_without_a_back_that_does(model):
    found = model.observe(leg_pain="below_knee", numbness=True, back_pain=False).link()
    assert (
        found.shares["second_from_first"]
        == found.shares["both_ways"]
        == found.shares["shared"]
        == 0.0
    )
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
        (lambda c: c.link(interval=0.9, draws=1), SpinelinkError, "from 2 to"),
        (lambda c: c.link("leg_pane"), UnknownNameError, "leg_pain"),
        (
            lambda c: c.observe(leg_pain="none", back_pain=False).link(),
            EvidenceError,
            "found absent",
        ),
        (lambda c: c.link(homes=("leg", "moon")), UnknownNameError, "origin"),
        (lambda c: c.link(homes=("back", "back")), SpinelinkError, "same place"),
        (lambda c: c.link(homes="back"), SpinelinkError, "pair"),
        (lambda c: c.link(homes=5), SpinelinkError, "pair"),
        (lambda c: c.link(homes=(1, 2)), SpinelinkError, "an origin or a list"),
        (lambda c: c.link(homes=((), ())), SpinelinkError, "one or more"),
        (lambda c: c.link(homes=((), "back")), SpinelinkError, "one or more"),
        (
            lambda c: sl.from_pgmpy(c.model.to_pgmpy()).observe().link(homes=("leg", "back")),
            SpinelinkError,
            "where it lies",
        ),
        (lambda c: c.link(interval=0.9, seed="x"), SpinelinkError, "seed"),
        (lambda c: c.link("numbness", "back_pain"), SpinelinkError, "say homes"),
        (
            lambda c: c.observe(leg_pain="none").attribute("leg_pain"),
            EvidenceError,
            "nothing to explain",
        ),
        (lambda c: c.attribute("leg_pain", "leg_pain"), SpinelinkError, "other than itself"),
        (lambda c: c.attribute("leg_pain", "scoliosys"), UnknownNameError, "scoliosis"),
    ],
)
def test_bad_questions_are_refused(model, ask, error, message):
    with pytest.raises(error, match=message):
        ask(model.observe(leg_pain="below_knee"))
