"""Why: contributions against the definition, by enumeration; chains, turns, what was expected; and what is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import permutations

import matplotlib as mpl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spinelink.inference.cache import PlanCache

mpl.use("Agg")

import spinelink as sl
from spinelink.cli import main
from spinelink.diagnosis import Model
from spinelink.errors import EvidenceError, SpinelinkError, UnknownNameError
from spinelink.network.cpd import Case, Deterministic, NoisyOr, Prior, Row, Table
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.parameter import Probability
from tests import oracle
from tests.inference.test_exact import RELAXED
from tests.strategies import evidence_for, networks


def log_odds(network, evidence, target):
    total, of, _ = oracle.posterior(network, evidence)
    states = list(of[target].values())
    p = sum(states[1:]) / sum(states) if total > 0.0 else math.nan
    return math.log(p) - math.log(states[0] / sum(states)) if 0.0 < p < 1.0 else math.nan


@st.composite
def questions(draw):
    network = draw(networks(max_nodes=5, max_parents=3))
    evidence = dict(list(draw(evidence_for(network)).items())[:3])
    hidden = [n for n in network.nodes if n not in evidence]
    assume(hidden)
    return network, evidence, draw(st.sampled_from(hidden))


@given(questions())
@RELAXED
def test_shares_are_the_average_over_all_orders(question):
    network, evidence, target = question
    assume(oracle.posterior(network, evidence)[0] > 1e-7)
    known = {}
    for order in permutations(evidence):
        for k in range(len(order) + 1):
            chosen = frozenset(order[:k])
            known.setdefault(chosen, log_odds(network, {n: evidence[n] for n in chosen}, target))
    assume(not any(math.isnan(v) for v in known.values()))
    found = Model(network).observe(evidence).explain(target)
    orders = list(permutations(evidence))
    for row in found.rows:
        mean = sum(
            known[frozenset(o[: o.index(row.node) + 1])] - known[frozenset(o[: o.index(row.node)])]
            for o in orders
        ) / len(orders)
        assert row.shapley == pytest.approx(mean, abs=1e-7)
        assert row.left_out == pytest.approx(
            known[frozenset(evidence)] - known[frozenset(evidence) - {row.node}], abs=1e-7
        )
    assert found.before + sum(r.shapley for r in found.rows) == pytest.approx(found.after, abs=1e-7)
    assert found.exact


@pytest.fixture(scope="module")
def case():
    return sl.load("back-leg-pain").observe(
        age_group=47,
        leg_pain="below_knee",
        numbness=True,
        fever=False,
        back_pain=True,
        straight_leg_raise=False,
    )


def test_one_cause_against_another(case):
    found = case.explain("lumbar_disc_herniation", against="lumbar_spinal_stenosis")
    p = {
        n: case.posterior(n)["present"]
        for n in ("lumbar_disc_herniation", "lumbar_spinal_stenosis")
    }
    assert found.after == pytest.approx(
        math.log(p["lumbar_disc_herniation"] / p["lumbar_spinal_stenosis"]), abs=1e-9
    )
    assert found.before + sum(r.shapley for r in found.rows) == pytest.approx(found.after, abs=1e-9)


def test_chains_go_through_what_is_likely_to_be_there(case):
    chains = {r.node: r.chain for r in case.explain("lumbar_disc_herniation").rows}
    assert chains["numbness"] == (
        "lumbar_disc_herniation",
        "nerve_root_compression",
        "nerve_root_dysfunction",
        "numbness",
    )
    assert chains["back_pain"] == ("lumbar_disc_herniation", "back_pain")
    assert chains["fever"] == ()


def test_what_was_expected_and_is_absent(case):
    [absent] = case.explain("lumbar_disc_herniation").absent
    assert absent.node == "straight_leg_raise"
    there = case.model.observe(lumbar_disc_herniation=True).posterior("straight_leg_raise")[
        "present"
    ]
    assert absent.probability == pytest.approx(there, abs=1e-9)


def test_turns_turn_the_ranking(case):
    found = case.explain()
    assert found.reversals
    lead = case.differential(limit=1)[0].cause
    for turn in found.reversals:
        other = case.observe({turn.node: turn.instead}).differential(limit=1)[0].cause
        assert other == turn.leading != lead


def test_many_findings_are_shared_out_by_seeded_permutations(case):
    more = case.observe(
        night_pain=False,
        weight_loss=False,
        worse_on_sitting=True,
        tingling=True,
        morning_stiffness=False,
    )
    assert len(more.findings) > 10
    one, two = (
        more.explain("lumbar_disc_herniation", exact=10),
        more.explain("lumbar_disc_herniation", exact=10),
    )
    assert not one.exact
    assert [r.shapley for r in one.rows] == [r.shapley for r in two.rows]
    assert one.before + sum(r.shapley for r in one.rows) == pytest.approx(one.after, abs=1e-9)


def test_an_uncertain_finding_on_the_target_counts_as_its_likelihood_ratio(case):
    """It multiplies the odds, whatever else is known: its share, and what is lost without it, are the logarithm of its ratio."""
    leading = case.differential()[0].cause
    soft = case.observe({leading: {"absent": 1.0, "present": 3.0}})
    found = soft.explain()
    assert found.target == leading
    (row,) = [r for r in found.rows if r.node == leading]
    assert (row.shapley, row.left_out) == (
        pytest.approx(math.log(3.0)),
        pytest.approx(math.log(3.0)),
    )
    known = case.observe({leading: "present"}).explain()
    assert known.target == next(
        c.cause
        for c in case.observe({leading: "present"}).differential().causes
        if c.cause != leading
    )


def test_alerts_come_first_on_the_command_line(capsys):
    assert main(["explain", "bladder_dysfunction", "back_pain", "-n", "minimal"]) == 0
    out = capsys.readouterr().out
    assert out.index("EMERGENCY") < out.index("Why ")
    for words, status in (
        (["--target", "scoliosis"], 0),
        (["--target", "scoliosys"], 2),
        (["--target", "back_pain"], 2),
    ):
        assert (
            main(["explain", "bladder_dysfunction", "back_pain", "-n", "minimal", "--json", *words])
            == status
        )
        document = json.loads(capsys.readouterr().out)
        assert [a["urgency"] for a in document["alerts"]] == ["emergency"] and (
            document["error"] is not None
        ) == (status == 2)


def test_without_findings_there_is_nothing_to_tell():
    found = sl.load("minimal").observe().explain("scoliosis")
    assert len(found) == 0 and found.before == found.after


def test_it_shows_itself(case, capsys):
    found = case.explain("lumbar_disc_herniation")
    assert "Against it: straight_leg_raise=absent" in found.text()
    ax = found.plot()
    assert sum(b.get_width() for b in ax.patches) == pytest.approx(found.after - found.before)
    assert main(["explain", "numbness", "leg_pain=below_knee", "-n", "minimal", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["result"]["rows"]
    assert main(["explain", "numbness", "-n", "minimal", "--against", "scoliosis"]) == 0
    assert "against scoliosis" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda c: c.explain("numbness"), EvidenceError, "observed"),
        (lambda c: c.explain("scoliosys"), UnknownNameError, "scoliosis"),
        (lambda c: c.explain("scoliosis", against="scoliosis"), SpinelinkError, "against itself"),
        *[
            (
                lambda c, seed=seed: c.explain("scoliosis", seed=seed),
                SpinelinkError,
                "seed is a whole number",
            )
            for seed in (-1, "a", 1.5, None)
        ],
        (
            lambda c: c.observe(dict.fromkeys(c.model.network.ranked, "absent")).explain(),
            EvidenceError,
            "every cause is observed",
        ),
    ],
)
def test_bad_questions_are_refused(case, ask, error, message):
    with pytest.raises(error, match=message):
        ask(case)


def without_common_plan(case):
    """The same case, whose subsets of findings are each run by themselves."""
    limits = replace(case.model.limits, subset_rows=0)
    return replace(case, model=replace(case.model, limits=limits, _plans=PlanCache()))


def test_twelve_findings_are_shared_out_exactly(case, monkeypatch):
    """All subsets side by side sum to the whole; of eight findings the shares are those of subsets run one by one."""
    more = case.observe(
        night_pain=False,
        weight_loss=False,
        worse_on_sitting=True,
        tingling=True,
        morning_stiffness=False,
    )
    more = more.retract(*list(more.findings)[12:])
    found = more.explain("lumbar_disc_herniation")
    assert found.exact
    assert found.before + sum(r.shapley for r in found.rows) == pytest.approx(found.after, abs=1e-7)
    fewer = more.retract(*list(more.findings)[8:])
    together = {r.node: r.shapley for r in fewer.explain("lumbar_disc_herniation").rows}
    apart = without_common_plan(fewer).explain("lumbar_disc_herniation")
    assert together == pytest.approx({r.node: r.shapley for r in apart.rows}, abs=1e-7)


def test_what_neither_can_be_is_in_favour_of_neither():
    """A finding that excludes both causes, in itself, until another is known."""
    cpd = Deterministic(
        kind="deterministic",
        parents=("a", "b"),
        cases=(Case(given={"a": "absent", "b": "absent"}, state="absent"),),
        otherwise="present",
    )
    number = Probability(estimate=0.2, equivalent_sample_size=10.0, grade="judged", note="test")
    nodes = {
        n: Node(role="cause", origin="back", label=n, cpd=Prior(kind="prior", prior=number))
        for n in "ab"
    }
    nodes["f"] = Node(role="symptom", label="f", cpd=cpd)
    found = (
        Model(Network(spinelink=1, name="none", title="none", version="0", nodes=nodes))
        .observe(f=False)
        .explain("a", against="b")
    )
    assert (found.before, found.after, found.rows[0].shapley) == (0.0, 0.0, 0.0)


def test_present_and_unexplained():
    """P(finding | cause, the other findings): the cause has no part in what comes of the other."""

    def number(p):
        return Probability(estimate=p, equivalent_sample_size=10.0, grade="judged", note="test")

    nodes = {
        n: Node(role="cause", origin="back", label=n, cpd=Prior(kind="prior", prior=number(0.05)))
        for n in "ab"
    }
    for finding, cause in (("f", "a"), ("g", "b")):
        cpd = NoisyOr(kind="noisy_or", leak=number(0.02), links={cause: number(0.8)})
        nodes[finding] = Node(role="symptom", label=finding, cpd=cpd)
    found = (
        Model(Network(spinelink=1, name="two", title="two", version="0", nodes=nodes))
        .observe(f=True, g=True)
        .explain("a")
    )
    (row,) = found.unexplained
    assert (row.node, row.probability) == (
        "g",
        pytest.approx(0.95 * 0.02 + 0.05 * (1 - 0.98 * 0.2)),
    )
    assert "Not explained by a" in found.text()


def test_subsets_that_exclude_the_cause_are_not_taken_for_even():
    """Two absent findings exclude the cause, and four are rare with it: what differences cannot tell is run by itself, so the shares are those of subsets one by one."""

    def number(p):
        return Probability(estimate=p, equivalent_sample_size=10.0, grade="judged", note="test")

    nodes = {
        "c": Node(
            role="cause", origin="back", label="c", cpd=Prior(kind="prior", prior=number(0.1))
        )
    }
    rows = (
        Row(given={"c": "absent"}, probability=number(0.6)),
        Row(given={"c": "present"}, probability=number(0.0)),
    )
    nodes["d"] = Node(
        role="cause", origin="back", label="d", cpd=Table(kind="table", parents=("c",), rows=rows)
    )
    for k in range(2):
        cpd = NoisyOr(kind="noisy_or", leak=number(0.1), links={"c": number(1.0), "d": number(0.2)})
        nodes[f"f{k}"] = Node(role="symptom", label="f", cpd=cpd)
    for k in range(4):
        links = {"c": number(1e-4 * (0.31 + 0.1 * k)), "d": number(0.7 + 0.03 * k)}
        nodes[f"r{k}"] = Node(
            role="symptom", label="r", cpd=NoisyOr(kind="noisy_or", leak=number(3e-5), links=links)
        )
    findings = {**dict.fromkeys(("f0", "f1"), False), **{f"r{k}": True for k in range(4)}}
    case = Model(Network(spinelink=1, name="out", title="out", version="0", nodes=nodes)).observe(
        findings
    )
    together = {r.node: r.shapley for r in case.explain("c").rows}
    apart = without_common_plan(case).explain("c")
    assert together == pytest.approx({r.node: r.shapley for r in apart.rows}, abs=1e-6)
