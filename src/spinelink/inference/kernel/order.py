"""Elimination orders: greedy, on bit sets, by minimum fill, by minimum size, and perturbed."""

from __future__ import annotations

import numpy as np

from spinelink.inference.kernel.jit import bits_set, helper, inlined, lowest_bit


@inlined
def _fill_and_size(v, near, cards, words):
    """Edges that eliminating v would add, counted twice, and the entries of its cluster."""
    one = np.uint64(1)
    missing = 0
    size = float(cards[v])
    if words == 1:
        around = near[v, 0]
        bits = around
        while bits:
            u = lowest_bit(bits)
            bits &= bits - one
            size *= cards[u]
            missing += bits_set(around & ~near[u, 0]) - 1  # u is not its own neighbour
        return missing, size
    for word in range(words):
        bits = near[v, word]
        while bits:
            u = word * 64 + lowest_bit(bits)
            bits &= bits - one
            size *= cards[u]
            missing -= 1
            for other in range(words):
                missing += bits_set(near[v, other] & ~near[u, other])
    return missing, size


@helper
def _update_score(v, graph, words, rule):
    """Rule 0: missing edges, then the size of the cluster; 1: that size; more: 0, perturbed."""
    missing, size = _fill_and_size(v, graph.near, graph.cards, words)
    graph.clusters[v] = size
    graph.fills[v] = missing
    if rule == 0:
        graph.scores[v] = missing * 1e9 + size
    elif rule == 1:
        graph.scores[v] = size
    else:  # a fixed scramble: the same findings get the same plan
        mixed = (rule * 1000003 + v) * 2654435761 % 4294967296
        mixed = (mixed ^ (mixed >> 15)) * 2246822519 % 4294967296
        graph.scores[v] = (missing + 1.0) * (
            1.0 + 1.5 * ((mixed ^ (mixed >> 13)) % 65536) / 65536.0
        )


@inlined
def _best_position(graph, left):
    """Where in `alive` the variable with the lowest score stands that may go."""
    scores, alive, after = graph.scores, graph.alive, graph.after
    best = -1
    for k in range(left):
        u = alive[k]
        if (best < 0 or scores[u] < scores[alive[best]]) and (
            after[u] < 0 or scores[after[u]] < 0.0
        ):
            best = k
    return best


@inlined
def _join_neighbours(v, graph, words, rule):
    """Takes v out of the graph and connects its neighbours; `touched`: whose scores change."""
    near, around, touched = graph.near, graph.around, graph.touched
    one = np.uint64(1)
    for word in range(words):
        around[word] = near[v, word]
        touched[word] = around[word]
    spread = graph.fills[v] > 0 and rule != 1  # new edges reach the neighbours' neighbours
    for word in range(words):
        members = around[word]
        while members:
            u = word * 64 + lowest_bit(members)
            members &= members - one
            for other in range(words):
                if spread:
                    touched[other] |= near[u, other]
                near[u, other] |= around[other]
            near[u, u >> 6] &= ~(one << np.uint64(u & 63))
            near[u, v >> 6] &= ~(one << np.uint64(v & 63))
    touched[v >> 6] &= ~(one << np.uint64(v & 63))


@inlined
def _greedy_order(graph, vertices, rule, limit, trial):
    """A greedy order of all variables; the graph `near` is used up.

    Returns the cluster entries in all; an infinite number once they exceed the limit.
    """
    alive, scores, touched = graph.alive, graph.scores, graph.touched
    words = (vertices + 63) // 64
    one = np.uint64(1)
    total = 0.0
    for v in range(vertices):
        alive[v] = v
        _update_score(v, graph, words, rule)
    left = vertices
    for step in range(vertices):
        best = _best_position(graph, left)
        v = alive[best]
        left -= 1
        alive[best] = alive[left]
        scores[v] = -1.0  # gone
        trial[step] = v
        total += graph.clusters[v]
        if total >= limit:
            return np.inf
        _join_neighbours(v, graph, words, rule)
        for word in range(words):
            members = touched[word]
            while members:
                u = word * 64 + lowest_bit(members)
                members &= members - one
                _update_score(u, graph, words, rule)
    return total


@helper
def best_order(graph, ordering, vertices, rows, limits):
    """The best of several greedy orders, into `ordering`; heavy patterns get more restarts."""
    edges, near = graph.edges, graph.near
    order, trial, rank = ordering.order, ordering.trial, ordering.rank
    words = (vertices + 63) // 64
    cost = np.inf
    rule = np.int64(0)
    rules = 1
    while rule < rules:
        for v in range(vertices):
            for word in range(words):
                near[v, word] = edges[v, word]
        entries = _greedy_order(graph, vertices, rule, cost, trial)
        if entries < cost:
            cost = entries
            for k in range(vertices):
                order[k] = trial[k]
        if rule == 0 and cost > limits.heavy:
            rules = 2
        if rule == 1:
            rules = 2 + np.int64(min(limits.restarts, cost * rows / limits.entries_per_restart))
        rule += 1
    for k in range(vertices):
        rank[order[k]] = k
