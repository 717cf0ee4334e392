"""Every parameter that alone satisfies all constraints (Chan and Darwiche 2002).

A constraint is a rational function of one parameter, of degree one or two, so its solutions are
roots of a polynomial. Along parameters of log-odds nodes it is not: there the tangent's solution is
where secants start.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.change import deviations_in_log_odds, distance_moved
from spinelink.adjust.tune.constraints import (
    ResolvedConstraint,
    derivatives,
    evidence_of,
    probability,
)
from spinelink.adjust.tune.problem import Problem
from spinelink.adjust.tune.result import SingleChange
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.compile import point_values
from spinelink.inference.findings import observed_from
from spinelink.inference.gradient.by_parameter import parameter_slopes
from spinelink.inference.gradient.linear_fractional import (
    ParameterRef,
    admissible_range,
    covariation,
    marginals_under,
    nonlinear_nodes,
    refs_of,
)
from spinelink.inference.sampled_parameters import stated_interval
from spinelink.network.constraint import Resolved
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter
from spinelink.network.parameter_ids import owner
from spinelink.network.setting import parameters_in

Array = NDArray[np.float64]

SECANTS = 8
"""Secant steps towards a solution along a nonlinear parameter."""
REACHED = 1e-9
"""A secant whose gap is at most this has arrived."""
VANISHED = 1e-12
"""Fraction of its value at the estimate below which a divisor is 0 but for rounding: there 0/0 has any value."""


@dataclass(frozen=True, eq=False)
class Point:
    """The network at which the search starts: its parameters, values and arrays."""

    network: Network
    parameters: Mapping[str, Parameter]
    values: Mapping[str, Array]
    compiled: CompiledNetwork


@dataclass(frozen=True, eq=False)
class Fraction:
    """P(event | given) along each parameter: (p + numerator * step) / (1 + denominator * step)."""

    p: float
    numerator: Mapping[ParameterRef, float]
    denominator: Mapping[ParameterRef, float]

    def value_at(self, ref: ParameterRef, step: float) -> float:
        """The probability so far from the estimate; NaN where what is given cannot occur."""
        below = 1.0 + self.denominator[ref] * step
        return (self.p + self.numerator[ref] * step) / below if below > 1e-12 else math.nan


class _Start(NamedTuple):
    """Where secants along a nonlinear parameter start: the tangent's solution."""

    ref: ParameterRef
    value: float


class _Secant(NamedTuple):
    """A search along a nonlinear parameter: now, and one step before with the gaps there."""

    ref: ParameterRef
    value: float
    before: float
    gaps_before: Array


def single_changes(problem: Problem) -> tuple[SingleChange, ...]:
    """Every parameter that alone satisfies all constraints, the smallest change first.

    Empty where the constraints hold already.
    """
    point = _point(problem)
    fractions = [
        [_fraction(point, q, vary=problem.vary) for q in c.queries] for c in problem.constraints
    ]
    constraints = list(zip(problem.constraints, fractions, strict=True))
    if all(c.holds([f.p for f in asked]) for c, asked in constraints):
        return ()
    nonlinear = nonlinear_nodes(point.network, point.compiled)
    changes: list[SingleChange] = []
    starts: list[_Start] = []
    for ref in refs_of(point.network, point.parameters, ids=problem.vary):
        parameter = point.parameters[ref.id]
        estimate = _estimate(parameter, ref)
        low, high = admissible_range(parameter)
        roots = sorted((s for c, asked in constraints for s in _roots(c, asked, ref=ref)), key=abs)
        inside = [s for s in roots if low - 1e-12 <= estimate + s <= high + 1e-12]
        if owner(ref.id) in nonlinear:
            near = [min(max(estimate + s, low + 1e-9), high - 1e-9) for s in inside[:2]]
            starts += [_Start(ref, t) for t in near]
            continue
        for s in inside:
            if all(c.holds([f.value_at(ref, s) for f in asked]) for c, asked in constraints):
                after = min(max(estimate + s, low), high)
                changes.append(_change(ref, parameter, after=after))
                break
    changes += _along_nonlinear(problem, point, starts=starts)
    by_deviations = problem.minimise == "standard_deviations"
    size = {c.ref: abs(c.deviations if by_deviations else c.moved) for c in changes}
    return tuple(sorted(changes, key=lambda c: (size[c.ref], str(c.ref))))


def _point(problem: Problem) -> Point:
    network = problem.coordinates.network
    parameters = parameters_in(network, problem.model.setting)
    values = point_values(network, parameters)
    return Point(network, parameters, values, problem.compiled(network))


def _fraction(point: Point, query: Resolved, *, vary: Sequence[str]) -> Fraction:
    """The query as a function of every parameter, from its derivatives at the estimates."""
    network, values = point.network, point.values
    of_query = derivatives(point.compiled, query, network=network)
    slopes = parameter_slopes(network, point.compiled, values=values, entries=of_query.factors)
    p = float(of_query.posteriors[0])
    numerator, denominator = {}, {}
    for ref in refs_of(network, point.parameters, ids=vary):
        slope = slopes[ref.id]
        if ref.state is not None:
            states = network.nodes[owner(ref.id)].states
            direction = covariation(values[ref.id][:, 0], states.index(ref.state))
            slope = direction @ slope
        denominator[ref] = float(slope[0])
        numerator[ref] = float(slope[1]) + p * float(slope[0])
    return Fraction(p, numerator, denominator)


def _roots(
    constraint: ResolvedConstraint, fractions: Sequence[Fraction], *, ref: ParameterRef
) -> list[float]:
    """Steps from the estimate at which the constraint is at its bound."""
    from numpy.polynomial import Polynomial

    above = [Polynomial([f.p, f.numerator[ref]]) for f in fractions]
    below = [Polynomial([1.0, f.denominator[ref]]) for f in fractions]
    bound = constraint.constraint.value
    match constraint.constraint.form:
        case "value":
            gap = above[0] - bound * below[0]
        case "ratio":
            gap = above[0] * below[1] - bound * above[1] * below[0]
        case "difference":
            gap = above[0] * below[1] - above[1] * below[0] - bound * below[0] * below[1]
    gap = gap.trim(1e-14 * max(1e-300, np.abs(gap.coef).max()))
    if gap.degree() < 1:
        return []
    roots = np.atleast_1d(gap.roots())
    real = [r.real for r in roots if abs(r.imag) < 1e-9 * (1.0 + abs(r.real)) and r.real != 0.0]
    divisors = [*below, above[1]] if constraint.constraint.form == "ratio" else below
    return [float(r) for r in real if all(q(r) > VANISHED * q(0.0) for q in divisors)]


def _along_nonlinear(
    problem: Problem, point: Point, *, starts: Sequence[_Start]
) -> list[SingleChange]:
    """Secants from the estimate through the tangent's solution, all parameters in one batch.

    Each follows the constraint that is violated most, or the nearest where none is.
    """
    changes: dict[ParameterRef, SingleChange] = {}
    network = point.network
    base = [
        [probability(point.compiled, q, network=network) for q in c.queries]
        for c in problem.constraints
    ]
    gaps_at_start = problem.gaps(base)
    parameters = point.parameters
    searching = [_Secant(n, t, _estimate(parameters[n.id], n), gaps_at_start) for n, t in starts]
    for _ in range(SECANTS):
        if not searching:
            break
        batch = _batched(problem, point, assignments=[{s.ref: s.value} for s in searching])
        still = []
        for k, secant in enumerate(searching):
            answers = [[float(p[k]) for p in asked] for asked in batch]
            ref, parameter = secant.ref, parameters[secant.ref.id]
            if _has_arrived(problem, answers):
                change = _change(ref, parameter, after=secant.value)
                if ref not in changes or abs(change.moved) < abs(changes[ref].moved):
                    changes[ref] = change
            elif (following := _next(problem, secant, answers=answers)) is not None:
                low, high = admissible_range(parameter)
                if low < following.value < high:
                    still.append(following)
        searching = still
    return list(changes.values())


def _has_arrived(problem: Problem, answers: list[list[float]]) -> bool:
    """True if all constraints hold and one is at its bound."""
    pairs = zip(problem.constraints, answers, strict=True)
    if not all(c.holds(values, REACHED) for c, values in pairs):
        return False
    return bool(np.abs(problem.gaps(answers)).min() < REACHED)


def _next(problem: Problem, secant: _Secant, *, answers: list[list[float]]) -> _Secant | None:
    """The next step; None where something that is given cannot occur here."""
    if not np.isfinite(np.array([v for values in answers for v in values])).all():
        return None
    gaps = problem.gaps(answers)
    violated = np.abs(problem.residuals(answers)[0])
    worst = int(np.argmax(violated)) if violated.any() else int(np.argmin(np.abs(gaps)))
    slope = gaps[worst] - secant.gaps_before[worst]
    step = (secant.value - secant.before) * gaps[worst] / slope if slope != 0.0 else math.nan
    return _Secant(secant.ref, secant.value - step, secant.value, gaps)


def _batched(
    problem: Problem, point: Point, *, assignments: Sequence[Mapping[ParameterRef, float]]
) -> list[list[Array]]:
    """The probabilities of every constraint's queries under each assignment, (assignments,)."""
    network, compiled = point.network, point.compiled

    def log_probability(evidence: Mapping[str, object]) -> Array:
        observed = observed_from(compiled, evidence)  # type: ignore[arg-type]
        answer = marginals_under(
            network,
            compiled,
            values=point.values,
            observed=observed,
            nodes=[],
            assignments=assignments,
        )
        return answer.log_evidence

    by_constraint = []
    for constraint in problem.constraints:
        asked = []
        for query in constraint.queries:
            given, both = (log_probability(e) for e in evidence_of(network, query))
            with np.errstate(invalid="ignore"):
                asked.append(np.exp(both - given))
        by_constraint.append(asked)
    return by_constraint


def _change(ref: ParameterRef, parameter: Parameter, *, after: float) -> SingleChange:
    before = _estimate(parameter, ref)
    low, high = stated_interval(parameter, ref.state)
    return SingleChange(
        id=ref.id,
        state=ref.state,
        before=before,
        after=after,
        moved=distance_moved(before, after, parameter=parameter),
        deviations=deviations_in_log_odds(parameter, before=before, after=after),
        grade=parameter.grade,
        ref=ref,
        inside=low <= after <= high,
    )


def _estimate(parameter: Parameter, ref: ParameterRef) -> float:
    if isinstance(parameter, Distribution):
        return float(parameter.estimate[str(ref.state)])
    return float(parameter.value)
