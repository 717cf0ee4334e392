"""Elimination orders: greedy on bit sets, the cheaper of two rules.

Where the order found is costly, perturbed restarts search on.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from spinelink.inference.limits import DEFAULT, Limits

SPREAD = 0.6  # standard deviation of the perturbation, on the log scale


def elimination_order(
    vertices: Sequence[int],
    scopes: Sequence[Sequence[int]],
    *,
    cards: Mapping[int, int],
    before: Mapping[int, int],
    free: frozenset[int] = frozenset(),
    thorough: bool = True,
    limits: Limits = DEFAULT,
) -> tuple[int, ...]:
    """An order in which to eliminate every vertex that is not free.

    before[v] = w: w must be gone before v may go, as a noisy-MAX is summed out only once its
    contributions are complete. thorough: search on where the order found is costly.
    """
    graph = _graph(vertices, scopes, cards, free)

    def greedy(rule: Rule, limit: float = float("inf")) -> Order:
        fresh = Graph(dict(graph.neighbours), dict(graph.missing), dict(graph.sizes))
        return _greedy(fresh, rule, cards=cards, before=before, limit=limit)

    best = greedy(_fill)
    if best[0] > limits.one_rule_entries:
        best = _better(best, greedy(_weight, best[0]))
    seeded = random.Random(0)  # the same findings get the same plan, and so the same digits
    restarts = min(limits.order_restarts, int(best[0] / limits.entries_per_restart))
    for _ in range(restarts if thorough else 0):
        best = _better(best, greedy(_perturbed(seeded), best[0]))
    return best[1]


Order = tuple[float, tuple[int, ...]]
Neighbours = dict[int, int]


def _better(best: Order, other: Order) -> Order:
    return other if other[0] < best[0] else best


class Graph(NamedTuple):
    """Who is next to whom, and what eliminating each vertex would cost. Vertices to keep have no cost."""

    neighbours: Neighbours
    """vertex -> its neighbours, as bits"""
    missing: dict[int, int]
    """vertex -> edges missing among its neighbours, each counted twice"""
    sizes: dict[int, float]
    """vertex -> entries of the table over it and its neighbours"""


def _graph(
    vertices: Sequence[int],
    scopes: Sequence[Sequence[int]],
    cards: Mapping[int, int],
    free: frozenset[int],
) -> Graph:
    neighbours = dict.fromkeys(vertices, 0)
    for scope in scopes:
        clique = 0
        for v in scope:
            clique |= 1 << v
        for v in scope:
            neighbours[v] |= clique & ~(1 << v)
    missing: dict[int, int] = {}
    sizes: dict[int, float] = {}
    for v in neighbours:
        if v not in free:
            missing[v], size = _counted(neighbours[v], neighbours, cards)
            sizes[v] = size * cards[v]
    return Graph(neighbours, missing, sizes)


def members(bits: int) -> list[int]:
    """The positions of the set bits."""
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found


Rule = Callable[[int, float], tuple[float, float]]
"""(missing edges among the neighbours, size of the cluster) -> what to keep small."""


def _fill(missing: int, size: float) -> tuple[float, float]:
    return missing, size


def _weight(missing: int, size: float) -> tuple[float, float]:
    return size, 0.0


def _perturbed(generator: random.Random) -> Rule:
    return lambda missing, size: ((missing + 1.0) * math.exp(generator.gauss(0.0, SPREAD)), size)


def _counted(around: int, neighbours: Neighbours, cards: Mapping[int, int]) -> tuple[int, float]:
    """Ordered pairs of these vertices without an edge, and the product of their numbers of states."""
    missing, size, bits = 0, 1.0, around
    while bits:
        low = bits & -bits
        bits ^= low
        u = low.bit_length() - 1
        size *= cards[u]
        missing += (around & ~neighbours[u]).bit_count() - 1  # u is not its own neighbour
    return missing, size


def _eliminate(v: int, graph: Graph, cards: Mapping[int, int]) -> int:
    """Takes v out, joins its neighbours, counts again what that changes. Returns who is touched, as bits."""
    neighbours, missing, sizes = graph
    around, own = neighbours.pop(v), 1 << v
    if not missing[v]:
        for u in members(around):
            neighbours[u] ^= own
            if u in missing:
                missing[u] -= 2 * (neighbours[u] & ~around).bit_count()
                sizes[u] /= cards[v]
        return around
    joined = members(around)
    added = {u: around & ~neighbours[u] & ~(1 << u) for u in joined}
    touched = around
    for u in joined:
        touched |= neighbours[u]
        neighbours[u] = (neighbours[u] | around) & ~((1 << u) | own)
    for w in members(touched & ~around & ~own):
        if w in missing:
            both = neighbours[w] & around
            missing[w] -= sum((added[u] & both).bit_count() for u in members(both))
    for u in joined:
        if u in missing:
            missing[u], size = _counted(neighbours[u], neighbours, cards)
            sizes[u] = size * cards[u]
    return touched & ~own


def _greedy(
    graph: Graph,
    rule: Rule,
    *,
    cards: Mapping[int, int],
    before: Mapping[int, int],
    limit: float,
) -> Order:
    """Eliminates the vertex that the rule finds best, one after another. The graph is used up."""
    neighbours, missing, sizes = graph
    scores = {v: rule(missing[v], sizes[v]) for v in missing}
    blocked = {v for v, w in before.items() if w in neighbours}
    released = {w: v for v, w in before.items()}
    order: list[int] = []
    total = 0.0
    while scores:
        v = (
            min((u for u in scores if u not in blocked), key=lambda u: (scores[u], u))
            if blocked
            else min(scores, key=lambda u: (scores[u], u))
        )
        total += sizes[v]
        if total > limit:
            return float("inf"), ()
        order.append(v)
        del scores[v]
        if v in released:
            blocked.discard(released[v])
        for u in members(_eliminate(v, graph, cards)):
            if u in scores:
                scores[u] = rule(missing[u], sizes[u])
    return total, tuple(order)
