"""Numbers changed as little as can be, so that the network answers what is asked of it (Chan and Darwiche 2002).

Each number by itself: constraints are rational functions of it of degree one or two, so the nearest solution is a root. Several together: the shortest
way, in log odds weighted by each number's uncertainty, to where the constraints hold; by least distance programming on their linearisation
(Lawson and Hanson 1974, chapter 23), again and again, with the exact derivatives of one upward and one downward pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.coordinates import (
    Key,
    Place,
    coordinates,
    moved,
    placed,
    precision,
    slopes_by_coordinates,
    with_numbers,
    written,
)
from spinelink.errors import SpinelinkError, UnknownNameError
from spinelink.inference.answer import log_evidence
from spinelink.inference.arrays import CompiledNetwork, Resources
from spinelink.inference.compile import compile_network, point_values
from spinelink.inference.findings import observed_from
from spinelink.inference.gradient.by_entry import Derivatives, conditional_derivatives
from spinelink.inference.gradient.by_parameter import parameter_slopes
from spinelink.inference.gradient.linear_fractional import (
    Number,
    admissible_range,
    covariation,
    marginals_under,
    nonlinear_nodes,
    numbers_of,
)
from spinelink.inference.sampled_parameters import stated_interval
from spinelink.network.constraint import Constraint, Resolved, resolve
from spinelink.network.evidence import Evidence
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Ratio
from spinelink.network.parameter_ids import owner
from spinelink.network.setting import parameters_in
from spinelink.network.uncertainty import log_deviation, spread_weight
from spinelink.view.html import text_in_notebook

if TYPE_CHECKING:
    import pandas as pd

    from spinelink.adjust.rankings import RankingChange

Array = NDArray[np.float64]
Minimise = Literal["standard_deviations", "log_odds"]

MINIMISE: tuple[Minimise, ...] = ("standard_deviations", "log_odds")
MOST_STEPS = 60
CLOSE = 1e-7  # a constraint met to so much, on its own scale, is met
SHORT = 0.5  # a way so long is not looked at again
FAR = 18.0  # coordinates stay so near 0: probabilities from 1.5e-8
LONGEST = 2.0  # a step in log odds
SETTLED = (
    1e-5  # a step in log odds that ends the search: the length of the way changes by its square
)
SECANTS = 8
LEAST = 1e-7  # a coordinate that moves less stays
DIGITS = 6  # of the numbers as they are written


@dataclass(frozen=True)
class Change:
    """One number of a patch, or one state of a distribution. moved: in log odds (an odds ratio: its logarithm); deviations: in standard deviations of its own
    uncertainty.
    """

    id: str
    state: str | None
    before: float
    after: float
    moved: float
    deviations: float
    grade: str


@dataclass(frozen=True)
class SingleChange:
    """One number that alone satisfies all constraints, and how far it must go. inside: whether it stays in its own interval."""

    number: Number
    before: float
    after: float
    moved: float
    deviations: float
    inside: bool
    grade: str


@dataclass(frozen=True)
class Met:
    """One constraint: what its probabilities come to before, and after the patch."""

    text: str
    before: float
    after: float
    satisfied: bool


@dataclass(frozen=True, eq=False, repr=False)
class Tuning:
    """A patch that makes the network satisfy the constraints, or comes as near as it can.

    distance: length of the change of all numbers together, in what was minimised. single: numbers that would do alone, the smallest change first.
    cases: rankings of cases before and after.
    """

    network: Network
    constraints: tuple[Met, ...]
    patch: tuple[Change, ...]
    single: tuple[SingleChange, ...]
    distance: float
    minimised: Minimise
    steps: int
    cases: tuple[RankingChange, ...] = ()

    @property
    def feasible(self) -> bool:
        """Whether all constraints are satisfied."""
        return all(c.satisfied for c in self.constraints)

    def to_frame(self) -> pd.DataFrame:
        """The patch: parameter, state, before, after, moved, standard_deviations, grade; the farthest moved first."""
        import pandas as pd

        rows = [
            (c.id, c.state, c.before, c.after, c.moved, c.deviations, c.grade) for c in self.patch
        ]
        return pd.DataFrame(
            rows,
            columns=[
                "parameter",
                "state",
                "before",
                "after",
                "moved",
                "standard_deviations",
                "grade",
            ],
        )

    def single_frame(self) -> pd.DataFrame:
        """Numbers that alone would do: parameter, state, before, after, moved, standard_deviations, inside (its interval), grade."""
        import pandas as pd

        rows = [
            (
                s.number.id,
                s.number.state,
                s.before,
                s.after,
                s.moved,
                s.deviations,
                s.inside,
                s.grade,
            )
            for s in self.single
        ]
        return pd.DataFrame(
            rows,
            columns=[
                "parameter",
                "state",
                "before",
                "after",
                "moved",
                "standard_deviations",
                "inside",
                "grade",
            ],
        )

    def __str__(self) -> str:
        lines = [
            f"{'met' if c.satisfied else 'NOT MET, the nearest that was reached'}: {c.text}: {c.before:.6g} -> {c.after:.6g}"
            for c in self.constraints
        ]
        unit = "standard deviations" if self.minimised == "standard_deviations" else "log odds"
        if self.patch:
            lines += [
                "",
                f"Patch: {len(self.patch)} numbers, {self.distance:.3g} {unit} in all",
                _text(self.to_frame()),
            ]
        elif self.feasible:
            lines += ["", "Nothing has to change."]
        if self.single:
            lines += [
                "",
                f"One number alone would do ({len(self.single)} ways):",
                _text(self.single_frame()),
            ]
        elif not all(c.before == c.after and c.satisfied for c in self.constraints):
            lines += ["", "No number alone would do."]
        reordered = [c for c in self.cases if c.reordered]
        if self.cases:
            lines += [
                "",
                f"Cases whose first three causes change: {len(reordered)} of {len(self.cases)}",
            ]
            lines += [
                f"  {c.case}: {c.before[0][0]} -> {c.after[0][0]}; P({c.largest[0]}) by {c.largest[1]:+.3g}"
                for c in reordered[:15]
            ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return text_in_notebook(str(self))


def _text(frame: pd.DataFrame) -> str:
    frame = frame.fillna({"state": ""}).head(20)
    return frame.to_string(index=False, float_format=lambda v: f"{v:.4g}")


@dataclass(frozen=True, eq=False)
class _Line:
    """One probability P(event | given) and, along each number, the lines of P(event, given) and P(given) over P(given) now."""

    p: float
    numerator: dict[Number, float]
    denominator: dict[Number, float]


@dataclass(frozen=True, eq=False)
class _Asked:
    """A constraint against the network."""

    constraint: Constraint
    queries: tuple[Resolved, ...]

    def scaled(self, values: Sequence[float]) -> tuple[float, Array]:
        """How far the constraint is from its bound, on a scale that is nearly linear in log odds, and its derivatives by the queries.

        0 at the bound; the sign is that of what is asked less what is wanted.
        """
        c = self.constraint
        p = [min(max(v, 1e-300), 1.0) for v in values]
        if c.form == "ratio":
            target = math.log(max(c.value, 1e-12))
            return math.log(p[0]) - math.log(p[1]) - target, np.array([1.0 / p[0], -1.0 / p[1]])
        if c.form == "difference":
            return p[0] - p[1] - c.value, np.array([1.0, -1.0])
        inner = min(max(p[0], 1e-15), 1.0 - 1e-15)
        wanted = min(max(c.value, 1e-12), 1.0 - 1e-12)
        return (
            math.log(inner) - math.log1p(-inner) - math.log(wanted) + math.log1p(-wanted),
            np.array([1.0 / (inner * (1.0 - inner))]),
        )

    def number(self, values: Sequence[float]) -> float:
        """What the constraint speaks of: a probability, a ratio or a difference."""
        if self.constraint.form == "value":
            return values[0]
        if self.constraint.form == "difference":
            return values[0] - values[1]
        return values[0] / values[1] if values[1] > 0.0 else math.inf

    def holds(self, values: Sequence[float], tolerance: float = CLOSE) -> bool:
        if not all(math.isfinite(v) for v in values):
            return False
        gap = self.scaled(values)[0]
        relation = self.constraint.relation
        return (
            abs(gap) <= tolerance
            if relation == "=="
            else gap >= -tolerance
            if relation == ">="
            else gap <= tolerance
        )


def tune_network(
    network: Network,
    setting: str | None,
    constraints: Sequence[Constraint],
    *,
    vary: str | Sequence[str] | None = None,
    minimise: Minimise = "standard_deviations",
    most: int | None = None,
    reason: str | None = None,
    resources: Resources | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> Tuning:
    """As `evaluate.tuned.tune`, of a network in a setting. on_progress: called with how many steps were taken, of `MOST_STEPS`."""
    if minimise not in MINIMISE:
        raise UnknownNameError(str(minimise), kind="minimise", allowed=MINIMISE)
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
        raise SpinelinkError(
            f"most is how many numbers may change, 1 or more, or None for any; not {most!r}."
        )
    problem = _Problem(network, setting, constraints, vary, minimise, resources)
    single = problem.single()
    theta, steps = problem.solve(on_progress, single)
    while most is not None and len(moving := problem.moving(theta)) > most:
        # Half of the numbers that move least are held at a time, so that what they did is taken over by the right ones.
        problem = _Problem(
            network,
            setting,
            constraints,
            moving[: max(most, len(moving) // 2)],
            minimise,
            problem.resources,
        )
        theta, more = problem.solve(on_progress)
        steps += more
    return problem.result(theta, single, steps, reason)


class _Problem:
    def __init__(
        self,
        network: Network,
        setting: str | None,
        constraints: Sequence[Constraint],
        vary: str | Sequence[str] | None,
        minimise: Minimise,
        resources: Resources | None,
    ) -> None:
        self.network, self.setting, self.minimise = network, setting, minimise
        self.resources = resources or Resources()
        self.asked = _resolved(network, constraints)
        overrides = network.settings[setting].overrides if setting is not None else {}
        self.parameters = parameters_in(network, setting)
        self.keys: dict[str, Key] = {
            name: (setting if name in overrides else None, name) for name in self.parameters
        }
        self.vary = self._varied(vary)
        by_key = {self.keys[n]: self.parameters[n] for n in self.vary}
        self.places = placed(by_key, by_key)
        self.of = {place.key: self.parameters[place.key[1]] for place in self.places}
        # Every number as a plain estimate, so that a number written as counts can move.
        self.network = with_numbers(
            network, {p.key: self._plain(self.of[p.key]) for p in self.places}
        )
        self.start = np.concatenate([coordinates(p, self.of[p.key]) for p in self.places])
        self.precisions = [
            precision(p, self.of[p.key]) if minimise == "standard_deviations" else np.eye(p.size)
            for p in self.places
        ]

    @staticmethod
    def _plain(p: Parameter) -> Parameter:
        return p.model_copy(update={"estimate": p.value})

    def _varied(self, vary: str | Sequence[str] | None) -> list[str]:
        """Ids of the numbers that may move: those named, or of nodes named, that any constraint depends on at all."""
        names = (
            None if vary is None else {vary} if isinstance(vary, str) else {str(v) for v in vary}
        )
        if names is not None:
            known = {*self.parameters, *self.network.nodes}
            for name in sorted(names - known):
                raise UnknownNameError(
                    name,
                    kind="parameter or node",
                    allowed=known,
                    where=f"network {self.network.name!r}",
                )
        compiled = self._compiled(self.network)
        asked = [
            compiled.index[n]
            for a in self.asked
            for q in a.queries
            for n, _ in (*q.event, *q.given)
        ]
        relevant = {compiled.names[i] for i in compiled.ancestors(asked)}
        chosen = [
            n
            for n in self.parameters
            if owner(n) in relevant and (names is None or {n, owner(n)} & names)
        ]
        if not chosen:
            raise SpinelinkError("none of the numbers that may vary has a bearing on what is asked")
        return chosen

    def _compiled(self, network: Network) -> CompiledNetwork:
        values = point_values(network, parameters_in(network, self.setting))
        return compile_network(network, values, resources=self.resources)

    def at(self, theta: Array) -> Network:
        changed = {
            p.key: moved(theta, p, self.of[p.key])
            for p in self.places
            if not np.array_equal(theta[p.where], self.start[p.where])
        }
        return with_numbers(self.network, changed) if changed else self.network

    def look(self, theta: Array, *, slopes: bool = True) -> tuple[list[list[float]], Array]:
        """The probabilities of each constraint, and the Jacobian of `scaled` by the coordinates, (constraints, coordinates)."""
        network = self.at(theta)
        parameters = parameters_in(network, self.setting)
        values = point_values(network, parameters)
        compiled = compile_network(network, values, resources=self.resources)
        answers: list[list[float]] = []
        jacobian = np.zeros((len(self.asked), len(theta)))
        for row, each in enumerate(self.asked):
            if not slopes:
                answers.append([_probability(network, compiled, q) for q in each.queries])
                continue
            found = [_answered(network, compiled, q) for q in each.queries]
            answers.append([float(f.posteriors[0]) for f in found])
            by_query = each.scaled(answers[-1])[1]
            for weight, f in zip(by_query, found, strict=True):
                of = parameter_slopes(network, compiled, values=values, entries=f.factors)
                for place in self.places:
                    name = place.key[1]
                    slope = slopes_by_coordinates(
                        network, place, self.of[place.key], values[name], of[name][..., 1:]
                    )
                    jacobian[row, place.where] += weight * slope[:, 0]
        return answers, jacobian

    # -- several numbers together

    def solve(
        self, on_progress: Callable[[int], object] | None, single: Sequence[SingleChange] = ()
    ) -> tuple[Array, int]:
        """The shortest change found that satisfies all constraints, else the one that comes nearest; and how many steps it took.

        Far from the start the way may end in a longer valley: then it is tried from the best of the numbers that would do alone, too.
        """
        best, steps = self._descend(self.start, on_progress)
        if best is None or self._distance(best) > SHORT:
            for each in single[:1]:
                other, more = self._descend(self._with_single(each), None)
                steps += more
                if other is not None and (
                    best is None or self._distance(other) < self._distance(best)
                ):
                    best = other
        if best is not None:
            return best, steps
        nearest = self._nearest(self.start)
        if self._violation(self.look(nearest, slopes=False)[0]) > CLOSE:
            return nearest, steps
        again, more = self._descend(nearest, None)  # it can be met: shorten the way
        return (nearest if again is None else again), steps + more

    def _with_single(self, change: SingleChange) -> Array:
        """The coordinates at which one number alone does."""
        theta = self.start.copy()
        for place in self.places:
            if place.key[1] != change.number.id:
                continue
            p = self.of[place.key]
            if isinstance(p, Distribution):
                states = list(p.estimate)
                now = np.array([p.estimate[s] for s in states])
                at = states.index(str(change.number.state))
                after = np.clip(now + covariation(now, at) * (change.after - now[at]), 1e-9, 1.0)
                p = p.model_copy(
                    update={"estimate": dict(zip(states, after.tolist(), strict=True))}
                )
            else:
                after_one = (
                    change.after
                    if isinstance(p, Ratio)
                    else min(max(change.after, 1e-8), 1.0 - 1e-8)
                )
                p = p.model_copy(update={"estimate": after_one})
            theta[place.where] = np.clip(coordinates(place, p), -FAR, FAR)
        return theta

    def _descend(
        self, theta: Array, on_progress: Callable[[int], object] | None
    ) -> tuple[Array | None, int]:
        """Sequential least distance programming with a line search on an exact penalty; None where it does not arrive."""
        theta = theta.copy()
        answers, jacobian = self.look(theta)
        weight = 1.0
        for step in range(MOST_STEPS):
            if on_progress is not None:
                on_progress(step)
            found = self._shortest(theta, answers, jacobian)
            if found is None:
                return None, step
            move = found[0] - theta
            longest = float(np.abs(move).max(initial=0.0))
            if longest < SETTLED and self._violation(answers) < CLOSE:
                return theta, step
            weight = max(
                weight, 1.5 * found[1]
            )  # beyond the largest multiplier the penalty is exact
            merit = self._merit(theta, answers, weight)
            scale = min(1.0, LONGEST / longest) if longest > 0.0 else 1.0
            while True:
                trial = np.clip(
                    theta + scale * move, np.minimum(self.start, -FAR), np.maximum(self.start, FAR)
                )
                there = self.look(trial, slopes=False)[0]
                if self._merit(trial, there, weight) < merit or scale < 1e-4:
                    break
                scale /= 2.0
            if scale < 1e-4:
                return (
                    theta if self._violation(answers) < CLOSE else None
                ), step  # no step is shorter or nearer
            theta = trial
            answers, jacobian = self.look(theta)
        return (theta if self._violation(answers) < CLOSE else None), MOST_STEPS

    def _gaps(self, answers: Sequence[Sequence[float]]) -> Array:
        return np.array([a.scaled(v)[0] for a, v in zip(self.asked, answers, strict=True)])

    def _residuals(self, answers: Sequence[Sequence[float]]) -> tuple[Array, Array]:
        """How much each constraint is violated, and the sign of its derivative there (0 where it holds)."""
        gaps = self._gaps(answers)
        keep = np.array(
            [
                1.0
                if a.constraint.relation == "=="
                or ((a.constraint.relation == ">=") == (g < 0.0) and g != 0.0)
                else 0.0
                for a, g in zip(self.asked, gaps, strict=True)
            ]
        )
        return gaps * keep, keep

    def _violation(self, answers: Sequence[Sequence[float]]) -> float:
        return float(np.abs(self._residuals(answers)[0]).max(initial=0.0))

    def _distance(self, theta: Array) -> float:
        """Length of the change, in what is minimised."""
        total = 0.0
        for place, metric in zip(self.places, self.precisions, strict=True):
            d = theta[place.where] - self.start[place.where]
            total += float(d @ metric @ d)
        return math.sqrt(max(total, 0.0))

    def _merit(self, theta: Array, answers: Sequence[Sequence[float]], weight: float) -> float:
        return 0.5 * self._distance(theta) ** 2 + weight * float(
            np.abs(self._residuals(answers)[0]).sum()
        )

    def _shortest(
        self, theta: Array, answers: Sequence[Sequence[float]], jacobian: Array
    ) -> tuple[Array, float] | None:
        """The nearest point to the start at which the constraints, as lines about theta, hold, and the largest multiplier; None where there is none."""
        from scipy.optimize import nnls

        gaps = self._gaps(answers)
        inverse = [
            np.linalg.inv(np.linalg.cholesky(m)) for m in self.precisions
        ]  # of L, where the metric is L L'
        white = np.empty_like(jacobian)
        for place, l_inverse in zip(self.places, inverse, strict=True):
            white[:, place.where] = jacobian[:, place.where] @ l_inverse.T
        bounds = jacobian @ (theta - self.start) - gaps
        rows, rights = [], []
        for k, a in enumerate(self.asked):
            if a.constraint.relation in (">=", "=="):
                rows.append(white[k])
                rights.append(bounds[k])
            if a.constraint.relation in ("<=", "=="):
                rows.append(-white[k])
                rights.append(-bounds[k])
        g, h = np.array(rows), np.array(rights)
        # Least distance programming: min |z| with g z >= h, by non-negative least squares. Only the span of g matters.
        basis, r = np.linalg.qr(g.T)  # (coordinates, k), (k, constraints)
        e = np.vstack([r, h])
        f = np.zeros(len(e))
        f[-1] = 1.0
        u, _ = nnls(e, f, maxiter=100 * len(f))
        residual = e @ u - f
        if abs(residual[-1]) < 1e-12:
            return None
        z = basis @ (-residual[:-1] / residual[-1])
        if (g @ z < h - 1e-6 * (1.0 + np.abs(h))).any():
            return None
        found = self.start.copy()
        for place, l_inverse in zip(self.places, inverse, strict=True):
            found[place.where] += l_inverse.T @ z[place.where]
        return found, float(np.abs(u / residual[-1]).max(initial=0.0))

    def _nearest(self, theta: Array) -> Array:
        """Where the violations are smallest: what can be reached of constraints that cannot all be met."""
        from scipy.optimize import least_squares

        memory: dict[bytes, tuple[list[list[float]], Array]] = {}

        def looked(x: Array) -> tuple[list[list[float]], Array]:
            key = x.tobytes()
            if key not in memory:
                memory.clear()
                memory[key] = self.look(x)
            return memory[key]

        def residuals(x: Array) -> Array:
            return self._residuals(looked(x)[0])[0]

        def jacobian(x: Array) -> Array:
            answers, slopes = looked(x)
            return np.asarray(slopes * self._residuals(answers)[1][:, np.newaxis])

        low, high = np.minimum(self.start, -FAR) - 1e-6, np.maximum(self.start, FAR) + 1e-6
        best = least_squares(
            residuals,
            np.clip(self.start, low + 1e-9, high - 1e-9),
            jac=jacobian,
            bounds=(low, high),
            max_nfev=2 * MOST_STEPS,
            xtol=1e-12,
            ftol=1e-12,
        )
        return (
            np.asarray(best.x)
            if self._violation(looked(best.x)[0]) <= self._violation(looked(theta)[0])
            else theta
        )

    # -- one number alone

    def single(self) -> tuple[SingleChange, ...]:
        """Every number that alone satisfies all constraints, the smallest change first; none where they hold already."""
        compiled = self._compiled(self.network)
        parameters = parameters_in(self.network, self.setting)
        values = point_values(self.network, parameters)
        lines = [
            [_line(self.network, parameters, values, compiled, q, self.vary) for q in a.queries]
            for a in self.asked
        ]
        if all(a.holds([q.p for q in each]) for a, each in zip(self.asked, lines, strict=True)):
            return ()
        bent = nonlinear_nodes(self.network, compiled)
        found: list[SingleChange] = []
        curved: list[tuple[Number, float]] = []
        for number in numbers_of(self.network, parameters, ids=self.vary):
            p = parameters[number.id]
            t0 = float(p.estimate[str(number.state)] if isinstance(p, Distribution) else p.value)
            low, high = admissible_range(p)
            steps = sorted(
                (
                    s
                    for a, each in zip(self.asked, lines, strict=True)
                    for s in _roots(a, each, number)
                ),
                key=abs,
            )
            inside = [s for s in steps if low - 1e-12 <= t0 + s <= high + 1e-12]
            if owner(number.id) in bent:
                curved += [(number, min(max(t0 + s, low + 1e-9), high - 1e-9)) for s in inside[:2]]
                continue
            for s in inside:
                if all(
                    a.holds([_along(q, number, s) for q in each])
                    for a, each in zip(self.asked, lines, strict=True)
                ):
                    found.append(self._single(number, p, t0, min(max(t0 + s, low), high)))
                    break
        found += self._curved(compiled, values, parameters, curved)
        return tuple(
            sorted(
                found,
                key=lambda c: (
                    abs(c.deviations if self.minimise == "standard_deviations" else c.moved),
                    str(c.number),
                ),
            )
        )

    def _curved(
        self,
        compiled: CompiledNetwork,
        values: Mapping[str, Array],
        parameters: Mapping[str, Parameter],
        candidates: Sequence[tuple[Number, float]],
    ) -> list[SingleChange]:
        """Along curved numbers: secants from the estimate through the tangent's solution, on the constraint that is farthest off, all side by side."""
        found: dict[Number, SingleChange] = {}
        base = [[_probability(self.network, compiled, q) for q in a.queries] for a in self.asked]
        gaps0 = self._gaps(base)
        open_ = [(n, t, float(_estimate(parameters[n.id], n)), gaps0) for n, t in candidates]
        for _ in range(SECANTS):
            if not open_:
                break
            answers = self._many(compiled, values, [{n: t} for n, t, _, _ in open_])
            still = []
            for k, (n, t, before, gaps_before) in enumerate(open_):
                here = [[float(q[k]) for q in each] for each in answers]
                t0 = float(_estimate(parameters[n.id], n))
                if all(a.holds(v, 1e-9) for a, v in zip(self.asked, here, strict=True)):
                    gaps = np.abs(self._gaps(here))
                    if gaps.min() < 1e-9:
                        change = self._single(n, parameters[n.id], t0, t)
                        if n not in found or abs(change.moved) < abs(found[n].moved):
                            found[n] = change
                        continue
                if not np.isfinite(np.array([v for each in here for v in each])).all():
                    continue
                gaps = self._gaps(here)
                violated = np.abs(self._residuals(here)[0])
                worst = int(np.argmax(violated)) if violated.any() else int(np.argmin(np.abs(gaps)))
                slope = gaps[worst] - gaps_before[worst]
                after = t - (t - before) * gaps[worst] / slope if slope != 0.0 else math.nan
                low, high = admissible_range(parameters[n.id])
                if low < after < high:
                    still.append((n, after, t, gaps))
            open_ = still
        return list(found.values())

    def _many(
        self,
        compiled: CompiledNetwork,
        values: Mapping[str, Array],
        settings: Sequence[Mapping[Number, float]],
    ) -> list[list[Array]]:
        """The probabilities of every constraint's queries under many settings, side by side, (settings,) each."""
        found = []
        for a in self.asked:
            each = []
            for q in a.queries:
                given = Evidence(dict(q.given))
                both = Evidence({**dict(q.given), **_event_findings(self.network, q)})
                logs = [
                    marginals_under(
                        self.network,
                        compiled,
                        values=values,
                        observed=observed_from(compiled, e),
                        nodes=[],
                        assignments=settings,
                    ).log_evidence
                    for e in (both, given)
                ]
                with np.errstate(invalid="ignore"):
                    each.append(np.exp(logs[0] - logs[1]))
            found.append(each)
        return found

    def _single(self, number: Number, p: Parameter, before: float, after: float) -> SingleChange:
        moved_by = (
            math.log(after / before) if isinstance(p, Ratio) else _logit(after) - _logit(before)
        )
        deviation = (
            log_deviation(p)
            if isinstance(p, Ratio)
            else 1.0 / math.sqrt(max(spread_weight(p) * before * (1.0 - before), 1e-300))
        )
        low, high = stated_interval(p, number.state)
        return SingleChange(
            number, before, after, moved_by, moved_by / deviation, low <= after <= high, p.grade
        )

    # -- the answer

    def moving(self, theta: Array) -> list[str]:
        """Ids of the numbers that move, the farthest (in what is minimised) first."""
        far: dict[str, float] = {}
        for place, metric in zip(self.places, self.precisions, strict=True):
            d = theta[place.where] - self.start[place.where]
            if np.abs(d).max() > LEAST:
                far[place.key[1]] = float(d @ metric @ d)
        return sorted(far, key=lambda n: (-far[n], n))

    def result(
        self, theta: Array, single: tuple[SingleChange, ...], steps: int, reason: str | None
    ) -> Tuning:
        why = (
            reason
            if reason is not None
            else "Tuned so that " + "; ".join(str(a.constraint) for a in self.asked) + "."
        )
        changed: dict[Key, Parameter] = {}
        for place in self.places:
            if np.abs(theta[place.where] - self.start[place.where]).max() > LEAST:
                old = self.of[place.key]
                changed[place.key] = written(
                    old, moved(theta, place, old), digits=DIGITS, reason=why
                )
        network = with_numbers(_original(self.network, self.of), changed)
        before = self.look(self.start, slopes=False)[0]
        after = _looked(network, self.setting, self.asked, self.resources)
        rounding = 10.0 ** (1 - DIGITS) * 20.0  # what writing so many digits may cost, in log odds
        met = tuple(
            Met(str(a.constraint), a.number(u), a.number(v), a.holds(v, max(CLOSE, rounding)))
            for a, u, v in zip(self.asked, before, after, strict=True)
        )
        patch = [
            change
            for place in self.places
            if place.key in changed
            for change in _changes(place, self.of[place.key], changed[place.key])
        ]
        patch.sort(key=lambda c: (-abs(c.deviations), c.id, c.state or ""))
        return Tuning(
            network,
            met,
            tuple(patch),
            single,
            self._distance(theta) if patch else 0.0,
            self.minimise,
            steps,
        )


def _original(network: Network, of: Mapping[Key, Parameter]) -> Network:
    """The network with its numbers as they were written."""
    return with_numbers(network, of)


def _looked(
    network: Network,
    setting: str | None,
    asked: Sequence[_Asked],
    resources: Resources,
) -> list[list[float]]:
    compiled = compile_network(
        network, point_values(network, parameters_in(network, setting)), resources=resources
    )
    return [[_probability(network, compiled, q) for q in a.queries] for a in asked]


def _resolved(network: Network, constraints: Sequence[Constraint]) -> tuple[_Asked, ...]:
    if isinstance(constraints, Constraint):
        constraints = [constraints]
    if (
        isinstance(constraints, str)
        or not isinstance(constraints, Iterable)
        or not all(isinstance(c, Constraint) for c in constraints)
    ):
        raise SpinelinkError("constraints are a list of sl.constraint('P(...) >= ...')")
    if not constraints:
        raise SpinelinkError("there is no constraint to tune to")
    return tuple(
        _Asked(
            c,
            tuple(resolve(network, q, given=c.given) for q in (c.first, c.second) if q is not None),
        )
        for c in constraints
    )


def _event_weights(compiled: CompiledNetwork, query: Resolved) -> dict[int, Array]:
    """Likelihoods of 0 and 1, column 0 all ones, (states, 2); a soft finding about the same node is part of both."""
    soft = dict(query.given)
    found = {}
    for name, states in query.event:
        i = compiled.index[name]
        own = np.array([float(s in states) for s in compiled.states[i]])
        also = soft.get(name)
        base = (
            np.ones(len(own))
            if also is None or isinstance(also, str)
            else np.array([v for _, v in also])
        )
        found[i] = np.stack([base, own * base], axis=1)
    return found


def _answered(network: Network, compiled: CompiledNetwork, query: Resolved) -> Derivatives:
    event = {name for name, _ in query.event}
    observed = observed_from(compiled, Evidence({n: f for n, f in query.given if n not in event}))
    try:
        return conditional_derivatives(compiled, observed, weights=_event_weights(compiled, query))
    except ValueError:
        raise _impossible(network, query) from None


def _probability(network: Network, compiled: CompiledNetwork, query: Resolved) -> float:
    """P(event | given) by the upward pass alone."""
    event = {name for name, _ in query.event}
    observed = observed_from(compiled, Evidence({n: f for n, f in query.given if n not in event}))
    logs = np.broadcast_to(
        log_evidence(compiled, {**observed, **_event_weights(compiled, query)}), (2,)
    )
    if not np.isfinite(logs[0]):
        raise _impossible(network, query)
    return float(np.exp(logs[1] - logs[0]))


def _impossible(network: Network, query: Resolved) -> SpinelinkError:
    return SpinelinkError(
        f"what is given cannot occur in network {network.name!r}: {', '.join(n for n, _ in query.given)}"
    )


def _event_findings(
    network: Network, query: Resolved
) -> dict[str, tuple[tuple[str, float], ...] | str]:
    """The event as findings, over the soft findings that are given about the same nodes."""
    soft = dict(query.given)
    found: dict[str, tuple[tuple[str, float], ...] | str] = {}
    for name, states in query.event:
        given = soft.get(name)
        before = (
            dict.fromkeys(network.nodes[name].states, 1.0)
            if given is None or isinstance(given, str)
            else dict(given)
        )
        found[name] = tuple((s, v * (s in states)) for s, v in before.items())
    return found


def _line(
    network: Network,
    parameters: Mapping[str, Parameter],
    values: Mapping[str, Array],
    compiled: CompiledNetwork,
    query: Resolved,
    vary: Sequence[str],
) -> _Line:
    found = _answered(network, compiled, query)
    slopes = parameter_slopes(network, compiled, values=values, entries=found.factors)
    p = float(found.posteriors[0])
    numerator, denominator = {}, {}
    for number in numbers_of(network, parameters, ids=vary):
        slope = slopes[number.id]
        if number.state is not None:
            states = network.nodes[owner(number.id)].states
            slope = covariation(values[number.id][:, 0], states.index(number.state)) @ slope
        denominator[number] = float(slope[0])
        numerator[number] = float(slope[1]) + p * float(slope[0])
    return _Line(p, numerator, denominator)


def _along(line: _Line, number: Number, step: float) -> float:
    below = 1.0 + line.denominator[number] * step
    return (line.p + line.numerator[number] * step) / below if below > 1e-12 else math.nan


def _roots(asked: _Asked, lines: Sequence[_Line], number: Number) -> list[float]:
    """Steps from the estimate at which the constraint is at its bound, from the polynomials of its lines."""
    from numpy.polynomial import Polynomial as P

    above = [P([q.p, q.numerator[number]]) for q in lines]
    below = [P([1.0, q.denominator[number]]) for q in lines]
    c = asked.constraint.value
    if asked.constraint.form == "value":
        whole = above[0] - c * below[0]
    elif asked.constraint.form == "ratio":
        whole = above[0] * below[1] - c * above[1] * below[0]
    else:
        whole = above[0] * below[1] - above[1] * below[0] - c * below[0] * below[1]
    whole = whole.trim(1e-14 * max(1e-300, np.abs(whole.coef).max()))
    if whole.degree() < 1:
        return []
    roots = np.atleast_1d(whole.roots())
    return [
        float(r.real) for r in roots if abs(r.imag) < 1e-9 * (1.0 + abs(r.real)) and r.real != 0.0
    ]


def _estimate(p: Parameter, number: Number) -> float:
    return float(p.estimate[str(number.state)] if isinstance(p, Distribution) else p.value)


def _logit(x: float) -> float:
    return (math.log(x) if x > 0.0 else -math.inf) - (math.log1p(-x) if x < 1.0 else -math.inf)


def _changes(place: Place, old: Parameter, new: Parameter) -> list[Change]:
    """One for a number, one for each state of a distribution."""
    name = place.key[1]
    if isinstance(old, Ratio):
        assert isinstance(new, Ratio)
        by = math.log(new.value / old.value)
        return [Change(name, None, old.value, new.value, by, by / log_deviation(old), old.grade)]
    if isinstance(old, Distribution):
        assert isinstance(new, Distribution)
        pairs: list[tuple[str | None, float, float]] = [
            (s, old.estimate[s], new.estimate[s]) for s in place.states
        ]
    else:
        assert not isinstance(new, Distribution)
        pairs = [(None, old.value, new.value)]
    weight = spread_weight(old)
    return [
        Change(
            name,
            s,
            a,
            b,
            by := _logit(b) - _logit(a),
            by * math.sqrt(weight * a * (1.0 - a)),
            old.grade,
        )
        for s, a, b in pairs
    ]
