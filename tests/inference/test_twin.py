"""Counterfactuals against enumeration of every exogenous state, on random networks; and laws."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from spinelink.diagnosis import Model
from spinelink.inference.answer import log_evidence
from spinelink.inference.counterfactual.coupling import couplings_tried
from spinelink.inference.counterfactual.factual import Factual, assume_present
from spinelink.inference.counterfactual.necessity import necessity
from spinelink.inference.counterfactual.twin_network import worlds
from spinelink.network.cpd import Deterministic, NoisyMax, NoisyOr, Prior, Row, Table
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.parameter import Distribution, Probability
from tests import oracle
from tests.inference.test_exact import RELAXED
from tests.strategies import ABOUT, networks


def quantiles(rows):
    """Probability and middle of every interval between the ends of the rows' cumulative distributions. rows: lists of probabilities."""
    ends = sorted({min(sum(r[: k + 1]), 1.0) for r in rows for k in range(len(r))} | {1.0})
    found, before = [], 0.0
    for end in ends:
        if end - before > 1e-12:
            found.append((end - before, 0.5 * (before + end)))
        before = end
    return found


def state_at(row, u):
    total = 0.0
    for k, p in enumerate(row):
        total += p
        if u < total - 1e-13:
            return k
    return max(k for k, p in enumerate(row) if p > 0.0)


def exogenous(network, name, links=()):
    """[(probability, function of (parents' states as a dict) -> state index)] of one node's family.

    links: parent -> the like of its link of a noisy-MAX, where it is not to be the quantile of its rows.
    """
    node = network.nodes[name]
    cpd, states = node.cpd, node.states
    if isinstance(cpd, NoisyOr | NoisyMax):
        parts = [
            [
                (p, lambda given, k=k: k)
                for k, p in enumerate(oracle.spread(cpd.leak, states).values())
                if p > 0.0
            ]
        ]
        for parent, linked in cpd.links.items():
            if parent in links:
                parts.append(links[parent])
                continue
            own = network.nodes[parent].states
            by_state = linked if isinstance(linked, dict) else {own[-1]: linked}
            rows = {
                s: list(oracle.spread(by_state[s], states).values())
                if s in by_state
                else [1.0] + [0.0] * (len(states) - 1)
                for s in own
            }
            parts.append(
                [
                    (q, lambda given, r=rows, p=parent, u=u: state_at(r[given[p]], u))
                    for q, u in quantiles(list(rows.values()))
                ]
            )
        return [
            (
                math.prod(q for q, _ in combination),
                lambda given, c=combination: max(f(given) for _, f in c),
            )
            for combination in product(*parts)
        ]
    parents = network.parents[name]
    combinations = list(product(*(network.nodes[p].states for p in parents)))
    rows = {
        c: list(oracle.chance(network, name, dict(zip(parents, c, strict=True))).values())
        for c in combinations
    }
    if isinstance(cpd, Deterministic):
        return [(1.0, lambda given: state_at(rows[tuple(given[p] for p in parents)], 0.5))]
    return [
        (q, lambda given, u=u: state_at(rows[tuple(given[p] for p in parents)], u))
        for q, u in quantiles(list(rows.values()))
    ]


def enumerate_worlds(network, changes, held=(), given=None):
    """[(probability, [assignment in world 0, in world 1, ...])] over all exogenous states.

    held: edges (parent, child) along which a child responds to its parent as it is in world 0. given: node -> its exogenous states, in place of `exogenous`.
    """
    found = [(1.0, [{} for _ in range(len(changes) + 1)])]
    for name in oracle.ordered(network):
        states, grown = network.nodes[name].states, []
        for p, each in found:
            for q, function in (given or {}).get(name) or exogenous(network, name):
                fixed = {parent: each[0][parent] for parent, child in held if child == name}
                now = [
                    {
                        **w,
                        name: (
                            changes[k - 1][name]
                            if k and name in changes[k - 1]
                            else states[function({**w, **fixed})]
                        ),
                    }
                    for k, w in enumerate(each)
                ]
                grown.append((p * q, now))
        merged = {}
        for p, each in grown:
            key = tuple(tuple(w.items()) for w in each)
            merged[key] = (merged.get(key, (0.0, each))[0] + p, each)
        found = list(merged.values())
    return found


@st.composite
def questions(draw):
    network = draw(networks(max_nodes=4, max_parents=3))
    names = list(network.nodes)
    order = oracle.ordered(network)
    effect = draw(st.sampled_from(order[1:]))
    causes = draw(
        st.lists(
            st.sampled_from([n for n in names if n != effect]), min_size=1, max_size=2, unique=True
        )
    )
    observed = draw(st.sampled_from(names))
    evidence = {effect: draw(st.sampled_from(network.nodes[effect].states[1:]))}
    if observed != effect and draw(st.booleans()):
        evidence[observed] = draw(st.sampled_from(network.nodes[observed].states))
    return network, effect, causes, evidence


@given(questions())
@RELAXED
def test_necessity_is_that_of_the_enumeration(question):
    network, effect, causes, evidence = question
    change = {n: network.nodes[n].states[0] for n in causes}
    total = absent = 0.0
    for p, (is_, would_be) in enumerate_worlds(network, [change]):
        if all(is_[n] == s for n, s in evidence.items()):
            total += p
            absent += p * (would_be[effect] == network.nodes[effect].states[0])
    assume(total > 1e-7)
    case = Model(network).observe(evidence)
    compiled = case.model.compiled
    found, low, high, _ = necessity(
        Factual(compiled, case.observed),
        compiled.index[effect],
        causes=[compiled.index[n] for n in causes],
    )
    assert found == pytest.approx(absent / total, abs=1e-7)
    assert -1e-9 <= low <= found + 1e-9 and found <= high + 1e-9 <= 1.0 + 1e-6


def all_couplings(compiled, causes, observed, effect):
    index = compiled.index[effect]
    factual = Factual(compiled, observed)
    built = worlds(factual, [{compiled.index[n]: 0 for n in causes}], effects=[[index]])
    return [{}, *couplings_tried(factual, built.unidentified, effects=[index])]


@given(questions())
@RELAXED
def test_the_factual_world_is_the_network(question):
    network, effect, causes, evidence = question
    case = Model(network).observe(evidence)
    compiled = case.model.compiled
    assume(np.isfinite(log_evidence(compiled, case.observed)[0]))
    for couplings in all_couplings(compiled, causes, case.observed, effect):
        built = worlds(
            Factual(compiled, case.observed),
            [{compiled.index[n]: 0 for n in causes}],
            effects=[[compiled.index[effect]]],
            couplings=couplings,
        )
        there = {built.at[0][i]: v for i, v in case.observed.items()} | built.fixed
        assert log_evidence(built.network, there)[0] == pytest.approx(case.log_evidence, abs=1e-9)


@given(questions())
@RELAXED
def test_each_other_world_is_the_network_with_those_nodes_set(question):
    """The marginal of the other world: P(effect absent) under the change, without findings, is that of the mutilated network."""
    network, effect, causes, _ = question
    compiled = Model(network).compiled
    change = {n: network.nodes[n].states[0] for n in causes}
    expected = sum(
        p
        for p, w in enumerate_worlds(network, [change])
        if w[1][effect] == network.nodes[effect].states[0]
    )
    for couplings in all_couplings(compiled, causes, {}, effect):
        built = worlds(
            Factual(compiled, {}),
            [{compiled.index[n]: 0 for n in causes}],
            effects=[[compiled.index[effect]]],
            couplings=couplings,
        )
        there = dict(built.fixed)
        index = built.at[1][compiled.index[effect]]
        assert np.exp(log_evidence(built.network, {**there, index: 0})[0]) == pytest.approx(
            expected, abs=1e-9
        )


def test_no_path_no_share():
    from tests.adjust.test_learning import pair

    model = pair()
    compiled = model.compiled
    observed = assume_present(compiled, {}, effects=[compiled.index["a"]])
    assert necessity(
        Factual(compiled, observed), compiled.index["a"], causes=[compiled.index["b"]]
    ) == (
        0.0,
        0.0,
        0.0,
        True,
    )


def test_bounds_of_a_table_are_those_of_tian_and_pearl():
    """Two rows, P(b | a) = 0.7 and P(b | not a) = 0.2: given both present, the probability of necessity lies between 5/7 and 1."""
    from tests.adjust.test_learning import pair

    case = pair(rows=(0.2, 0.7)).observe(a=True, b=True)
    compiled = case.model.compiled
    found, low, high, identified = necessity(
        Factual(compiled, case.observed), compiled.index["b"], causes=[compiled.index["a"]]
    )
    assert not identified
    assert (found, low, high) == pytest.approx((5 / 7, 5 / 7, 1.0))


# -- bounds: against linear programs over response functions (Balke and Pearl 1997)

FEW = settings(RELAXED, max_examples=25)
AB, THREE = ("absent", "present"), ("none", "mild", "severe")


def responses_of(rows, name_of_row):
    """Every function row -> state, as [function of parents' states]. rows: row -> probabilities."""
    keys = list(rows)
    for states in product(*(range(len(rows[k])) for k in keys)):
        found = dict(zip(keys, states, strict=True))
        yield found, lambda given, found=found: found[name_of_row(given)]


def table_rows(network, name):
    """Row (parents' states) -> probabilities, and how a row is found in the parents' states."""
    parents = network.parents[name]
    rows = {
        c: list(oracle.chance(network, name, dict(zip(parents, c, strict=True))).values())
        for c in product(*(network.nodes[p].states for p in parents))
    }
    return rows, lambda given: tuple(given[p] for p in parents)


def link_rows(network, name, parent):
    states, own, linked = (
        network.nodes[name].states,
        network.nodes[parent].states,
        network.nodes[name].cpd.links[parent],
    )
    rows = {
        s: list(oracle.spread(linked[s], states).values())
        if s in linked
        else [1.0] + [0.0] * (len(states) - 1)
        for s in own
    }
    return rows, lambda given: given[parent]


def event(network, effect, change, evidence, given):
    """P(evidence), and P(evidence, effect absent elsewhere)."""
    total = absent = 0.0
    for p, (is_, would_be) in enumerate_worlds(network, [change], given=given):
        if all(is_[n] in s for n, s in evidence.items()):
            total += p
            absent += p * (would_be[effect] == network.nodes[effect].states[0])
    return total, absent


def lp_range(network, effect, change, evidence, mechanism, given=None, links=None):
    """Least and most of P(effect absent elsewhere | evidence) over all couplings of one mechanism, a table (node, None) or a link (node, parent).

    given: exogenous states of other nodes; links: of other links of the node.

    The probability is linear in the distribution over response functions; each row's margin is a constraint.
    """
    name, parent = mechanism
    rows, name_of_row = (
        table_rows(network, name) if parent is None else link_rows(network, name, parent)
    )
    costs, columns, total = [], [], 0.0
    for states, function in responses_of(rows, name_of_row):
        if any(rows[r][k] == 0.0 for r, k in states.items()):
            continue
        own = (
            [(1.0, function)]
            if parent is None
            else exogenous(network, name, {parent: [(1.0, function)], **(links or {})})
        )
        _, absent = event(network, effect, change, evidence, {**(given or {}), name: own})
        costs.append(absent)
        columns.append([float(states[r] == k) for r in rows for k in range(len(rows[r]))])
    margins = [p for row in rows.values() for p in row]
    total, _ = event(network, effect, change, evidence, given)
    ends = [
        linprog(np.array(costs) * sign, A_eq=np.array(columns).T, b_eq=margins, bounds=(0, None))
        for sign in (1.0, -1.0)
    ]
    assert all(e.success for e in ends)
    return ends[0].fun / total, -ends[1].fun / total


def coupled(one, other, share):
    """All functions of two rows of two states; both are present with a probability between the least (share 0) and the most (share 1) possible."""
    least, most = max(0.0, one + other - 1.0), min(one, other)
    both = least + share * (most - least)
    return [
        (both, (1, 1)),
        (one - both, (1, 0)),
        (other - both, (0, 1)),
        (1.0 - one - other + both, (0, 0)),
    ]


def couplings_of(network, name, shares):
    """The exogenous states of a two-state table whose first parent may differ; shares: coupling by states of the other parents."""
    rows, name_of_row = table_rows(network, name)
    contexts = list(dict.fromkeys(r[1:] for r in rows))
    parts = [
        [
            (p, {("absent", *c): k[0], ("present", *c): k[1]})
            for p, k in coupled(rows["absent", *c][1], rows["present", *c][1], share)
        ]
        for c, share in zip(contexts, shares, strict=True)
    ]
    found = []
    for chosen in product(*parts):
        states = {row: k for _, part in chosen for row, k in part.items()}
        found.append(
            (
                math.prod(p for p, _ in chosen),
                lambda given, states=states: states[name_of_row(given)],
            )
        )
    return [(p, function) for p, function in found if p > 0.0]


def number(states, weights):
    if len(states) == 2:
        return Probability(estimate=weights[1] / sum(weights), **ABOUT)
    return Distribution(
        estimate={s: w / sum(weights) for s, w in zip(states, weights, strict=True)}, **ABOUT
    )


def node(states, parents, values):
    """parents: name -> states; values: a distribution for each of their combinations."""
    if not parents:
        return Node(
            role="other", label="n", states=states, cpd=Prior(kind="prior", prior=values[0])
        )
    rows = [
        Row(given=dict(zip(parents, c, strict=True)), probability=v)
        for c, v in zip(product(*parents.values()), values, strict=True)
    ]
    return Node(
        role="other",
        label="n",
        states=states,
        cpd=Table(kind="table", parents=tuple(parents), rows=tuple(rows)),
    )


def network_of(**nodes):
    return Network(spinelink=1, name="bounds", title="bounds", version="0", nodes=nodes)


@st.composite
def values(draw, states, count=1):
    return [
        number(
            states, draw(st.lists(st.integers(1, 20), min_size=len(states), max_size=len(states)))
        )
        for _ in range(count)
    ]


def found_range(network, effect, change, evidence):
    """low, point and high of the library."""
    weights = {
        n: s[0] if len(s) == 1 else {k: float(k in s) for k in network.nodes[n].states}
        for n, s in evidence.items()
    }  # several states: a finding that leaves them open
    case = Model(network).observe(weights)
    compiled = case.model.compiled
    index = compiled.index[effect]
    found = necessity(
        Factual(compiled, assume_present(compiled, case.observed, effects=[index])),
        index,
        causes=[compiled.index[n] for n in change],
    )
    assert found[1] - 1e-12 <= found[0] <= found[2] + 1e-12
    return float(found[1][0]), float(found[2][0])


@given(st.data())
@RELAXED
def test_bounds_of_two_rows_are_sharp(data):
    """One table below one cause, which is known or not; the effect is seen in one state, or only present."""
    draw = data.draw
    states = draw(st.sampled_from([AB, THREE]))
    network = network_of(
        c=node(AB, {}, draw(values(AB))), y=node(states, {"c": AB}, draw(values(states, 2)))
    )
    evidence = {"y": draw(st.sampled_from([*((s,) for s in states[1:]), states[1:]]))}
    if draw(st.booleans()):
        evidence["c"] = ("present",)
    expected = lp_range(network, "y", {"c": "absent"}, evidence, ("y", None))
    assert found_range(network, "y", {"c": "absent"}, evidence) == pytest.approx(expected, abs=1e-8)


@pytest.mark.slow
@given(st.data())
@RELAXED
def test_no_coupling_of_many_rows_lies_outside_the_bounds(data):
    """Rows of two causes that are taken away together: four rows, of which any may hold."""
    draw = data.draw
    states = draw(st.sampled_from([AB, THREE]))
    network = network_of(
        c=node(AB, {}, draw(values(AB))),
        d=node(AB, {"c": AB}, draw(values(AB, 2))),
        y=node(states, {"c": AB, "d": AB}, draw(values(states, 4))),
    )
    evidence = {"y": (draw(st.sampled_from(states[1:])),)}
    sharp = draw(st.booleans())
    if sharp:  # one row is compared with one other
        evidence |= {"c": ("present",), "d": (draw(st.sampled_from(AB)),)}
    change = {"c": "absent", "d": "absent"}
    least, most = lp_range(network, "y", change, evidence, ("y", None))
    low, high = found_range(network, "y", change, evidence)
    assert low <= least + 1e-8 and most - 1e-8 <= high
    if sharp:
        assert (low, high) == pytest.approx((least, most), abs=1e-8)


@pytest.mark.slow
@given(st.data())
@FEW
def test_bounds_of_tables_in_series_are_sharp(data):
    """A table between cause and effect, with a hidden parent of both and something seen below: the least and most over all couplings of both tables."""
    draw = data.draw
    shared = draw(st.booleans())
    states = draw(st.sampled_from([AB, THREE]))
    more = {"g": AB} if shared else {}
    rows = 4 if shared else 2
    nodes = {"g": node(AB, {}, draw(values(AB)))} if shared else {}
    network = network_of(
        **nodes, c=node(AB, {}, draw(values(AB))), m=node(AB, {"c": AB, **more}, draw(values(AB, rows))),
        z=node(AB, {"m": AB}, draw(values(AB, 2))), y=node(states, {"m": AB, **more}, draw(values(states, rows))),
    )  # fmt: skip
    evidence = (
        {"y": (draw(st.sampled_from(states[1:])),)}
        | ({"c": ("present",)} if draw(st.booleans()) else {})
        | ({"z": ("present",)} if draw(st.booleans()) else {})
    )
    ends = [
        lp_range(
            network,
            "y",
            {"c": "absent"},
            evidence,
            ("y", None),
            {"m": couplings_of(network, "m", shares)},
        )
        for shares in product((0.0, 0.3, 1.0), repeat=rows // 2)
    ]
    expected = min(e[0] for e in ends), max(e[1] for e in ends)
    assert found_range(network, "y", {"c": "absent"}, evidence) == pytest.approx(expected, abs=1e-8)


@given(st.data())
@FEW
def test_no_coupling_of_many_rows_in_series_lies_outside_the_bounds(data):
    """As before, with four rows of the table between, all of which may be compared."""
    draw = data.draw
    network = network_of(
        c=node(AB, {}, draw(values(AB))), d=node(AB, {"c": AB}, draw(values(AB, 2))), m=node(AB, {"c": AB, "d": AB}, draw(values(AB, 4))),
        y=node(AB, {"m": AB}, draw(values(AB, 2))),
    )  # fmt: skip
    change, evidence = {"c": "absent", "d": "absent"}, {"y": ("present",)}
    low, high = found_range(network, "y", change, evidence)
    for share in (0.0, 1.0):
        least, most = lp_range(
            network, "y", change, evidence, ("m", None), {"y": couplings_of(network, "y", [share])}
        )
        assert low <= least + 1e-8 and most - 1e-8 <= high


@given(st.data())
@FEW
def test_bounds_of_tables_side_by_side_hold(data):
    """Two tables between, neither of which all that differs passes; the effect's four rows may each be compared with each."""
    draw = data.draw
    network = network_of(
        c=node(AB, {}, draw(values(AB))), m=node(AB, {"c": AB}, draw(values(AB, 2))), k=node(AB, {"c": AB}, draw(values(AB, 2))),
        y=node(AB, {"m": AB, "k": AB}, draw(values(AB, 4))),
    )  # fmt: skip
    evidence = {"c": ("present",), "y": ("present",)}
    low, high = found_range(network, "y", {"c": "absent"}, evidence)
    for one, other in product((0.0, 0.5, 1.0), repeat=2):
        given_ = {"m": couplings_of(network, "m", [one]), "k": couplings_of(network, "k", [other])}
        least, most = lp_range(network, "y", {"c": "absent"}, evidence, ("y", None), given_)
        assert low <= least + 1e-8 and most - 1e-8 <= high


@pytest.mark.slow
@given(st.data())
@RELAXED
def test_bounds_of_links_from_three_states_are_sharp(data):
    """A noisy-OR or noisy-MAX effect of mechanisms with three states: between mild and severe nothing says who would have answered to both."""
    draw = data.draw
    states = draw(st.sampled_from([AB, THREE]))

    def noisy(states, leak, **links):
        kind, cls = ("noisy_or", NoisyOr) if len(states) == 2 else ("noisy_max", NoisyMax)
        return Node(
            role="other", label="n", states=states, cpd=cls(kind=kind, leak=leak, links=links)
        )

    several = draw(st.booleans()) and states == AB
    names = ["m", "k"] if several else ["m"]
    nodes = {"c": node(AB, {}, draw(values(AB)))}
    for name in names:
        nodes[name] = noisy(THREE, draw(values(THREE))[0], c=draw(values(THREE))[0])
    nodes["y"] = noisy(
        states,
        draw(values(states))[0],
        **{n: dict(zip(THREE[1:], draw(values(states, 2)), strict=True)) for n in names},
    )
    network = network_of(**nodes)
    evidence = {"y": draw(st.sampled_from([*((s,) for s in states[1:]), states[1:]]))}
    others = [{}]
    if several:
        rows, _ = link_rows(network, "y", "k")
        couplings = [
            coupled(rows["mild"][1], rows["severe"][1], share) for share in (0.0, 0.5, 1.0)
        ]
        others = [
            {
                "k": [
                    (p, lambda g, f={"none": 0, "mild": f[0], "severe": f[1]}: f[g["k"]])
                    for p, f in each
                ]
            }
            for each in couplings
        ]
    ends = [
        lp_range(network, "y", {"c": "absent"}, evidence, ("y", "m"), links=other)
        for other in others
    ]
    expected = min(e[0] for e in ends), max(e[1] for e in ends)
    assert found_range(network, "y", {"c": "absent"}, evidence) == pytest.approx(expected, abs=1e-8)


@given(st.data())
@RELAXED
def test_what_cannot_differ_is_not_absent(data):
    """Consistency: the effect is as it was where its parents are; so it is at most as often absent as they are otherwise."""
    draw = data.draw
    network = network_of(
        c=node(AB, {}, draw(values(AB))),
        m=Node(
            role="other",
            label="m",
            states=AB,
            cpd=NoisyOr(
                kind="noisy_or", leak=draw(values(AB))[0], links={"c": draw(values(AB))[0]}
            ),
        ),
        y=node(THREE, {"m": AB}, draw(values(THREE, 2))),
    )
    evidence = {"c": ("present",), "y": (draw(st.sampled_from(THREE[1:])),)}
    differs = total = 0.0
    for p, (is_, would_be) in enumerate_worlds(network, [{"c": "absent"}]):
        if all(is_[n] in s for n, s in evidence.items()):
            total += p
            differs += p * (is_["m"] != would_be["m"])
    assert found_range(network, "y", {"c": "absent"}, evidence)[1] <= differs / total + 1e-9
    assert found_range(network, "y", {"c": "absent"}, {**evidence, "c": ("absent",)}) == (0.0, 0.0)
    assert found_range(network, "y", {"c": "absent"}, {**evidence, "m": ("absent",)}) == (0.0, 0.0)


def test_where_every_row_that_is_compared_is_certain_it_is_identified():
    """A three-state parent that is taken away leaves nothing to compare: its first state contributes nothing."""
    weights = {s: number(AB, [3, 2]) for s in THREE[1:]}
    network = network_of(
        m=node(THREE, {}, [number(THREE, [2, 1, 1])]),
        y=Node(
            role="other",
            label="y",
            states=AB,
            cpd=NoisyOr(kind="noisy_or", leak=number(AB, [4, 1]), links={"m": weights}),
        ),
    )
    case = Model(network).observe(y=True)
    compiled = case.model.compiled
    factual = Factual(compiled, case.observed)
    assert necessity(factual, compiled.index["y"], causes=[compiled.index["m"]]).identified
