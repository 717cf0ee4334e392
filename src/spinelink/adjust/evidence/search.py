"""The most probable parameters and spreads, step by step.

Each step makes the figures linear at the coordinates reached (Gauss-Newton), estimates spreads and
the weights of studies with the parameters integrated out (Laplace), and moves to the most probable
coordinates, less far where that would be worse. There is no randomness in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from spinelink.adjust.evidence.figures import Figures
from spinelink.adjust.evidence.linear import SPREAD_PRIOR, Errors, Linear, Solved, Spreads
from spinelink.adjust.evidence.priors import Priors

Array = NDArray[np.float64]
Ints = NDArray[np.intp]
OnStep = Callable[[int], object] | None

FREEDOM = 4.0
"""Degrees of freedom of Student's t, in which a study may lie far off."""
CLOSE = 0.01
"""A step is the last where no coordinate moves by this share of its standard deviation."""
LONGEST = 2.0
"""A step moves no coordinate farther, in log odds or log ratio."""
GAIN = 0.25
"""The least share of the promised gain with which a step is taken."""
KEPT = 0.9
"""A step that gained this share of what its derivatives promised leaves them for the next one. Any
other is compared with its half."""
WEIGHT_ROUNDS = 4


@dataclass(frozen=True)
class SearchOptions:
    """How figures are fitted.

    freedom: degrees of freedom of a study's errors; infinity: normal. spread_prior: scale of the
    half-normal prior of spreads between studies; None: flat. limit: the most steps. kept: the share
    of its promise that a step must gain for its derivatives to serve again; infinity: never.
    """

    freedom: float = FREEDOM
    spread_prior: float | None = SPREAD_PRIOR
    limit: int = 20
    kept: float = KEPT


@dataclass(frozen=True, eq=False)
class Start:
    """Where a search begins.

    theta: the coordinates. scaled, slopes: what is implied there, (claims,), and its derivatives.
    spreads: between studies, as first tried.
    """

    theta: Array
    scaled: Array
    slopes: Array
    spreads: Spreads


@dataclass(frozen=True, eq=False)
class OverSpreads:
    """Averages over spreads that figures allow.

    covariance: of the coordinates. prior_variance: of the coordinates before any figure.
    effects: variance between studies, (groups,).
    """

    covariance: Array
    prior_variance: Array
    effects: Array


@dataclass(frozen=True, eq=False)
class Reached(Start):
    """Where the search stands.

    spreads, weights: of studies. solved: the linear model there. used: positions of the figures that
    pull. trace: what is minimised, at the start and after each step. over_spreads: averages over the
    spreads; None where these are taken as known.
    """

    weights: Array
    solved: Solved
    used: Ints
    trace: tuple[float, ...]
    complete: bool
    over_spreads: OverSpreads | None = None

    @property
    def covariance(self) -> Array:
        """Of the coordinates, (coordinates, coordinates)."""
        known = self.over_spreads
        return self.solved.covariance if known is None else known.covariance

    @property
    def prior_variance(self) -> Array:
        """Of the coordinates before any figure, (coordinates,)."""
        known = self.over_spreads
        return np.diag(self.solved.prior) if known is None else known.prior_variance

    @property
    def effects(self) -> Array:
        """Variance between studies of each kind and grade, (groups,)."""
        known = self.over_spreads
        return self.spreads.studies**2 if known is None else known.effects


@dataclass(frozen=True, eq=False)
class Search:
    """Figures, priors and options. used: the positions of the figures that pull."""

    figures: Figures
    priors: Priors
    options: SearchOptions
    used: Ints

    @cached_property
    def errors(self) -> Errors:
        """Of the figures that pull."""
        return self.all_errors.part(self.used)

    @property
    def all_errors(self) -> Errors:
        """Of all figures."""
        f = self.figures
        return Errors(f.variance, f.study, f.group, len(f.studies), len(f.groups))

    def at_priors(self) -> Start:
        """The priors, before any figure pulls."""
        theta = self.priors.mean.copy()
        spreads = Spreads.start(len(self.figures.groups), len(self.priors.kinds))
        return Start(theta, self.figures.implied_by(theta), self.figures.slopes_at(theta), spreads)

    def run(self, *, begin: Start | None = None, on_step: OnStep = None) -> Reached:
        """The most probable coordinates; the best so far on Ctrl-C.

        begin: where to begin, in place of the priors. The last step allowed then saves the
        derivatives, and uses those of the step before.
        """
        at = self.at_priors() if begin is None else begin
        theta, scaled, slopes, spreads = at.theta, at.scaled, at.slopes, at.spreads
        now = self._estimated(theta, scaled, slopes, spreads, trace=())
        now = replace(now, trace=(self.minimised(theta, scaled, now.spreads),))
        limit = self.options.limit
        fresh = True
        try:
            for step in range(1, limit + 1):
                moved = self._moved(now)
                if moved is None and fresh:
                    return replace(now, complete=True)
                if moved is None:
                    slopes, fresh = self.figures.slopes_at(now.theta), True
                    now = self._estimated(
                        now.theta, now.scaled, slopes, now.spreads, trace=now.trace
                    )
                    continue
                theta, scaled, value = moved.theta, moved.scaled, moved.minimised
                length = np.abs(theta - now.theta) / np.sqrt(np.diag(now.covariance))
                close = bool(length.max() < CLOSE)
                last = (close and fresh) or (begin is not None and step >= limit)
                fresh = not (last or (moved.kept_promise > self.options.kept and not close))
                slopes = self.figures.slopes_at(theta) if fresh else now.slopes
                now = self._estimated(theta, scaled, slopes, now.spreads, trace=(*now.trace, value))
                if on_step is not None:
                    on_step(step)
                if last:
                    return replace(now, complete=close)
        except KeyboardInterrupt:
            pass
        return now

    def settled(self, about: Start) -> Reached:
        """The most probable coordinates where figures are linear about a start. Nothing is asked."""
        now = self._estimated(about.theta, about.scaled, about.slopes, about.spreads, trace=())
        theta = self.priors.mean + now.solved.move
        return replace(now, theta=theta, scaled=now.scaled + now.slopes @ (theta - now.theta))

    def linear_at(self, theta: Array, scaled: Array, slopes: Array) -> Linear:
        """The figures that pull, as linear about some coordinates."""
        j = slopes[self.used]
        residual = self.figures.published[self.used] - scaled[self.used]
        return Linear(residual + j @ (theta - self.priors.mean), j, self.priors, self.errors)

    def _estimated(
        self,
        theta: Array,
        scaled: Array,
        slopes: Array,
        spreads: Spreads,
        *,
        trace: tuple[float, ...],
    ) -> Reached:
        """Spreads and weights at these coordinates."""
        linear = self.linear_at(theta, scaled, slopes)
        weights = np.ones(len(self.figures.studies))
        rounds = WEIGHT_ROUNDS if np.isfinite(self.options.freedom) else 1
        for _ in range(rounds):
            spreads = _most_probable(linear, spreads, weights, self.options)
            solved = linear.solved(spreads, weights)
            if rounds > 1:
                weights = self._weights(linear, solved, spreads)
        solved = linear.solved(spreads, weights, freedom=self.options.freedom)
        return Reached(
            theta, scaled, slopes, spreads, weights, solved, self.used, trace, complete=False
        )

    def _weights(self, linear: Linear, solved: Solved, spreads: Spreads) -> Array:
        """The weight of each study: less than 1 where its figures lie far off, (studies,)."""
        errors, freedom = linear.errors, self.options.freedom
        residual = linear.residual - linear.slopes @ solved.move
        unweighted = errors.covariance(spreads, np.ones(errors.studies))
        spread_of_fit = solved.covariance_of_fit
        weights = np.ones(errors.studies)
        for study, rows in enumerate(errors.members):
            if len(rows):
                block = np.ix_(rows, rows)
                off = np.outer(residual[rows], residual[rows]) + spread_of_fit[block]
                distance = float(np.trace(np.linalg.solve(unweighted[block], off)))
                weights[study] = (freedom + len(rows)) / (freedom + distance)
        return weights

    def minimised(self, theta: Array, scaled: Array, spreads: Spreads) -> float:
        """Negative log posterior density of the coordinates under some spreads, up to a constant."""
        errors = self.errors
        residual = self.figures.published[self.used] - scaled[self.used]
        covariance = errors.covariance(spreads, np.ones(errors.studies))
        value, freedom = 0.0, self.options.freedom
        for rows in errors.members:
            if len(rows):
                block, r = covariance[np.ix_(rows, rows)], residual[rows]
                distance = float(r @ np.linalg.solve(block, r))
                value += (
                    0.5 * (freedom + len(rows)) * np.log1p(distance / freedom)
                    if np.isfinite(freedom)
                    else 0.5 * distance
                )
        off = theta - self.priors.mean
        factor = cho_factor(self.priors.covariance(spreads.factors), lower=True)
        return float(value + 0.5 * off @ cho_solve(factor, off))

    def _moved(self, now: Reached) -> Moved | None:
        """The next coordinates; None where no step gains.

        A step must gain a share of what its slope promises (Armijo 1966). One that keeps too little of
        its promise is halved as long as that gains more. Otherwise steps that are too long go to and
        fro across the optimum, and each gains next to nothing.
        """
        step = self.priors.mean + now.solved.move - now.theta
        longest = float(np.abs(step).max())
        step = step * min(1.0, LONGEST / longest) if longest > 0.0 else step
        squares = self._squares(now)
        here, promised = squares.at(now.theta, now.scaled), squares.promised(now, step)
        best, most = None, -np.inf
        for _ in range(6):
            theta, expected = now.theta + step, squares.expected(now, step)
            scaled = self.figures.implied_by(theta)
            gained = here - squares.at(theta, scaled)
            if best is not None and gained <= most:
                return best
            if gained >= GAIN * promised - 1e-9 * abs(here):
                kept = gained / max(expected, 1e-300)
                best = Moved(theta, scaled, self.minimised(theta, scaled, now.spreads), kept)
                if kept >= KEPT:
                    return best
                most = gained
            step, promised = step / 2.0, promised / 2.0
        return best

    def _squares(self, now: Reached) -> _Squares:
        return _Squares(
            self.figures.published,
            self.used,
            self.priors.mean,
            cho_factor(now.solved.errors, lower=True),
            cho_factor(now.solved.prior, lower=True),
        )


@dataclass(frozen=True, eq=False)
class Moved:
    """A step taken.

    theta, scaled: the coordinates, and what is implied there. minimised: there. kept_promise: what
    the step gained, over what the linear model expected.
    """

    theta: Array
    scaled: Array
    minimised: float
    kept_promise: float


@dataclass(frozen=True, eq=False)
class _Squares:
    """What a step makes smaller: squares of figures and priors, under spreads and weights held.

    errors, prior: Cholesky factors of E and S.
    """

    published: Array
    used: Ints
    mean: Array
    errors: tuple[Array, bool]
    prior: tuple[Array, bool]

    def at(self, theta: Array, scaled: Array) -> float:
        """Half the sum of squares."""
        residual, off = (self.published - scaled)[self.used], theta - self.mean
        figures = float(residual @ cho_solve(self.errors, residual))
        return 0.5 * (figures + float(off @ cho_solve(self.prior, off)))

    def promised(self, now: Reached, step: Array) -> float:
        """How much smaller a step would make it, if it fell as steeply all the way."""
        residual = (self.published - now.scaled)[self.used]
        figures = float(residual @ cho_solve(self.errors, now.slopes[self.used] @ step))
        return figures - float((now.theta - self.mean) @ cho_solve(self.prior, step))

    def expected(self, now: Reached, step: Array) -> float:
        """How much smaller a step would make it, if what is implied were linear."""
        linear = now.scaled + now.slopes @ step
        return self.at(now.theta, now.scaled) - self.at(now.theta + step, linear)


def _most_probable(
    linear: Linear, start: Spreads, weights: Array, options: SearchOptions
) -> Spreads:
    """The most probable spreads, with the parameters integrated out."""
    groups = len(start.studies)

    def off(vector: Array) -> tuple[float, Array]:
        value, slopes = linear.evidence(
            Spreads.from_vector(vector, groups), weights, spread_prior=options.spread_prior
        )
        return -value, -slopes

    found = minimize(
        off,
        start.vector(),
        jac=True,
        bounds=start.bounds(),
        method="L-BFGS-B",
        options={"maxiter": 40, "ftol": 1e-13, "gtol": 1e-8},
    )
    return Spreads.from_vector(np.asarray(found.x), groups)
