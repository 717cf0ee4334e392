"""Constraints against one network: how far they are from holding, and what they ask for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import SpinelinkError
from spinelink.inference.answer import log_evidence
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed, observed_from
from spinelink.inference.gradient.by_entry import Derivatives, conditional_derivatives
from spinelink.network.constraint import Constraint, Resolved, resolve
from spinelink.network.evidence import Evidence, Finding
from spinelink.network.network import Network

Array = NDArray[np.float64]

CLOSE = 1e-7
"""A constraint whose gap is at most this holds."""


@dataclass(frozen=True, eq=False)
class ResolvedConstraint:
    """A constraint whose names were checked against the network.

    Its methods take `answers`: the probabilities of its one or two queries.
    """

    constraint: Constraint
    queries: tuple[Resolved, ...]

    def gap(self, answers: Sequence[float]) -> tuple[float, Array]:
        """What is answered less what is wanted, and its derivatives by the queries.

        The scale is nearly linear in log odds: log odds of a probability, logarithm of a ratio.
        The gap is 0 at the bound.
        """
        c = self.constraint
        p = [min(max(v, 1e-300), 1.0) for v in answers]
        if c.form == "ratio":
            wanted = math.log(max(c.value, 1e-12))
            return math.log(p[0]) - math.log(p[1]) - wanted, np.array([1.0 / p[0], -1.0 / p[1]])
        if c.form == "difference":
            return p[0] - p[1] - c.value, np.array([1.0, -1.0])
        inner = min(max(p[0], 1e-15), 1.0 - 1e-15)
        bound = min(max(c.value, 1e-12), 1.0 - 1e-12)
        gap = math.log(inner) - math.log1p(-inner) - math.log(bound) + math.log1p(-bound)
        return gap, np.array([1.0 / (inner * (1.0 - inner))])

    def value(self, answers: Sequence[float]) -> float:
        """What the constraint is about: a probability, a ratio or a difference."""
        if self.constraint.form == "value":
            return answers[0]
        if self.constraint.form == "difference":
            return answers[0] - answers[1]
        return answers[0] / answers[1] if answers[1] > 0.0 else math.inf

    def holds(self, answers: Sequence[float], tolerance: float = CLOSE) -> bool:
        """True if the gap is on the right side of 0, or within the tolerance of it."""
        if not all(math.isfinite(v) for v in answers):
            return False
        gap = self.gap(answers)[0]
        match self.constraint.relation:
            case "==":
                return abs(gap) <= tolerance
            case ">=":
                return gap >= -tolerance
            case "<=":
                return gap <= tolerance


def resolve_constraints(
    network: Network, constraints: Iterable[Constraint]
) -> tuple[ResolvedConstraint, ...]:
    """Constraints against the network.

    Raises:
        SpinelinkError: there is none, or something else is given.
        UnknownNameError: a constraint names what the network does not have.
    """
    try:
        given = list(constraints)
    except (TypeError, ValueError):
        raise SpinelinkError(NO_CONSTRAINTS) from None
    if not all(isinstance(c, Constraint) for c in given):
        raise SpinelinkError(NO_CONSTRAINTS)
    if not given:
        raise SpinelinkError("there is no constraint to tune to")
    return tuple(ResolvedConstraint(c, _queries(network, c)) for c in given)


NO_CONSTRAINTS = "constraints are a list of sl.constraint('P(...) >= ...')"


def _queries(network: Network, constraint: Constraint) -> tuple[Resolved, ...]:
    written = [q for q in (constraint.first, constraint.second) if q is not None]
    return tuple(resolve(network, q, given=constraint.given) for q in written)


def probability(compiled: CompiledNetwork, query: Resolved, *, network: Network) -> float:
    """P(event | given), by the upward pass alone.

    Raises:
        SpinelinkError: what is given cannot occur.
    """
    observed = {**_observed(compiled, query), **_event_weights(compiled, query)}
    logs = np.broadcast_to(log_evidence(compiled, observed), (2,))
    if not np.isfinite(logs[0]):
        raise _impossible(network, query)
    return float(np.exp(logs[1] - logs[0]))


def derivatives(compiled: CompiledNetwork, query: Resolved, *, network: Network) -> Derivatives:
    """P(event | given) and its derivatives by every entry of the network.

    Raises:
        SpinelinkError: what is given cannot occur.
    """
    weights = _event_weights(compiled, query)
    try:
        return conditional_derivatives(compiled, _observed(compiled, query), weights=weights)
    except ValueError:
        raise _impossible(network, query) from None


def evidence_of(network: Network, query: Resolved) -> tuple[Evidence, Evidence]:
    """What is given, and what is given together with the event.

    A likelihood finding about a node of the event stays part of both.
    """
    given = dict(query.given)
    both: dict[str, Finding] = dict(given)
    for name, states in query.event:
        soft = given.get(name)
        if soft is None or isinstance(soft, str):
            likelihoods = dict.fromkeys(network.nodes[name].states, 1.0)
        else:
            likelihoods = dict(soft)
        both[name] = tuple((s, v * (s in states)) for s, v in likelihoods.items())
    return Evidence(given), Evidence(both)


def _observed(compiled: CompiledNetwork, query: Resolved) -> Observed:
    """The findings that are given about nodes outside the event."""
    event = {name for name, _ in query.event}
    return observed_from(compiled, Evidence({n: f for n, f in query.given if n not in event}))


def _event_weights(compiled: CompiledNetwork, query: Resolved) -> dict[int, Array]:
    """Likelihoods of the event's nodes, (states, 2): without the event, and with it."""
    given = dict(query.given)
    weights = {}
    for name, states in query.event:
        node = compiled.index[name]
        inside = np.array([float(s in states) for s in compiled.states[node]])
        soft = given.get(name)
        if soft is None or isinstance(soft, str):
            without = np.ones(len(inside))
        else:
            without = np.array([v for _, v in soft])
        weights[node] = np.stack([without, inside * without], axis=1)
    return weights


def _impossible(network: Network, query: Resolved) -> SpinelinkError:
    names = ", ".join(n for n, _ in query.given)
    return SpinelinkError(f"what is given cannot occur in network {network.name!r}: {names}")
