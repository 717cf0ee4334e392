"""Expected counts of the leak and the observed parents of a noisy-MAX, and of levels' states."""

from __future__ import annotations

import numpy as np

from spinelink.inference.kernel.inputs import maximum, read_levels
from spinelink.inference.kernel.jit import helper, inlined


@helper
def give_back(flat, family, at, mass, weight, into):
    """Puts the mass of levels back on the states that they stand for.

    States below the observed one share their level's mass as the distribution has them.
    """
    links, observed = flat.links, family.observed
    if observed < 0:
        for s in range(flat.cards[family.node]):
            into[at + s] += weight * mass[s]
        return
    below = 0.0
    for s in range(observed):
        below += links[at + s, family.draw]
    if below > 0.0:
        for s in range(observed):
            into[at + s] += weight * mass[0] * links[at + s, family.draw] / below
    into[at + observed] += weight * mass[1]


@helper
def _component_at(flat, local, family, k):
    """Where the k-th component's distribution begins: the leak's, or an observed parent's; or -1."""
    node = family.node
    if k < flat.parents[node]:
        return flat.leak_at[node]
    if local[flat.parent_of[k]] < 0:
        return flat.link_at[k] + family.row[flat.parent_of[k]] * flat.cards[node]
    return np.int64(-1)


@inlined
def _read_components(flat, local, family, levels, gather):
    """The levels of all components, and the maximum of those before each; returns how many."""
    parts, ahead, behind = gather.parts, gather.ahead, gather.behind
    node, states = family.node, flat.cards[family.node]
    many = 0
    for k in range(flat.parents[node] - 1, flat.parents[node + 1]):
        at = _component_at(flat, local, family, k)
        if at >= 0:
            read_levels(flat.links, at, states, family.observed, family.draw, parts[many])
            many += 1
    for level in range(levels):
        ahead[0, level] = 1.0 if level == 0 else 0.0
        behind[level] = ahead[0, level]
    for c in range(many - 1):
        maximum(ahead[c], parts[c], levels, ahead[c + 1])
    return many


@inlined
def _own_mass(part, others, slope, levels, mass):
    """The mass of one component's levels, given the maximum of the others."""
    up_to = 0.0
    for level in range(levels):
        up_to += others[level]
        rest = 0.0
        for higher in range(level + 1, levels):
            rest += slope[higher] * others[higher]
        mass[level] = part[level] * (slope[level] * up_to + rest)


@helper
def count_components(flat, local, family, weight, gather):
    """Counts of the leak and the observed parents, given the slope by each level of their maximum.

    Each component is held against the maximum of all the others. Nothing is divided, so zeros do no
    harm.
    """
    parts, ahead, behind, mass = gather.parts, gather.ahead, gather.behind, gather.mass
    node = family.node
    levels = 2 if family.observed >= 0 else flat.cards[node]
    c = _read_components(flat, local, family, levels, gather) - 1
    for k in range(flat.parents[node + 1] - 1, flat.parents[node] - 2, -1):
        at = _component_at(flat, local, family, k)
        if at < 0:
            continue
        others = ahead[c]
        maximum(others, behind, levels, others)
        _own_mass(parts[c], others, gather.slope, levels, mass)
        give_back(flat, family, at, mass, weight, gather.links)
        maximum(behind, parts[c], levels, behind)
        c -= 1
