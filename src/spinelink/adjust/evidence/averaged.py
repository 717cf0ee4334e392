"""What is not known of the spreads, carried into the parameters and into predictions.

A fit that takes its estimates of spreads as known makes intervals that are too short. So the answer is
averaged over spreads that figures allow (Kass and Steffey 1989): the covariance is the mean of the
covariances, plus the covariance of the means. Spreads are drawn from their Laplace approximation.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.evidence.linear import Linear, Spreads
from spinelink.adjust.evidence.search import OverSpreads, Reached, Search

Array = NDArray[np.float64]

DRAWS = 40
SEED = 20261130
NUDGE = 1e-3
"""Half the distance of two gradients, in the logarithm of a spread."""
WIDEST = 1.0
"""The largest standard deviation of a spread's logarithm, where neither figures nor prior hold it."""


def averaged(search: Search, reached: Reached, *, draws: int = DRAWS) -> Reached:
    """What was reached, with the uncertainty of the spreads.

    draws: of the spreads. The same each time.
    """
    linear = search.linear_at(reached.theta, reached.scaled, reached.slopes)
    total = np.zeros((search.priors.size, search.priors.size))
    moves, effects, priors = [], [], []
    for spreads in _drawn(search, reached, linear, draws):
        solved = linear.solved(spreads, reached.weights, freedom=search.options.freedom)
        total += solved.covariance
        moves.append(solved.move)
        priors.append(np.diag(solved.prior))
        effects.append(spreads.studies**2)
    covariance = total / draws + np.cov(np.array(moves), rowvar=False)
    over_spreads = OverSpreads(covariance, np.mean(priors, axis=0), np.mean(effects, axis=0))
    return replace(reached, over_spreads=over_spreads)


def _drawn(search: Search, reached: Reached, linear: Linear, draws: int) -> list[Spreads]:
    """Spreads as uncertain as figures leave them, normal in `Spreads.vector`, within their bounds."""
    middle, groups = reached.spreads.vector(), len(reached.spreads.studies)
    low, high = np.array(reached.spreads.bounds()).T

    def slopes(vector: Array) -> Array:
        spreads = Spreads.from_vector(vector, groups)
        prior = search.options.spread_prior
        return linear.evidence(spreads, reached.weights, spread_prior=prior)[1]

    steps = NUDGE * np.eye(len(middle))
    curvature = -np.array([(slopes(middle + s) - slopes(middle - s)) / (2 * NUDGE) for s in steps])
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2.0)
    deviations = 1.0 / np.sqrt(np.maximum(values, 1.0 / WIDEST**2))
    half = np.random.default_rng(SEED).standard_normal((draws // 2, len(middle)))
    normal = np.concatenate([half, -half])  # in pairs, so that the mean stays the middle
    drawn = middle + (normal * deviations) @ vectors.T
    return [Spreads.from_vector(np.clip(v, low, high), groups) for v in drawn]
