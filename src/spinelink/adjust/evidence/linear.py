"""Figures as linear in the parameters: spreads between studies with the parameters integrated out.

    figure = implied(parameters) + study effect + sampling error

About some coordinates, implied is linear. Then the figures are normal with covariance

    K = J S J' + E

with S of the priors and E of study effects and sampling errors. Effects of one study's figures of one
kind share part of their variance. A study may contradict all others: its errors are scaled as in
Student's t (Lange, Little and Taylor 1989), by a weight for each study. With the parameters integrated
out, spreads are estimated as in restricted maximum likelihood (Harville 1977).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from spinelink.adjust.evidence.priors import Priors

Array = NDArray[np.float64]
Ints = NDArray[np.intp]

SPREAD_PRIOR = 0.4
"""Scale of the half-normal prior of a standard deviation between studies, in log odds or log ratio."""
FACTOR_PRIOR = 0.5
"""Standard deviation of the logarithm of a factor on the priors' own spreads."""
SPREAD_BOUNDS = (1e-3, 3.0)
FACTOR_BOUNDS = (0.3, 4.0)


@dataclass(frozen=True, eq=False)
class Spreads:
    """What is estimated beside the parameters.

    studies: standard deviation between studies of each kind and grade, (groups,). shared: fraction
    of its variance that figures of one study and kind share. factors: what the priors' own spreads
    are multiplied by, (kinds,).
    """

    studies: Array
    shared: float
    factors: Array

    def vector(self) -> Array:
        """All on scales without bounds: logarithms, and the log odds of `shared`."""
        shared = np.log(self.shared) - np.log1p(-self.shared)
        return np.concatenate([np.log(self.studies), [shared], np.log(self.factors)])

    @classmethod
    def from_vector(cls, vector: Array, groups: int) -> Spreads:
        """The inverse of `vector`."""
        shared = float(1.0 / (1.0 + np.exp(-vector[groups])))
        return cls(np.exp(vector[:groups]), shared, np.exp(vector[groups + 1 :]))

    @classmethod
    def start(cls, groups: int, kinds: int) -> Spreads:
        """Where the search begins."""
        return cls(np.full(groups, 0.4), 0.5, np.ones(kinds))

    def bounds(self) -> list[tuple[float, float]]:
        """Bounds of `vector`."""
        study, factor = ((np.log(a), np.log(b)) for a, b in (SPREAD_BOUNDS, FACTOR_BOUNDS))
        return [study] * len(self.studies) + [(-4.0, 4.0)] + [factor] * len(self.factors)

    def log_prior(self, scale: float | None) -> tuple[float, Array]:
        """Log density, and its derivatives by `vector`. scale: of the half-normal; flat where None.

        The density is that of the logarithm of a spread. So a spread of 0, which a few figures
        would often give, is no mode (Chung et al. 2013).
        """
        slopes = np.zeros(len(self.studies) + 1 + len(self.factors))
        if scale is None:
            return 0.0, slopes
        squares = (self.studies / scale) ** 2
        logs = np.log(self.factors)
        groups = len(self.studies)
        slopes[:groups] = 1.0 - squares
        slopes[groups] = 1.0 - 2.0 * self.shared  # Beta(2, 2), as a density of the fraction
        slopes[groups + 1 :] = -logs / FACTOR_PRIOR**2
        value = (
            (np.log(self.studies) - 0.5 * squares).sum()
            + np.log(self.shared)
            + np.log1p(-self.shared)
        )
        return float(value - 0.5 * (logs**2).sum() / FACTOR_PRIOR**2), slopes


@dataclass(frozen=True, eq=False)
class Errors:
    """Sampling errors and study effects of figures.

    variance: of sampling, (figures,). study, group: positions, (figures,). pairs: the figures
    (i, j) of one study and group, i = j included, (2, pairs).
    """

    variance: Array
    study: Ints
    group: Ints
    studies: int
    groups: int

    @cached_property
    def pairs(self) -> tuple[Ints, Ints]:
        """Pairs of figures of one study and group, each with itself included."""
        both = self.study * self.groups + self.group
        first: list[int] = []
        second: list[int] = []
        for key in np.unique(both):
            members = np.flatnonzero(both == key).tolist()
            first += [i for i in members for _ in members]
            second += members * len(members)
        return np.array(first, dtype=np.intp), np.array(second, dtype=np.intp)

    @cached_property
    def members(self) -> list[Ints]:
        """The figures of each study."""
        return [np.flatnonzero(self.study == s) for s in range(self.studies)]

    def effects(self, spreads: Spreads) -> Array:
        """Covariance of study effects of each pair, (pairs,)."""
        i, j = self.pairs
        share = np.where(i == j, 1.0, spreads.shared)
        return spreads.studies[self.group[i]] ** 2 * share

    def covariance(self, spreads: Spreads, weights: Array) -> Array:
        """Covariance of all errors, (figures, figures). weights: of the studies, (studies,)."""
        found = np.diag(self.variance / weights[self.study])
        i, j = self.pairs
        np.add.at(found, (i, j), self.effects(spreads) / weights[self.study[i]])
        return found

    def informative(self, freedom: float) -> Array:
        """What share of a normal error's information each figure keeps in Student's t, (figures,).

        Of n figures of a study (freedom + n) / (freedom + n + 2), by Fisher's information of the
        place (Lange, Little and Taylor 1989). Weights alone are 1 on average and promise too much.
        """
        if np.isinf(freedom):
            return np.ones(len(self.variance))
        many = freedom + np.bincount(self.study, minlength=self.studies)[self.study]
        return np.asarray(many / (many + 2.0))

    def part(self, rows: Sequence[int] | Ints) -> Errors:
        """The errors of some of the figures."""
        chosen = np.asarray(rows, dtype=np.intp)
        return Errors(
            self.variance[chosen],
            self.study[chosen],
            self.group[chosen],
            self.studies,
            self.groups,
        )


@dataclass(frozen=True, eq=False)
class Linear:
    """Figures about some coordinates: residual = J (coordinates - prior mean) + errors.

    residual: published, less what is implied at the prior mean by the linear model, (figures,).
    slopes: J, (figures, coordinates).
    """

    residual: Array
    slopes: Array
    priors: Priors
    errors: Errors

    @cached_property
    def varied(self) -> Array:
        """J S J' of each kind of prior with a factor of 1, (kinds, figures, figures)."""
        found = np.zeros((len(self.priors.kinds), len(self.residual), len(self.residual)))
        for k in range(len(found)):
            columns = np.flatnonzero(self.priors.kind == k)
            j = self.slopes[:, columns]
            found[k] = j @ self.priors.own[np.ix_(columns, columns)] @ j.T
        return found

    @cached_property
    def constant(self) -> Array:
        """J S J' of what no factor multiplies, (figures, figures)."""
        columns = np.flatnonzero(self.priors.kind < 0)
        j, by_word = self.slopes[:, columns], self.slopes @ self.priors.shared
        own = self.priors.own[np.ix_(columns, columns)]
        return np.asarray(j @ own @ j.T + by_word @ by_word.T)

    def explained(self, spreads: Spreads) -> Array:
        """J S J', the covariance that the parameters give the figures, (figures, figures)."""
        return np.asarray(self.constant + np.tensordot(spreads.factors**2, self.varied, axes=1))

    def evidence(
        self, spreads: Spreads, weights: Array, *, spread_prior: float | None = SPREAD_PRIOR
    ) -> tuple[float, Array]:
        """Log likelihood of the spreads with their prior, and its derivatives by `Spreads.vector`."""
        solved = self.solved(spreads, weights)
        value = -0.5 * (solved.log_determinant + float(self.residual @ solved.weighted))
        errors, (i, j) = self.errors, self.errors.pairs
        by_entry = np.multiply.outer(solved.weighted, solved.weighted) - solved.inverse
        effects = 0.5 * errors.effects(spreads) * by_entry[i, j] / weights[errors.study[i]]
        slopes = np.zeros(len(spreads.vector()))
        slopes[: errors.groups] = np.bincount(
            errors.group[i], weights=2.0 * effects, minlength=errors.groups
        )
        slopes[errors.groups] = (1.0 - spreads.shared) * effects[i != j].sum()
        for k, factor in enumerate(spreads.factors):
            slopes[errors.groups + 1 + k] = factor**2 * float((by_entry * self.varied[k]).sum())
        prior, by_prior = spreads.log_prior(spread_prior)
        return value + prior, slopes + by_prior

    def solved(self, spreads: Spreads, weights: Array, *, freedom: float = np.inf) -> Solved:
        """The covariance of the figures, inverted. freedom: of Student's t, for `covariance`."""
        errors = self.errors.covariance(spreads, weights)
        factor = cho_factor(self.explained(spreads) + errors, lower=True)
        inverse = cho_solve(factor, np.eye(len(errors)))
        determinant = 2.0 * float(np.log(np.diag(factor[0])).sum())
        weighted = inverse @ self.residual
        return Solved(self, spreads, errors, inverse, weighted, determinant, freedom)


@dataclass(frozen=True, eq=False)
class Solved:
    """K inverted. errors: E. weighted: K^-1 times the residual. freedom: of Student's t."""

    linear: Linear
    spreads: Spreads
    errors: Array
    inverse: Array
    weighted: Array
    log_determinant: float
    freedom: float = np.inf

    @cached_property
    def prior(self) -> Array:
        """S, (coordinates, coordinates)."""
        return self.linear.priors.covariance(self.spreads.factors)

    @cached_property
    def across(self) -> Array:
        """J S, (figures, coordinates)."""
        return np.asarray(self.linear.slopes @ self.prior)

    @cached_property
    def move(self) -> Array:
        """From the prior mean to the most probable coordinates, (coordinates,)."""
        return np.asarray(self.across.T @ self.weighted)

    @cached_property
    def covariance(self) -> Array:
        """Of the coordinates given the figures, (coordinates, coordinates).

        As the inverse of the information, which keeps its digits where a prior is wide.
        """
        j = self.linear.slopes
        kept = self.linear.errors.informative(self.freedom)[:, np.newaxis] * j
        said = kept.T @ cho_solve(cho_factor(self.errors, lower=True), j)
        prior = cho_solve(cho_factor(self.prior, lower=True), np.eye(len(said)))
        return np.asarray(cho_solve(cho_factor(prior + said, lower=True), np.eye(len(said))))

    @cached_property
    def covariance_of_fit(self) -> Array:
        """Of what is implied for the figures that pull, (figures, figures)."""
        explained = self.linear.explained(self.spreads)
        return np.asarray(explained - explained @ self.inverse @ explained)

    def removed_by(self, figures: Ints) -> Array:
        """The variance of each coordinate that these figures removed, (coordinates,)."""
        part = self.inverse[figures] @ self.across
        return np.asarray(np.einsum("ij,ij->j", self.across[figures], part))
