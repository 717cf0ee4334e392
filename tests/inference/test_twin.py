"""Counterfactuals against enumeration of every exogenous state, on random networks; and laws."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spinelink.diagnosis import Model
from spinelink.inference.coupling import couplings_tried
from spinelink.inference.query import log_evidence
from spinelink.inference.twin import worlds
from spinelink.model.cpd import Deterministic, NoisyMax, NoisyOr
from spinelink.query.attribution import necessity, present_seen
from tests import oracle
from tests.inference.test_exact import RELAXED
from tests.strategies import networks


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


def exogenous(network, name):
    """[(probability, function of (parents' states as a dict) -> state index)] of one node's family."""
    node = network.nodes[name]
    cpd, states = node.cpd, node.states
    if isinstance(cpd, NoisyOr | NoisyMax):
        parts = [[(p, lambda given, k=k: k) for k, p in enumerate(oracle.spread(cpd.leak, states).values()) if p > 0.0]]
        for parent, linked in cpd.links.items():
            own = network.nodes[parent].states
            by_state = linked if isinstance(linked, dict) else {own[-1]: linked}
            rows = {
                s: list(oracle.spread(by_state[s], states).values()) if s in by_state else [1.0] + [0.0] * (len(states) - 1) for s in own
            }
            parts.append([(q, lambda given, r=rows, p=parent, u=u: state_at(r[given[p]], u)) for q, u in quantiles(list(rows.values()))])
        return [
            (math.prod(q for q, _ in combination), lambda given, c=combination: max(f(given) for _, f in c))
            for combination in product(*parts)
        ]
    parents = network.parents[name]
    combinations = list(product(*(network.nodes[p].states for p in parents)))
    rows = {c: list(oracle.chance(network, name, dict(zip(parents, c, strict=True))).values()) for c in combinations}
    if isinstance(cpd, Deterministic):
        return [(1.0, lambda given: state_at(rows[tuple(given[p] for p in parents)], 0.5))]
    return [(q, lambda given, u=u: state_at(rows[tuple(given[p] for p in parents)], u)) for q, u in quantiles(list(rows.values()))]


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
                    {**w, name: (changes[k - 1][name] if k and name in changes[k - 1] else states[function({**w, **fixed})])}
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
    causes = draw(st.lists(st.sampled_from([n for n in names if n != effect]), min_size=1, max_size=2, unique=True))
    seen = draw(st.sampled_from(names))
    evidence = {effect: draw(st.sampled_from(network.nodes[effect].states[1:]))}
    if seen != effect and draw(st.booleans()):
        evidence[seen] = draw(st.sampled_from(network.nodes[seen].states))
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
    found, low, high, _ = necessity(compiled, case._seen, compiled.index[effect], [compiled.index[n] for n in causes])
    assert found == pytest.approx(absent / total, abs=1e-7)
    assert -1e-9 <= low <= found + 1e-9 and found <= high + 1e-9 <= 1.0 + 1e-6


def all_couplings(compiled, causes, seen, effect):
    index = compiled.index[effect]
    opened = worlds(compiled, [{compiled.index[n]: 0 for n in causes}], seen, [[index]]).open
    return [{}, *couplings_tried(compiled, opened, seen, [index])]


@given(questions())
@RELAXED
def test_the_factual_world_is_the_network(question):
    network, effect, causes, evidence = question
    case = Model(network).observe(evidence)
    compiled = case.model.compiled
    assume(np.isfinite(log_evidence(compiled, case._seen)[0]))
    for couplings in all_couplings(compiled, causes, case._seen, effect):
        built = worlds(compiled, [{compiled.index[n]: 0 for n in causes}], case._seen, [[compiled.index[effect]]], couplings=couplings)
        there = {built.at[0][i]: v for i, v in case._seen.items()} | built.fixed
        assert log_evidence(built.network, there)[0] == pytest.approx(case.log_evidence, abs=1e-9)


@given(questions())
@RELAXED
def test_each_other_world_is_the_network_with_those_nodes_set(question):
    """The marginal of the other world: P(effect absent) under the change, without findings, is that of the mutilated network."""
    network, effect, causes, _ = question
    compiled = Model(network).compiled
    change = {n: network.nodes[n].states[0] for n in causes}
    expected = sum(p for p, w in enumerate_worlds(network, [change]) if w[1][effect] == network.nodes[effect].states[0])
    for couplings in all_couplings(compiled, causes, {}, effect):
        built = worlds(compiled, [{compiled.index[n]: 0 for n in causes}], {}, [[compiled.index[effect]]], couplings=couplings)
        there = dict(built.fixed)
        index = built.at[1][compiled.index[effect]]
        assert np.exp(log_evidence(built.network, {**there, index: 0})[0]) == pytest.approx(expected, abs=1e-9)


def test_no_path_no_share():
    from tests.learn.test_learning import pair

    model = pair()
    compiled = model.compiled
    seen = present_seen(compiled, {}, [compiled.index["a"]])
    assert necessity(compiled, seen, compiled.index["a"], [compiled.index["b"]]) == (0.0, 0.0, 0.0, True)


def test_bounds_of_a_table_are_those_of_tian_and_pearl():
    """Two rows, P(b | a) = 0.7 and P(b | not a) = 0.2: given both present, the probability of necessity lies between 5/7 and 1."""
    from tests.learn.test_learning import pair

    case = pair(rows=(0.2, 0.7)).observe(a=True, b=True)
    compiled = case.model.compiled
    found, low, high, identified = necessity(compiled, case._seen, compiled.index["b"], [compiled.index["a"]])
    assert not identified
    assert (found, low, high) == pytest.approx((5 / 7, 5 / 7, 1.0))
