"""Claims that contradict each other: no network can satisfy both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from spinelink.network.claim import Claim, Event
from spinelink.network.network import Network
from spinelink.view.text import short_number

SAME_KIND = {
    "sensitivity": "given condition",
    "p_finding_given_condition": "given condition",
    "specificity": "given no condition",
    "p_finding_given_no_condition": "given no condition",
}
"""Kinds of claims that ask the same; a specificity is compared by 1 less its value."""


@dataclass(frozen=True, eq=False)
class Contradiction:
    """Two claims that ask the same of the same people, and whose intervals do not meet."""

    first: str
    second: str
    intervals: tuple[tuple[float, float], tuple[float, float]]

    def __str__(self) -> str:
        (a, b), (c, d) = self.intervals
        return f"{self.first} [{short_number(a)}, {short_number(b)}] and {self.second} [{short_number(c)}, {short_number(d)}]"


def contradictions(network: Network, claims: Mapping[str, Claim]) -> tuple[Contradiction, ...]:
    """Pairs of claims with the same question whose intervals do not meet.

    The largest gap on the scale of comparison comes first.
    """
    by_question: dict[object, list[str]] = {}
    for name, claim in claims.items():
        by_question.setdefault(_question(network, claim), []).append(name)
    pairs: list[tuple[float, Contradiction]] = []
    for names in by_question.values():
        for a, b in combinations(names, 2):
            first, second = _interval(claims[a]), _interval(claims[b])
            scaled = claims[a].scaled
            gap = max(
                scaled(first[0]) - scaled(second[1]),
                scaled(second[0]) - scaled(first[1]),
            )
            if gap > 0.0:
                pairs.append((gap, Contradiction(a, b, (first, second))))
    return tuple(pair for _, pair in sorted(pairs, key=lambda entry: -entry[0]))


def _interval(claim: Claim) -> tuple[float, float]:
    """The published interval; of a specificity, that of P(finding) without the condition."""
    low, high = claim.bounds
    return (1.0 - high, 1.0 - low) if claim.kind == "specificity" else (low, high)


def _question(network: Network, claim: Claim) -> object:
    """What is asked of whom. Equal for two claims that ask the same of the same people."""
    events = (claim.condition, claim.finding, claim.comparator, claim.population)
    people = (claim.setting or network.default_setting, frozenset(claim.given))
    return (SAME_KIND.get(claim.kind, claim.kind), *people, *map(_unordered, events))


def _unordered(event: Event | None) -> object:
    """An event whose parts and states are in no order."""
    if event is None:
        return None
    return frozenset(frozenset((n, frozenset(s)) for n, s in part.items()) for part in event)
