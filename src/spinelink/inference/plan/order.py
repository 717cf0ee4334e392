"""Elimination orders: greedy on bit sets, the cheaper of two rules.

Where the order found is costly, perturbed restarts search on.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence

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
    neighbours = _graph(vertices, scopes)

    def greedy(rule: Rule, limit: float = float("inf")) -> Order:
        return _greedy(dict(neighbours), rule, cards=cards, before=before, free=free, limit=limit)

    best = greedy(_fill)
    if best[0] > limits.one_rule_entries:
        best = _better(best, greedy(_weight, best[0]))
    seeded = random.Random(0)  # the same findings get the same plan, and so the same digits
    restarts = min(limits.order_restarts, int(best[0] / limits.entries_per_restart))
    for _ in range(restarts if thorough else 0):
        best = _better(best, greedy(_perturbed(seeded), best[0]))
    return best[1]


Order = tuple[float, tuple[int, ...]]


def _better(best: Order, other: Order) -> Order:
    return other if other[0] < best[0] else best


def _graph(vertices: Sequence[int], scopes: Sequence[Sequence[int]]) -> dict[int, int]:
    neighbours = dict.fromkeys(vertices, 0)
    for scope in scopes:
        clique = 0
        for v in scope:
            clique |= 1 << v
        for v in scope:
            neighbours[v] |= clique & ~(1 << v)
    return neighbours


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


def _greedy(
    neighbours: dict[int, int],
    rule: Rule,
    *,
    cards: Mapping[int, int],
    before: Mapping[int, int],
    free: frozenset[int],
    limit: float,
) -> Order:
    """Eliminates the vertex that the rule finds best, one after another. The graph is used up."""
    scores: dict[int, tuple[float, float]] = {}
    missing: dict[int, int] = {}
    sizes: dict[int, float] = {}

    def score(v: int) -> None:
        around = bits = neighbours[v]
        fill, size = 0, float(cards[v])
        while bits:
            low = bits & -bits
            bits ^= low
            u = low.bit_length() - 1
            size *= cards[u]
            fill += (around & ~neighbours[u]).bit_count() - 1  # u is not its own neighbour
        missing[v], sizes[v] = fill, size
        scores[v] = rule(fill, size)

    blocked = {v for v, w in before.items() if w in neighbours}
    released = {w: v for v, w in before.items()}
    for v in neighbours:
        if v not in free:
            score(v)
    order: list[int] = []
    total = 0.0
    while scores:
        v = (
            min((u for u in scores if u not in blocked), key=lambda u: (scores[u], u))
            if blocked
            else min(scores, key=lambda u: (scores[u], u))
        )
        around = neighbours.pop(v)
        total += sizes[v]
        if total > limit:
            return float("inf"), ()
        order.append(v)
        del scores[v]
        if v in released:
            blocked.discard(released[v])
        touched = around  # where no edge is new, only the neighbours' own scores change
        for u in members(around):
            if missing[v]:
                touched |= neighbours[u]
            neighbours[u] = (neighbours[u] | around) & ~((1 << u) | (1 << v))
        for u in members(touched & ~(1 << v)):
            if u in scores:
                score(u)
    return total, tuple(order)
