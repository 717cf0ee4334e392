"""Selection by additive rates: every answer equals enumeration of the joint, weighted by the rates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spinelink as sl
from spinelink.inference.compile import compile_setting
from spinelink.inference.gradient.by_entry import derivatives
from spinelink.inference.gradient.by_parameter import parameter_slopes
from spinelink.inference.limits import DEFAULT
from spinelink.inference.variants.likelihood_events import with_events
from spinelink.network.cpd import AdditiveRates, Row, Table
from spinelink.network.network import Network, Setting
from spinelink.network.node import Node
from spinelink.network.parameter import Probability, Ratio
from tests.enumeration import joint_table
from tests.every.answers import FINDINGS, OF_CASE, OF_MODEL
from tests.strategies import evidence_for, networks, with_limits

NEXT = (
    Path(__file__).parents[2] / "research" / "back-leg-pain-1.0" / "network" / "back-leg-pain.yaml"
)
CLINIC = "primary_care"
RATES = {
    "leg_pain": {"below_knee": 4.0, "above_knee": 1.0},
    "back_pain": {"present": 1.0},
    "bladder_dysfunction": {"present": 9.0},
}


def rate(value: float) -> Ratio:
    return Ratio(estimate=value, interval=(value / 3, value * 3), grade="judged", note="A rate.")


def with_selection(network: Network, rates: Mapping[str, Mapping[str, float]]) -> Network:
    """The network with a setting whose people were selected by these rates."""
    cpd = AdditiveRates(
        kind="additive_rates",
        rates={p: {s: rate(w) for s, w in by_state.items()} for p, by_state in rates.items()},
    )
    seen = Node(role="selection", label="Seen in the clinic", cpd=cpd)
    clinic = Setting(label="Clinic", population="Who is seen.", selected_by={"seen": "present"})
    return network.model_copy(
        update={"nodes": {**network.nodes, "seen": seen}, "settings": {CLINIC: clinic}}
    )


@st.composite
def selected_networks(draw):
    network = draw(networks(max_nodes=5))
    parents = draw(
        st.lists(st.sampled_from(sorted(network.nodes)), min_size=1, max_size=3, unique=True)
    )
    rates = {}
    for parent in parents:
        states = network.nodes[parent].states
        chosen = draw(st.lists(st.sampled_from(states), min_size=1, max_size=2, unique=True))
        rates[parent] = {s: draw(st.sampled_from([0.2, 1.0, 7.0])) for s in chosen}
    return network, rates


def weighted_joint(network: Network, rates) -> np.ndarray:
    """P(all nodes) times the sum of the rates of the reasons that hold, one axis a node."""
    plain = compile_setting(network, network.default_setting)
    joint = joint_table(plain)[..., 0]
    total = np.zeros_like(joint)
    for parent, by_state in rates.items():
        i = plain.index[parent]
        weight = np.array([by_state.get(s, 0.0) for s in plain.states[i]])
        total += weight.reshape([-1 if k == i else 1 for k in range(joint.ndim)])
    return joint * total


def with_findings(joint, network, findings):
    """The joint times what each finding says."""
    names = list(network.nodes)
    for name, value in findings.items():
        i, states = names.index(name), network.nodes[name].states
        said = {value: 1.0} if isinstance(value, str) else dict(value)
        weight = np.array([said.get(s, 0.0) for s in states])
        joint = joint * weight.reshape([-1 if k == i else 1 for k in range(joint.ndim)])
    return joint


@settings(max_examples=60, deadline=None)
@given(
    st.data(),
    st.sampled_from(["numpy", "fast"]),
    st.sampled_from([{}, {"nodes_in_run": 1}, {"group_entries": 1.0}]),
)
def test_posteriors_and_evidence_equal_enumeration(data, engine, groups):
    """Limits: all nodes in one run, each in its own, and groups that are halved."""
    network, rates = data.draw(selected_networks())
    whole = weighted_joint(network, rates)
    if not whole.sum() > 0.0:
        return
    limits = replace(DEFAULT, **groups)
    model = sl.Model(with_selection(network, rates), CLINIC, engine=engine, limits=limits)
    case = model.observe(data.draw(evidence_for(network)))
    found = with_findings(whole, network, case.findings)
    if not found.sum() > 0.0:
        with pytest.raises(sl.ImpossibleEvidenceError) as error:
            _ = case.log_evidence
        assert "seen" not in str(error.value)
        return
    expected = math.log(found.sum()) - math.log(whole.sum())
    # The oracle's noisy-OR is a difference, so that rare findings keep eight digits there.
    assert case.log_evidence == pytest.approx(expected, abs=1e-7)
    posteriors = case.posteriors()["posterior"]
    for k, name in enumerate(network.nodes):
        axes = tuple(a for a in range(whole.ndim) if a != k)
        assert posteriors[name].to_numpy() == pytest.approx(
            found.sum(axis=axes) / found.sum(), abs=1e-9
        )


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from(["numpy", "fast"]))
def test_reasons_as_weights_equal_reasons_one_by_one(data, engine):
    """Events too, about nodes that are reasons; `reasons_lost` of 0 takes every reason by itself."""
    network, rates = data.draw(selected_networks())
    model = sl.Model(with_selection(network, rates), CLINIC, engine=engine)
    compiled = model.compiled
    observed = model.observe(data.draw(evidence_for(network))).observed
    inside = [compiled.index[n] for n in network.nodes]
    free = [i for i in inside if not isinstance(observed.get(i), int)]
    events = [{}, *({i: level} for i in free for level in range(compiled.cards[i] - 1))]
    together = with_events(compiled, observed, events, nodes=inside)
    apart = with_events(with_limits(compiled, reasons_lost=0.0), observed, events, nodes=inside)
    share = np.exp(together.log_evidence), np.exp(apart.log_evidence)
    assert share[0] == pytest.approx(share[1], rel=1e-9, abs=1e-12)
    likely = share[1] > 1e-6 * share[1].max()
    for i in inside:
        assert together.posterior[i][:, likely] == pytest.approx(
            apart.posterior[i][:, likely], abs=1e-9, nan_ok=True
        )


@pytest.mark.parametrize("rare_as", [1e-9, 1e-17])
@pytest.mark.parametrize("engine", ["numpy", "fast"])
def test_a_rare_reason_keeps_its_digits(engine, rare_as):
    """People who come for a finding of 1 in 10^9 are those who have it; 1 - (1 - p) would lose that.

    Of 1 in 10^17 nothing would be left: the people must not be taken for impossible.
    """
    network = sl.load("minimal").network
    model = sl.Model(
        with_selection(network, {"bladder_dysfunction": {"present": 1.0}}), CLINIC, engine=engine
    )
    ids = model.parameters().to_frame()["id"]
    rare = model.with_parameters(
        {
            n: rare_as
            for n in ids
            if n.startswith(("bladder_dysfunction.le", "bladder_dysfunction.li"))
        }
    )
    everybody = sl.Model(rare.network, network.default_setting, engine="numpy")
    known = everybody.observe(bladder_dysfunction="present")
    for cause in ("lumbar_disc_herniation", "scoliosis"):
        expected = known.posterior(cause)["present"]
        assert rare.observe().posterior(cause)["present"] == pytest.approx(expected, rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(selected_networks(), st.sampled_from(["numpy", "fast"]))
def test_tables_samples_and_subsets_equal_cases(drawn, engine):
    network, rates = drawn
    if not weighted_joint(network, rates).sum() > 0.0:
        return
    model = sl.Model(with_selection(network, rates), CLINIC, engine=engine)
    patients = model.sample(5, seed=1, missing=0.3)
    assert list(patients.columns) == list(network.nodes)
    for parent_states in [
        [row[p] in rates[p] for p in rates] for _, row in model.sample(20, seed=2).iterrows()
    ]:
        assert any(parent_states), "nobody comes without a reason"
    table = model.posteriors(patients, of=list(network.nodes), engine=engine)
    for (_, row), (_, answer) in zip(patients.iterrows(), table.iterrows(), strict=True):
        case = model.observe({n: v for n, v in row.items() if isinstance(v, str)})
        assert answer["log_evidence"] == pytest.approx(case.log_evidence, abs=1e-9)
        for name in network.nodes:
            states = network.nodes[name].states
            if len(states) == 2:
                assert answer[name] == pytest.approx(case.present(name)[name], abs=1e-9)
    conflict = case.conflict()
    alone = sum(model.observe({n: f}).log_evidence for n, f in case.findings.items())
    assert conflict.total * math.log(2.0) == pytest.approx(alone - case.log_evidence, abs=1e-8)


@settings(max_examples=25, deadline=None)
@given(selected_networks())
def test_derivatives_by_parameters_equal_differences(drawn):
    """Rates too: a posterior moves with the ratio of rates, and not with their common size."""
    network, rates = drawn
    if not weighted_joint(network, rates).sum() > 0.0:
        return
    model = sl.Model(with_selection(network, rates), CLINIC, engine="numpy")
    name = next(iter(network.nodes))
    target = (model.compiled.index[name], 1)
    found = derivatives(model.compiled, model.compiled.selected, targets=[target])
    if not 1e-6 < float(found.posteriors[0]) < 1.0 - 1e-6:
        return
    slopes = parameter_slopes(
        model.network, model.compiled, values=model.values, entries=found.factors
    )
    by_rates = 0.0
    for parent, by_state in rates.items():
        for state, value in by_state.items():
            key, step = f"seen.rate.{parent}.{state}", value * 1e-5
            low, high = (
                model.with_parameters({key: value + d}).without_findings.posterior(name).iloc[1]
                for d in (-step, step)
            )
            slope = float(slopes[key][1])
            assert slope == pytest.approx((high - low) / (2.0 * step), rel=1e-4, abs=1e-7)
            by_rates += value * slope
    assert by_rates == pytest.approx(0.0, abs=1e-9)


def small_model(**options) -> sl.Model:
    """The teaching network, seen because of leg pain below the knee, back pain or bladder trouble."""
    network = sl.load("minimal").network
    network = with_selection(network.model_copy(update={"default_setting": None}), RATES)
    return sl.Model(network, CLINIC, **options)


def test_a_selection_is_no_finding_and_is_never_listed():
    model = small_model()
    with pytest.raises(sl.EvidenceError, match="no finding of a patient"):
        model.observe(seen=True)
    with pytest.raises(sl.SpinelinkError, match="who is selected"):
        model.observe().posterior("seen")
    assert "seen" not in model.sample(2, seed=1).columns
    assert "seen" not in set(model.observe().posteriors().index.get_level_values("node"))
    assert "seen" not in model.findings("seen").names
    assert "seen" not in set(model.observe(back_pain=True).next_best().to_frame().index)


def test_every_plan_is_of_its_own_selection():
    """Models of one network share plans; a setting's answers are its own."""
    clinic = small_model()
    rates = {"foot_deformity": {"present": 1.0}}
    foot = with_selection(sl.load("minimal").network, rates)
    nodes = {**clinic.network.nodes, "seen_for_feet": foot.nodes["seen"]}
    settings_ = {
        **clinic.network.settings,
        "feet": Setting(label="Feet", population="Feet.", selected_by={"seen_for_feet": "present"}),
    }
    both = clinic.network.model_copy(update={"nodes": nodes, "settings": settings_})
    model = sl.Model(both, CLINIC)
    first = model.observe(numbness=True).present(["lumbar_disc_herniation", "foot_deformity"])
    feet = model.in_setting("feet").observe(numbness=True)
    assert feet.present("foot_deformity")["foot_deformity"] == pytest.approx(1.0)
    alone = clinic.observe(numbness=True).present(["lumbar_disc_herniation", "foot_deformity"])
    assert first == pytest.approx(alone, abs=1e-12)


def test_learning_from_selected_patients_finds_what_made_them():
    """A clinic's patients must not teach that everybody has what brings people to a clinic."""
    truth = small_model()
    patients = truth.sample(4000, seed=3, columns=["leg_pain", "back_pain", "foot_deformity"])
    vary = ["foot_deformity", "back_pain.leak"]
    start = truth.with_parameters({"foot_deformity.prior": 0.5, "back_pain.leak": 0.3})
    learned = start.learn(patients, vary=vary, strength=0.0, restarts=0)
    steps = np.diff(learned.objective)
    assert (steps >= -1e-6).all()
    values = sl.Model(learned.network, CLINIC).values
    assert float(values["back_pain.leak"][0]) == pytest.approx(0.8, abs=0.03)
    assert float(values["foot_deformity.prior"][0]) == pytest.approx(222 / 835, abs=0.03)


def as_a_finding(rates, **options) -> sl.Model:
    """The teaching network with the selection as an ordinary node, a table of the sums of rates."""
    network = sl.load("minimal").network
    parents = {p: network.nodes[p].states for p in rates}
    most = sum(max(by_state.values()) for by_state in rates.values())
    rows = []
    for states in product(*parents.values()):
        held = dict(zip(parents, states, strict=True))
        total = sum(rates[p].get(s, 0.0) for p, s in held.items())
        p_seen = Probability(estimate=total / most, grade="judged", note="A sum of rates.")
        rows.append(Row(given=held, probability=p_seen))
    cpd = Table(kind="table", parents=tuple(parents), rows=tuple(rows))
    seen = Node(role="other", label="Seen in the clinic", cpd=cpd)
    plain = {"nodes": {**network.nodes, "seen": seen}, "settings": {}, "default_setting": None}
    return sl.Model(network.model_copy(update=plain), **options)


@pytest.mark.parametrize("engine", ["numpy", "fast"])
def test_every_question_equals_that_about_an_observed_selection(engine):
    """An ordinary node in place of the selection, observed in the patient, gives the same answers."""
    selected = small_model(engine=engine).observe(numbness=True, leg_pain="below_knee")
    found = {"numbness": True, "leg_pain": "below_knee", "seen": True}
    plain = as_a_finding(RATES, engine=engine).observe(found)
    a, b = (c.differential() for c in (selected, plain))
    for one, other in zip(a.causes, b.causes, strict=True):
        assert (one.cause, one.posterior) == (
            other.cause,
            pytest.approx(other.posterior, abs=1e-12),
        )
    assert selected.link().shares == pytest.approx(plain.link().shares, abs=1e-10)
    assert selected.attribute("back_pain").to_frame().select_dtypes("number").to_numpy() == (
        pytest.approx(
            plain.attribute("back_pain").to_frame().select_dtypes("number").to_numpy(), abs=1e-10
        )
    )
    only_seen = plain.retract("numbness", "leg_pain")
    for parameter in ("lumbar_disc_herniation.prior", "back_pain.leak", "foot_deformity.prior"):
        one, other, base = (
            c.sweep(parameter, [0.01, 0.2, 0.7]).to_frame() for c in (selected, plain, only_seen)
        )
        other["log_evidence"] -= base["log_evidence"]  # here P(seen) counts, there all are seen
        assert one.to_numpy() == pytest.approx(other.to_numpy(), abs=1e-9)
    one, other = (c.joint(["back_pain", "foot_deformity"]).to_numpy() for c in (selected, plain))
    assert one == pytest.approx(other, abs=1e-12)
    one, other = (c.next_best().to_frame() for c in (selected, plain))
    assert list(one.index) == list(other.index)
    assert one.select_dtypes("number").to_numpy() == pytest.approx(
        other.select_dtypes("number").to_numpy(), abs=1e-9
    )


def test_other_worlds_are_not_selected():
    """The selection is evidence in the factual world; in other worlds nobody needs to consult."""
    found = {"leg_pain": "below_knee", "back_pain": True, "bladder_dysfunction": False}
    link = small_model().observe(found).link()
    plain = sl.Model(small_model().network, None).observe(found).link()
    assert dict(link.question.options)["population"] == CLINIC
    # All reasons are observed, so that the selection says nothing more.
    assert link.shares == pytest.approx(plain.shares, abs=1e-9)


@pytest.mark.parametrize("name", sorted(OF_CASE))
def test_every_question_about_a_selected_patient_has_an_answer(name):
    answer = OF_CASE[name](small_model().observe(FINDINGS))
    assert str(answer)
    for text in (str(answer), getattr(answer, "_repr_html_", str)()):
        assert "seen__fits" not in text


@pytest.mark.parametrize("name", sorted(set(OF_MODEL) - {"learn"}))  # its table is of others
def test_every_question_about_a_selected_population_has_an_answer(name):
    model = replace(small_model(), origin=sl.load("minimal").origin)
    answer = OF_MODEL[name](model)
    for text in (str(answer), getattr(answer, "_repr_html_", str)()):
        assert "seen__fits" not in text


def test_a_large_network_is_drawn_without_selections():
    model = sl.load(NEXT)
    picture = model.observe(back_pain="mild").graph()
    assert len(picture.nodes) > 3
    assert not [n for n in picture.nodes if n.role == "selection"]


def test_a_selection_is_drawn_apart():
    picture = small_model().graph()
    [seen] = [n for n in picture.nodes if n.name == "seen"]
    assert seen.role == "selection" and seen.probability is None
    assert seen.column == max(n.column for n in picture.nodes)
    assert {n.column for n in picture.nodes if n.column == seen.column and n is not seen} == set()
    arrows = {a.parent: a.strength for a in picture.arrows if a.child == "seen"}
    assert arrows == pytest.approx(
        {"leg_pain": 5 / 15, "back_pain": 1 / 15, "bladder_dysfunction": 9 / 15}
    )


@settings(max_examples=20, deadline=None)
@given(selected_networks())
def test_the_most_probable_explanation_is_the_best_with_its_reason(drawn):
    """The largest of rate times P(everything), over everything and the reasons that hold."""
    network, rates = drawn
    plain = compile_setting(network, network.default_setting)
    joint = joint_table(plain)[..., 0]
    whole = weighted_joint(network, rates).sum()
    if not whole > 0.0:
        return
    best = 0.0
    for parent, by_state in rates.items():
        i = plain.index[parent]
        for state, rate_ in by_state.items():
            best = max(
                best, rate_ * float(np.take(joint, plain.states[i].index(state), axis=i).max())
            )
    model = sl.Model(with_selection(network, rates), CLINIC)
    found = model.observe().most_probable_explanation()
    assert math.exp(found.log_probability) == pytest.approx(best / whole, rel=1e-7)
