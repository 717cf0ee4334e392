"""A second, slow reading of what every CPD kind means, straight from the definitions: plain Python, no arrays, no engine."""

from __future__ import annotations

import math
from itertools import product

from spinelink.network.cpd import Accuracy, Deterministic, LogOdds, NoisyMax, NoisyOr, Prior, Table
from spinelink.network.network import Network

Assignment = dict[str, str]


def spread(value, states):
    """A Probability or Distribution as state -> probability."""
    if isinstance(value.value, dict):
        return value.value
    return {states[0]: 1.0 - value.value, states[1]: value.value}


def chance(network: Network, name: str, given: Assignment) -> dict[str, float]:
    """P(name | parents) as state -> probability."""
    node = network.nodes[name]
    cpd, states = node.cpd, node.states
    match cpd:
        case Prior():
            return spread(cpd.prior, states)
        case Table():
            row = next(r for r in cpd.rows if all(given[p] == s for p, s in r.given.items()))
            return spread(row.probability, states)
        case NoisyOr() | NoisyMax():
            return noisy(network, cpd, states, given)
        case LogOdds():
            return log_odds(network, name, cpd, states, given)
        case Accuracy():
            return accuracy(network, cpd, states, given)
        case Deterministic():
            for case in cpd.cases:
                if all(
                    given[p] in ((s,) if isinstance(s, str) else s) for p, s in case.given.items()
                ):
                    return {s: float(s == case.state) for s in states}
            return {s: float(s == cpd.otherwise) for s in states}
    raise AssertionError(cpd)


def noisy(network, cpd, states, given):
    """The maximum of independent draws: sum over every combination of draws."""
    draws = [spread(cpd.leak, states)]
    for parent, link in cpd.links.items():
        parent_states = network.nodes[parent].states
        by_state = link if isinstance(link, dict) else {parent_states[-1]: link}
        if given[parent] in by_state:
            draws.append(spread(by_state[given[parent]], states))
    found = dict.fromkeys(states, 0.0)
    for combination in product(range(len(states)), repeat=len(draws)):
        found[states[max(combination)]] += math.prod(
            d[states[k]] for d, k in zip(draws, combination, strict=True)
        )
    return found


def shift(network, cpd, given):
    total = 0.0
    for parent, ratio in cpd.odds_ratios.items():
        states = network.nodes[parent].states
        by_state = ratio if isinstance(ratio, dict) else {states[-1]: ratio}
        if given[parent] in by_state:
            total += math.log(by_state[given[parent]].value)
    return total


def log_odds(network, name, cpd, states, given):
    intercept = (
        math.log(cpd.baseline.value / (1.0 - cpd.baseline.value))
        if cpd.baseline is not None
        else intercept_of(network, cpd)
    )
    p = 1.0 / (1.0 + math.exp(-intercept - shift(network, cpd, given)))
    return {states[0]: 1.0 - p, states[1]: p}


def intercept_of(network, cpd):
    """Plain bisection on the marginal, with the parents' joint by enumeration."""
    weights = parents_joint(network, tuple(cpd.odds_ratios))
    low, high = -60.0, 60.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        total = sum(
            w / (1.0 + math.exp(-middle - shift(network, cpd, dict(given))))
            for given, w in weights.items()
        )
        low, high = (low, middle) if total > cpd.prevalence.value else (middle, high)
    return 0.5 * (low + high)


def parents_joint(network, names):
    found = {}
    for assignment, p in joint(network, ancestors(network, names)):
        key = tuple((n, assignment[n]) for n in names)
        found[key] = found.get(key, 0.0) + p
    return found


def accuracy(network, cpd, states, given):
    parent_states = network.nodes[cpd.of].states
    by_state = (
        cpd.sensitivity
        if isinstance(cpd.sensitivity, dict)
        else {parent_states[-1]: cpd.sensitivity}
    )
    if given[cpd.of] in by_state:
        return spread(by_state[given[cpd.of]], states)
    # Written without 1 - (1 - specificity), which would lose the digits of a tiny specificity.
    return {states[0]: cpd.specificity.value, states[1]: 1.0 - cpd.specificity.value}


def ancestors(network, names):
    found, stack = set(), list(names)
    while stack:
        n = stack.pop()
        if n not in found:
            found.add(n)
            stack.extend(network.parents[n])
    return [n for n in ordered(network) if n in found]


def ordered(network):
    done: list[str] = []
    while len(done) < len(network.nodes):
        done += [
            n for n in network.nodes if n not in done and all(p in done for p in network.parents[n])
        ]
    return done


def joint(network, names=None):
    """Every assignment of the (ancestrally closed) nodes with its probability."""
    names = ordered(network) if names is None else names
    partial = [({}, 1.0)]
    for name in names:
        grown = []
        cache = {}
        for assignment, p in partial:
            key = tuple(assignment[q] for q in network.parents[name])
            if key not in cache:
                cache[key] = chance(network, name, assignment)
            grown += [
                ({**assignment, name: s}, p * q) for s, q in cache[key].items() if p * q > 0.0
            ]
        partial = grown
    return partial


def posterior(network, evidence):
    """P(evidence) and node -> state -> posterior; evidence: node -> state, or node -> {state: likelihood}."""
    total, sums = 0.0, {n: dict.fromkeys(node.states, 0.0) for n, node in network.nodes.items()}
    best = (-1.0, None)
    for assignment, p in joint(network):
        for n, value in evidence.items():
            p *= float(assignment[n] == value) if isinstance(value, str) else value[assignment[n]]
        total += p
        for n, s in assignment.items():
            sums[n][s] += p
        if p > best[0]:
            best = (p, assignment)
    if total == 0.0:
        return 0.0, None, best
    return total, {n: {s: v / total for s, v in by.items()} for n, by in sums.items()}, best
