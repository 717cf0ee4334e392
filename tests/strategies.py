"""Random networks of every CPD kind, and random evidence of every kind, for Hypothesis."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from hypothesis import strategies as st

from spinelink.diagnosis import Model
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.plan.cache import PlanCache
from spinelink.network.cpd import (
    Accuracy,
    Case,
    Deterministic,
    LogOdds,
    NoisyMax,
    NoisyOr,
    Prior,
    Row,
    Table,
)
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.parameter import Distribution, Probability, Ratio

STATES = (("absent", "present"), ("none", "mild", "severe"))
ABOUT = {"grade": "judged", "note": "test", "equivalent_sample_size": 10.0}


def with_limits(compiled: CompiledNetwork, **changes) -> CompiledNetwork:
    """The same network, whose engine changes its method at other thresholds (see `Limits`)."""
    resources = replace(
        compiled.resources, limits=replace(compiled.limits, **changes), plans=PlanCache()
    )
    return replace(compiled, resources=resources)


def limited_model(model: Model, **changes) -> Model:
    """The same model, whose engine changes its method at other thresholds."""
    other = replace(model)
    other.__dict__["compiled"] = (
        with_limits(model.compiled, **changes) if changes else model.compiled
    )
    return other


@st.composite
def probabilities(draw, *, extreme=True):
    kinds = [st.floats(0.01, 0.99)]
    if extreme:
        kinds += [st.just(0.0), st.just(1.0), st.floats(1e-8, 1e-3)]
    return Probability(estimate=draw(st.one_of(*kinds)), **ABOUT)


@st.composite
def distributions(draw, states):
    weights = draw(
        st.lists(
            st.one_of(st.integers(1, 9), st.just(0)), min_size=len(states), max_size=len(states)
        ).filter(any)
    )
    total = sum(weights)
    return Distribution(
        estimate={s: w / total for s, w in zip(states, weights, strict=True)}, **ABOUT
    )


def chances(states):
    return probabilities() if len(states) == 2 else distributions(states)


def ratios():
    return st.floats(0.1, 10.0).map(
        lambda r: Ratio(estimate=r, interval=(r / 2, r * 2), grade="judged", note="test")
    )


@st.composite
def by_state(draw, states, values):
    """A value for the only active state of a two-state parent, or one for each state but the first."""
    if len(states) == 2 and draw(st.booleans()):
        return draw(values)
    return {s: draw(values) for s in states[1:]}


@st.composite
def cpds(draw, states, parents):
    """A CPD of any kind that fits. parents: name -> states."""
    if not parents:
        return Prior(kind="prior", prior=draw(chances(states)))
    kinds = ["table", "deterministic", "noisy"]
    if len(states) == 2:
        kinds += ["prevalence", "baseline"]
        if len(parents) == 1:
            kinds += ["accuracy"]
    kind = draw(st.sampled_from([*kinds, "noisy"]))
    names = tuple(parents)
    if kind == "table":
        rows = [
            Row(given=dict(zip(names, c, strict=True)), probability=draw(chances(states)))
            for c in product(*parents.values())
        ]
        return Table(kind="table", parents=names, rows=tuple(rows))
    if kind == "deterministic":
        p = draw(st.sampled_from(names))
        given = {p: draw(st.sampled_from(parents[p]))}
        cases = (Case(given=given, state=draw(st.sampled_from(states))),)
        return Deterministic(
            kind="deterministic",
            parents=names,
            cases=cases,
            otherwise=draw(st.sampled_from(states)),
        )
    if kind == "noisy":
        values = chances(states)
        links = {p: draw(by_state(s, values)) for p, s in parents.items()}
        if len(states) == 2:
            return NoisyOr(kind="noisy_or", leak=draw(values), links=links)
        return NoisyMax(kind="noisy_max", leak=draw(values), links=links)
    if kind == "accuracy":
        ((p, parent_states),) = parents.items()
        return Accuracy(
            kind="accuracy",
            of=p,
            sensitivity=draw(by_state(parent_states, probabilities())),
            specificity=draw(probabilities()),
        )
    odds = {p: draw(by_state(s, ratios())) for p, s in parents.items()}
    number = draw(probabilities(extreme=False))
    return LogOdds(kind="log_odds", odds_ratios=odds, **{kind: number})


@st.composite
def networks(draw, *, max_nodes=7, max_parents=5):
    """Small networks; nodes are named n0, n1, ... in a random file order."""
    size = draw(st.integers(2, max_nodes))
    states = {f"n{i}": draw(st.sampled_from(STATES)) for i in range(size)}
    nodes = {}
    for i in range(size):
        count = draw(st.integers(0, min(i, max_parents)))
        chosen = draw(st.permutations(range(i)))[:count]
        parents = {f"n{p}": states[f"n{p}"] for p in chosen}
        nodes[f"n{i}"] = Node(
            role="other",
            label=f"node {i}",
            states=states[f"n{i}"],
            cpd=draw(cpds(states[f"n{i}"], parents)),
        )
    order = draw(st.permutations(list(nodes)))
    return Network(
        spinelink=1, name="random", title="random", version="0", nodes={n: nodes[n] for n in order}
    )


@st.composite
def evidence_for(draw, network):
    """Hard, negative and virtual findings in a random order."""
    names = draw(st.permutations(list(network.nodes)))[: draw(st.integers(0, len(network.nodes)))]
    found = {}
    for n in names:
        states = network.nodes[n].states
        if draw(st.integers(0, 3)) < 3:
            found[n] = draw(st.sampled_from(states))
        else:
            found[n] = {s: draw(st.floats(0.01, 50.0)) for s in states}
    return found


def with_compiled(model, compiled):
    """The same model, with arrays of the test's own in place of those made from its parameters."""
    changed = replace(model)
    changed.__dict__["compiled"] = compiled
    return changed
