"""Families with many parents: which are a maximum of single parents, and which are too wide.

A deterministic function, or log-odds, is a table over all combinations of its parents' states. A
function each case of which looks at one parent is a maximum, as noisy-MAX is. That is kept factored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from spinelink.network.cpd import Deterministic

MOST_ENTRIES = 2**18
"""Numbers that one family's table may hold: 17 parents with two states each, and a two-state node."""

FACTORED_ENTRIES = 2**12
"""Numbers above which a maximum is kept factored."""


def table_entries(parents: Mapping[str, Sequence[str]], states: Sequence[str]) -> int:
    """How many numbers the table of a node with these parents holds."""
    return prod(len(s) for s in parents.values()) * len(states)


def highest_by_parent(
    cpd: Deterministic, *, parents: Mapping[str, Sequence[str]], states: Sequence[str]
) -> dict[str, dict[str, str]] | None:
    """For each parent, the node's state to which each of its states leads.

    The node is the highest of these, and at least `otherwise`. None where the function is no such
    maximum: where a case looks at several parents, or the cases do not go from high states to low.
    """
    rank = {state: k for k, state in enumerate(states)}
    ranks = [rank[case.state] for case in cpd.cases]
    falling = all(a >= b for a, b in zip(ranks, [*ranks[1:], rank[cpd.otherwise]], strict=True))
    if not falling or any(len(case.given) != 1 for case in cpd.cases):
        return None
    leads = {parent: dict.fromkeys(known, states[0]) for parent, known in parents.items()}
    for case in reversed(cpd.cases):
        for parent, given in case.given.items():
            for state in (given,) if isinstance(given, str) else given:
                leads[parent][state] = case.state
    return leads
