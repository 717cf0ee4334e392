"""All measures of one target in one group of patients, each with its bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.evaluate.metrics import (
    Decomposition,
    bins_of,
    brier,
    decomposed,
    in_the_large,
    log_score,
    recalibration,
    sensitivity_at,
    sorted_auc,
    wilson,
)

Array = NDArray[np.float64]

FEWEST = 5
"""With fewer patients with, or without, the condition a bootstrap interval would look too sure."""
MEASURES = ("brier", "log_score", "auc", "slope", "intercept", "in_the_large", "sensitivity")


@dataclass(frozen=True)
class Estimate:
    """A measure with its interval. NaN where it does not exist, or has no interval."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True)
class Confusion:
    """Patients by what was predicted and what turned out.

    Positive: predicted at or above the threshold.
    """

    threshold: float
    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    def rates(self) -> dict[str, Estimate]:
        """True positive rate ("sensitivity"), "specificity", predictive values.

        With Wilson's 95 % intervals.
        """
        hits, alarms = self.true_positive, self.false_positive
        missed, cleared = self.false_negative, self.true_negative
        pairs = {
            "sensitivity": (hits, hits + missed),
            "specificity": (cleared, cleared + alarms),
            "positive predictive value": (hits, hits + alarms),
            "negative predictive value": (cleared, cleared + missed),
        }
        return {
            name: Estimate(k / n if n else float("nan"), *wilson(k, n))
            for name, (k, n) in pairs.items()
        }


@dataclass(frozen=True)
class Options:
    """How predictions are measured.

    Attributes:
        threshold: of the confusion matrix.
        specificity: at which the true positive rate is given.
        bins: of the calibration curve and of the parts of the Brier score.
        bootstrap: samples behind the intervals; 0 for none.
        level: of the intervals.
    """

    threshold: float
    specificity: float
    bins: int
    bootstrap: int
    level: float


@dataclass(frozen=True, eq=False)
class Measures:
    """One target in one group of patients.

    Attributes:
        target: what was predicted.
        group: which patients.
        patients: how many.
        cases: how many of them have the condition.
        mean_prediction: its share as predicted.
        brier: mean squared error.
        log_score: mean negative log likelihood, in nats.
        auc: area under the receiver operating characteristic curve.
        slope: of the recalibration on log odds; 1 where calibrated.
        intercept: of the same; 0 where calibrated.
        in_the_large: 0 where the mean is right.
        sensitivity: the true positive rate at the fixed specificity.
        specificity: the fixed specificity.
        operating_threshold: at which the true positive rate is reached.
        decomposition: the parts of the Brier score.
        skill: 1 - Brier score / that of predicting the share of cases for everybody.
        confusion: predicted against turned out.
        predictions: of the patients, in increasing order.
        outcomes: 0 or 1, in the same order.
    """

    target: str
    group: str
    patients: int
    cases: int
    mean_prediction: float
    brier: Estimate
    log_score: Estimate
    auc: Estimate
    slope: Estimate
    intercept: Estimate
    in_the_large: Estimate
    sensitivity: Estimate
    specificity: float
    operating_threshold: float
    decomposition: Decomposition
    skill: float
    confusion: Confusion
    predictions: Array
    outcomes: Array


def measure(
    predictions: Array,
    outcomes: Array,
    *,
    target: str,
    group: str,
    options: Options,
    rng: np.random.Generator,
) -> Measures:
    """All measures of one target in one group.

    Args:
        predictions: probabilities, (patients,), at least one.
        outcomes: 0 or 1, (patients,).
        target: what was predicted.
        group: which patients.
        options: how to measure.
        rng: of the bootstrap.
    """
    order = np.argsort(predictions, kind="stable")
    p, y = predictions[order], outcomes[order]
    one = np.ones_like(p)
    values = _of_table(p, y, options=options)
    share = float(y.mean())
    return Measures(
        target=target,
        group=group,
        patients=len(p),
        cases=int(y.sum()),
        mean_prediction=float(p.mean()),
        **_intervals(p, y, values=values, options=options, rng=rng),
        specificity=options.specificity,
        operating_threshold=sensitivity_at(p, y, w=one, specificity=options.specificity)[1],
        decomposition=decomposed(p, y, bin_of=bins_of(p, options.bins)),
        skill=1.0 - values["brier"] / (share * (1.0 - share)) if 0.0 < share < 1.0 else np.nan,
        confusion=confusion(p, y, threshold=options.threshold),
        predictions=p,
        outcomes=y,
    )


def confusion(p: Array, y: Array, *, threshold: float) -> Confusion:
    """Predicted against turned out."""
    from sklearn.metrics import confusion_matrix

    tn, fp, fn, tp = confusion_matrix(y, p >= threshold, labels=[0, 1]).ravel().tolist()
    return Confusion(threshold, tp, fp, fn, tn)


def _of_table(p: Array, y: Array, *, options: Options) -> dict[str, float]:
    """The measures of the patients themselves; both scores are scikit-learn's."""
    from sklearn.metrics import brier_score_loss, log_loss

    values = _weighted(p, y, w=np.ones_like(p), specificity=options.specificity)
    if 0.0 < y.mean() < 1.0:
        values["brier"] = float(brier_score_loss(y, p))
    values["log_score"] = float(log_loss(y, np.clip(p, 1e-12, 1.0 - 1e-12), labels=[0, 1]))
    return values


def _intervals(
    p: Array,
    y: Array,
    *,
    values: dict[str, float],
    options: Options,
    rng: np.random.Generator,
) -> dict[str, Estimate]:
    """Every measure with the interval of its bootstrap samples."""
    samples: dict[str, list[float]] = {name: [] for name in MEASURES}
    for _ in range(options.bootstrap):
        w = np.bincount(rng.integers(len(p), size=len(p)), minlength=len(p)).astype(float)
        for name, value in _weighted(p, y, w=w, specificity=options.specificity).items():
            samples[name].append(value)
    if min(float(y.sum()), float((1.0 - y).sum())) < FEWEST:
        return {name: Estimate(values[name]) for name in MEASURES}
    return {name: _estimate(values[name], samples[name], level=options.level) for name in MEASURES}


def _weighted(p: Array, y: Array, *, w: Array, specificity: float) -> dict[str, float]:
    """The measures of patients who count w times each. p: in increasing order."""
    present = w > 0.0
    p, y, w = p[present], y[present], w[present]
    intercept, slope = recalibration(p, y, w=w)
    return {
        "brier": brier(p, y, w=w),
        "log_score": log_score(p, y, w=w),
        "auc": sorted_auc(p, y, w=w),
        "slope": slope,
        "intercept": intercept,
        "in_the_large": in_the_large(p, y, w=w),
        "sensitivity": sensitivity_at(p, y, w=w, specificity=specificity)[0],
    }


def _estimate(value: float, samples: Sequence[float], *, level: float) -> Estimate:
    finite = [v for v in samples if v == v]
    if value != value or len(finite) < 2:
        return Estimate(value)
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(finite, [tail, 1.0 - tail])
    return Estimate(value, float(low), float(high))
