"""The shortest change of many parameters together that satisfies all constraints.

The constraints are linearised again and again, with exact derivatives; each time the nearest point
to the start is found by least distance programming (Lawson and Hanson 1974, chapter 23). A line
search on an exact penalty keeps the steps safe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.tune.constraints import CLOSE
from spinelink.adjust.tune.problem import Answers, Problem
from spinelink.adjust.tune.result import SingleChange
from spinelink.inference.gradient.linear_fractional import covariation
from spinelink.network.coordinates import coordinates
from spinelink.network.parameter import Distribution, Parameter, Ratio

Array = NDArray[np.float64]
OnProgress = Callable[[int], object] | None

MOST_STEPS = 60
PATIENCE = 6
"""Times as many steps are taken while the constraints are not met yet: they can lie far away."""
SHORT = 0.5
"""A change so short is not searched for again from elsewhere."""
FAR = 18.0
"""Coordinates stay so near 0: probabilities from 1.5e-8."""
LONGEST = 2.0
"""The longest step, in log odds."""
SETTLED = 1e-5
"""A step so short, in log odds, ends the search: the length changes by its square."""
SMALLEST_SCALE = 1e-4
"""The line search gives up where the step would be scaled below this."""


def shortest_change(
    problem: Problem, single: Sequence[SingleChange] = (), *, on_progress: OnProgress = None
) -> tuple[Array, int]:
    """The shortest change found that satisfies all constraints, else the one that comes nearest.

    Far from the start the search may end in a longer valley. Then it is tried again from the best
    of the parameters that would do alone.

    Returns:
        The coordinates, and the number of steps.
    """
    best, steps = _descend(problem, problem.start, on_progress=on_progress)
    if (best is None or problem.distance(best) > SHORT) and single:
        other, more = _descend(problem, _with_single(problem, single[0]))
        steps += more
        if other is not None and (best is None or problem.distance(other) < problem.distance(best)):
            best = other
    if best is not None:
        return best, steps
    nearest = _nearest(problem, problem.start)
    if problem.violation(problem.answers(nearest)) > CLOSE:
        return nearest, steps
    again, more = _descend(problem, nearest)  # the constraints can be met: shorten the change
    return (nearest if again is None else again), steps + more


def _with_single(problem: Problem, change: SingleChange) -> Array:
    """The coordinates at which one parameter alone does."""
    theta = problem.start.copy()
    for block in problem.coordinates.blocks:
        if block.id == change.id:
            parameter = _alone(problem.coordinates.parameters[block.key], change)
            theta[block.slice] = np.clip(coordinates(block, parameter), -FAR, FAR)
    return theta


def _alone(parameter: Parameter, change: SingleChange) -> Parameter:
    if isinstance(parameter, Distribution):
        states = list(parameter.estimate)
        now = np.array([parameter.estimate[s] for s in states])
        k = states.index(str(change.state))
        after = np.clip(now + covariation(now, k) * (change.after - now[k]), 1e-9, 1.0)
        estimate = dict(zip(states, after.tolist(), strict=True))
        return parameter.model_copy(update={"estimate": estimate})
    value = change.after
    if not isinstance(parameter, Ratio):
        value = min(max(value, 1e-8), 1.0 - 1e-8)
    return parameter.model_copy(update={"estimate": value})


def _descend(
    problem: Problem, theta: Array, *, on_progress: OnProgress = None
) -> tuple[Array | None, int]:
    """Sequential least distance programming; None where it does not arrive. Also the steps."""
    theta = theta.copy()
    answers, jacobian = problem.evaluate(theta)
    weight = 1.0
    for step in range(PATIENCE * MOST_STEPS):
        if step >= MOST_STEPS and problem.violation(answers) < CLOSE:
            return theta, step
        if on_progress is not None:
            on_progress(step)
        linear = _least_distance(problem, theta, answers=answers, jacobian=jacobian)
        if linear is None:
            return None, step
        target, multiplier = linear
        move = target - theta
        longest = float(np.abs(move).max(initial=0.0))
        if longest < SETTLED and problem.violation(answers) < CLOSE:
            return theta, step
        weight = max(weight, 1.5 * multiplier)  # beyond the largest one the penalty is exact
        now = _merit(problem, theta, answers=answers, weight=weight)
        trial = _line_search(problem, theta, move=move, now=now, weight=weight)
        if trial is None:  # no step is shorter or nearer
            return (theta if problem.violation(answers) < CLOSE else None), step
        theta = trial
        answers, jacobian = problem.evaluate(theta)
    return (theta if problem.violation(answers) < CLOSE else None), PATIENCE * MOST_STEPS


def _line_search(
    problem: Problem, theta: Array, *, move: Array, now: float, weight: float
) -> Array | None:
    """The first point on the way, halved again and again, with a smaller penalised length."""
    low, high = np.minimum(problem.start, -FAR), np.maximum(problem.start, FAR)
    longest = float(np.abs(move).max(initial=0.0))
    scale = min(1.0, LONGEST / longest) if longest > 0.0 else 1.0
    while True:
        trial = np.clip(theta + scale * move, low, high)
        merit = _merit(problem, trial, answers=problem.answers(trial), weight=weight)
        if merit < now or scale < SMALLEST_SCALE:
            break
        scale /= 2.0
    return trial if scale >= SMALLEST_SCALE else None


def _merit(problem: Problem, theta: Array, *, answers: Answers, weight: float) -> float:
    """Half the squared length, and the weighted violations."""
    violations = float(np.abs(problem.residuals(answers)[0]).sum())
    return 0.5 * problem.distance(theta) ** 2 + weight * violations


def _least_distance(
    problem: Problem, theta: Array, *, answers: Answers, jacobian: Array
) -> tuple[Array, float] | None:
    """The nearest point to the start at which the linearised constraints hold.

    Least distance programming, min |z| with g z >= h, by non-negative least squares.

    Returns:
        The point and the largest multiplier; None where there is no such point.
    """
    from scipy.optimize import nnls

    blocks = problem.coordinates.blocks
    # Whitened coordinates: the metric is L L', and z = L' (theta - start).
    inverses = [np.linalg.inv(np.linalg.cholesky(m)) for m in problem.metrics]
    white = np.empty_like(jacobian)
    for block, inverse in zip(blocks, inverses, strict=True):
        white[:, block.slice] = jacobian[:, block.slice] @ inverse.T
    bounds = jacobian @ (theta - problem.start) - problem.gaps(answers)
    rows, rights = [], []
    for k, constraint in enumerate(problem.constraints):
        relation = constraint.constraint.relation
        if relation in (">=", "=="):
            rows.append(white[k])
            rights.append(bounds[k])
        if relation in ("<=", "=="):
            rows.append(-white[k])
            rights.append(-bounds[k])
    g, h = np.array(rows), np.array(rights)
    basis, r = np.linalg.qr(g.T)  # only the span of g matters: (coordinates, k), (k, constraints)
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
    nearest = problem.start.copy()
    for block, inverse in zip(blocks, inverses, strict=True):
        nearest[block.slice] += inverse.T @ z[block.slice]
    return nearest, float(np.abs(u / residual[-1]).max(initial=0.0))


def _nearest(problem: Problem, theta: Array) -> Array:
    """Where the violations are smallest: what can be reached of constraints that contradict."""
    from scipy.optimize import least_squares

    latest: dict[bytes, tuple[list[list[float]], Array]] = {}

    def evaluation(x: Array) -> tuple[list[list[float]], Array]:
        key = x.tobytes()
        if key not in latest:
            latest.clear()
            latest[key] = problem.evaluate(x)
        return latest[key]

    def residuals(x: Array) -> Array:
        return problem.residuals(evaluation(x)[0])[0]

    def jacobian(x: Array) -> Array:
        answers, slopes = evaluation(x)
        return np.asarray(slopes * problem.residuals(answers)[1][:, np.newaxis])

    start = problem.start
    low, high = np.minimum(start, -FAR) - 1e-6, np.maximum(start, FAR) + 1e-6
    best = least_squares(
        residuals,
        np.clip(start, low + 1e-9, high - 1e-9),
        jac=jacobian,
        bounds=(low, high),
        max_nfev=2 * MOST_STEPS,
        xtol=1e-12,
        ftol=1e-12,
    )
    reached, before = (problem.violation(evaluation(x)[0]) for x in (best.x, theta))
    return np.asarray(best.x) if reached <= before else theta
