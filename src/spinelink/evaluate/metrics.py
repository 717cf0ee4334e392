"""Measures of predicted probabilities against what turned out.

p: predicted probabilities; y: 0 or 1; w: how often each patient counts. All (patients,). The
weights are 1 for the table itself and are sampled for its bootstrap, so that one formula serves
both.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
EDGE = 1e-12
"""Log scores and log odds are taken this far from 0 and 1."""
NORMAL_95 = 1.959963984540054
"""Half the width of a 95 % interval, in standard deviations."""


def brier(p: Array, y: Array, *, w: Array) -> float:
    """Mean squared error (Brier 1950)."""
    return float((w * (p - y) ** 2).sum() / w.sum())


def log_score(p: Array, y: Array, *, w: Array) -> float:
    """Mean negative log likelihood, in nats (Good 1952)."""
    q = np.clip(p, EDGE, 1.0 - EDGE)
    return float(-(w * (y * np.log(q) + (1.0 - y) * np.log1p(-q))).sum() / w.sum())


def auc(p: Array, y: Array, *, w: Array) -> float:
    """Probability that a patient with the condition is ranked above one without.

    Ties count half (Hanley and McNeil 1982). NaN where all patients, or none, have it.
    """
    order = np.argsort(p, kind="stable")
    return sorted_auc(p[order], y[order], w=w[order])


def sorted_auc(p: Array, y: Array, *, w: Array) -> float:
    """`auc` of patients in the order of their predictions."""
    positive, negative = w * y, w * (1.0 - y)
    total = positive.sum() * negative.sum()
    if total <= 0.0:
        return float("nan")
    first = np.concatenate([[True], p[1:] > p[:-1]])
    group = np.cumsum(first) - 1
    inside = np.bincount(group, weights=negative)
    below = np.concatenate([[0.0], np.cumsum(inside)[:-1]])
    return float((np.bincount(group, weights=positive) * (below + 0.5 * inside)).sum() / total)


def recalibration(p: Array, y: Array, *, w: Array) -> tuple[float, float]:
    """Intercept and slope of logit P(y) = a + b logit p (Cox 1958).

    0 and 1 where calibrated; NaN where they do not exist (perfect separation).
    """
    x = np.log(np.clip(p, EDGE, 1.0 - EDGE)) - np.log1p(-np.clip(p, EDGE, 1.0 - EDGE))
    design = np.stack([np.ones_like(x), x], axis=1)

    def likelihood(beta: Array) -> float:
        eta = design @ beta
        return float((w * (y * eta - np.logaddexp(0.0, eta))).sum())

    beta = np.array([0.0, 1.0])
    now = likelihood(beta)
    for _ in range(100):
        q = 0.5 * (1.0 + np.tanh(0.5 * (design @ beta)))
        hessian = (design * (w * q * (1.0 - q))[:, np.newaxis]).T @ design
        if not np.isfinite(hessian).all() or np.linalg.cond(hessian) > 1e13:
            return float("nan"), float("nan")
        step = np.linalg.solve(hessian, design.T @ (w * (y - q)))
        if np.abs(step).max() < 1e-10:
            return float(beta[0]), float(beta[1])
        # Newton's steps run too far where most predictions are far off. They are halved until the
        # likelihood, which has one peak, does not fall.
        while (then := likelihood(beta + step)) < now - 1e-12 * abs(now) and np.abs(
            step
        ).max() > 1e-12:
            step = 0.5 * step
        beta, now = beta + step, then
    return float("nan"), float("nan")


def in_the_large(p: Array, y: Array, *, w: Array) -> float:
    """The a of logit P(y) = a + logit p: above 0 where the predictions are too low on the whole.

    NaN where nobody, or everybody, has the condition.
    """
    x = np.log(np.clip(p, EDGE, 1.0 - EDGE)) - np.log1p(-np.clip(p, EDGE, 1.0 - EDGE))
    cases = float((w * y).sum())
    if not 0.0 < cases < w.sum():
        return float("nan")
    a = 0.0
    for _ in range(100):
        q = 0.5 * (1.0 + np.tanh(0.5 * (x + a)))
        step = (cases - float((w * q).sum())) / max(float((w * q * (1.0 - q)).sum()), 1e-300)
        a += float(np.clip(step, -2.0, 2.0))
        if abs(step) < 1e-12:
            break
    return a


@dataclass(frozen=True)
class Decomposition:
    """Brier score = reliability - resolution + uncertainty + within.

    Murphy 1973; `within`, what bins hide, after Stephenson et al. 2008.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within: float


def bins_of(p: Array, bins: int) -> NDArray[np.int64]:
    """The bin of every patient, (patients,), from 0.

    Bins hold about equally many patients; equal predictions stay together.
    """
    edges = np.unique(np.quantile(p, np.linspace(0.0, 1.0, bins + 1)[1:-1]))
    found = np.searchsorted(edges, p, side="left")
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def decomposed(p: Array, y: Array, *, bin_of: NDArray[np.int64]) -> Decomposition:
    """The parts of the Brier score over bins."""
    n = np.bincount(bin_of).astype(float)
    mean_p, mean_y = np.bincount(bin_of, weights=p) / n, np.bincount(bin_of, weights=y) / n
    base = float(y.mean())
    reliability = float((n * (mean_p - mean_y) ** 2).sum() / n.sum())
    resolution = float((n * (mean_y - base) ** 2).sum() / n.sum())
    uncertainty = base * (1.0 - base)
    whole = brier(p, y, w=np.ones_like(p))
    return Decomposition(
        reliability, resolution, uncertainty, whole - reliability + resolution - uncertainty
    )


def sensitivity_at(p: Array, y: Array, *, w: Array, specificity: float) -> tuple[float, float]:
    """The largest true positive rate with at least this specificity, and its threshold.

    p >= threshold is positive. NaN where all patients, or none, have the condition.
    """
    positive, negative = w * y, w * (1.0 - y)
    if positive.sum() <= 0.0 or negative.sum() <= 0.0:
        return float("nan"), float("nan")
    order = np.argsort(-p, kind="stable")
    q = p[order]
    last = np.concatenate([q[1:] < q[:-1], [True]])  # equal predictions are called together
    hits, alarms = np.cumsum(positive[order])[last], np.cumsum(negative[order])[last]
    allowed = np.flatnonzero(1.0 - alarms / negative.sum() >= specificity - 1e-12)
    if not len(allowed):
        return 0.0, float("inf")
    return float(hits[allowed[-1]] / positive.sum()), float(q[last][allowed[-1]])


def net_benefit(p: Array, y: Array, *, thresholds: Array) -> Array:
    """Net benefit of treating where p >= threshold, (thresholds,) (Vickers and Elkin 2006)."""
    n = len(p)
    called = p[:, np.newaxis] >= thresholds
    hits = (called * y[:, np.newaxis]).sum(axis=0) / n
    alarms = (called * (1.0 - y[:, np.newaxis])).sum(axis=0) / n
    found: Array = hits - alarms * thresholds / (1.0 - thresholds)
    return found


def wilson(successes: int, total: int, *, z: float = NORMAL_95) -> tuple[float, float]:
    """Wilson's interval of a proportion (Wilson 1927); z: half its width in standard deviations."""
    if total == 0:
        return 0.0, 1.0
    p = successes / total
    centre = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    # At the ends the bound is exact, and a difference of doubles is not.
    low = max(0.0, centre - half) if successes else 0.0
    return low, min(1.0, centre + half) if successes < total else 1.0
