"""The intercept of a logistic regression that gives a node its prevalence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def solve_intercept(prevalence: Array, *, shift: Array, weights: Array) -> Array:
    """The intercept b with sum over rows of weights * sigmoid(b + shift) = prevalence, (batch,).

    The sum increases in b, so the root lies between logit(prevalence) minus the largest and minus
    the smallest shift. Bisection to a narrow bracket, then Newton's method.

    Args:
        prevalence: P(node) over all rows, (batch,).
        shift: Log odds ratios of each row, added up, (parents..., batch).
        weights: P(parents), (parents..., batch).
    """
    axes = tuple(range(shift.ndim - 1))
    # Odds of 0 and 1 have no finite intercept; they are reached in the limit.
    target = np.asarray(prevalence, dtype=float)
    certain = (target <= 0.0) | (target >= 1.0)
    inner = np.where(certain, 0.5, target)
    low, high = logit(inner) - shift.max(axis=axes), logit(inner) - shift.min(axis=axes)
    low, high = np.broadcast_arrays(low, high)
    low, high = low.copy(), high.copy()
    for _ in range(12):
        middle = 0.5 * (low + high)
        above = (weights * sigmoid(middle + shift)).sum(axis=axes) > inner
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    b = 0.5 * (low + high)
    for _ in range(12):
        p = sigmoid(b + shift)
        value = (weights * p).sum(axis=axes)
        slope = (weights * p * sigmoid(-b - shift)).sum(axis=axes)
        b = np.clip(b - (value - inner) / slope, low, high)
    return np.where(certain, np.where(target <= 0.0, -np.inf, np.inf), b)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), with all digits on both sides."""
    with np.errstate(over="ignore"):
        return np.where(
            x >= 0,
            1.0 / (1.0 + np.exp(-np.abs(x))),
            np.exp(-np.abs(x)) / (1.0 + np.exp(-np.abs(x))),
        )


def logit(p: Array) -> Array:
    """log(p / (1 - p)); infinite at 0 and 1."""
    with np.errstate(divide="ignore"):
        return np.log(p) - np.log1p(-p)
