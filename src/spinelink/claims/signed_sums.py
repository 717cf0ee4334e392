"""Events as signed sums of conjunctions, which the engine can answer as evidence.

An event is any of some restrictions, and P(any of A, B) = 1 - P(neither). If each restriction is
about one node, "neither" is one conjunction, so the sum has two terms. Otherwise it has a term for
each subset of the restrictions (inclusion and exclusion).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spinelink.network.claim import Event
from spinelink.network.network import Network

Conjunction = tuple[tuple[str, tuple[str, ...]], ...]
"""Nodes, each with the states of which one holds, sorted by name; none with all of its states."""

Sum = dict[Conjunction, int]
"""A signed sum of probabilities of conjunctions."""

CERTAIN: Sum = {(): 1}


def event_sum(network: Network, event: Event) -> Sum:
    """P(event) as a signed sum."""
    if len(event) == 1:
        # Not as 1 less its complement: a rare event keeps its digits.
        return times(network, CERTAIN, _single(event[0]))
    neither = CERTAIN
    for restriction in event:
        if len(restriction) == 1:
            [(name, states)] = restriction.items()
            others = tuple(s for s in network.nodes[name].states if s not in states)
            neither = times(network, neither, _single({name: others}))
        else:
            neither = times(network, neither, minus(CERTAIN, _single(restriction)))
    return minus(CERTAIN, neither)


def complement(network: Network, event: Event) -> Sum:
    """P(not event) as a signed sum."""
    return minus(CERTAIN, event_sum(network, event))


def times(network: Network, a: Sum, b: Sum) -> Sum:
    """P(both events) as a signed sum: conjunctions intersect."""
    found: Sum = {}
    for left, m in a.items():
        for right, n in b.items():
            both = _intersection(network, left, b=right)
            if both is not None:
                found[both] = found.get(both, 0) + m * n
    return {key: n for key, n in found.items() if n}


def minus(a: Sum, b: Sum) -> Sum:
    """The difference of two sums."""
    found = dict(a)
    for key, n in b.items():
        found[key] = found.get(key, 0) - n
    return {key: n for key, n in found.items() if n}


def _single(restriction: Mapping[str, Sequence[str]]) -> Sum:
    """P(restriction), which is one conjunction."""
    if any(not states for states in restriction.values()):
        return {}
    return {tuple(sorted((name, tuple(states)) for name, states in restriction.items())): 1}


def _intersection(network: Network, a: Conjunction, *, b: Conjunction) -> Conjunction | None:
    """Both together, in the order of the nodes' states; None where no state is left."""
    found: dict[str, tuple[str, ...]] = {}
    for name, states in (*a, *b):
        allowed = found.get(name, network.nodes[name].states)
        found[name] = tuple(s for s in allowed if s in states)
        if not found[name]:
            return None
    return tuple(
        sorted(
            (name, states)
            for name, states in found.items()
            if len(states) < len(network.nodes[name].states)
        )
    )
