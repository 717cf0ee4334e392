"""What a fit expects of a figure that it has not seen.

The answer is uncertain in two ways: the parameters are (normal, on the log-odds or log scale), and a
further study has an effect and a sampling error of its own (Student's t). A predictive distribution is
the sum of both (Higgins, Thompson and Spiegelhalter 2009).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtr, stdtrit
from scipy.stats import norm, t

from spinelink.adjust.evidence.search import Reached, Search

Array = NDArray[np.float64]

NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
NODE_WEIGHTS = NODE_WEIGHTS / NODE_WEIGHTS.sum()


@dataclass(frozen=True, eq=False)
class Predictive:
    """A figure as expected: normal in the parameters, Student's t in the study.

    mean: on the log-odds or log scale. parameters, study: standard deviation and scale. freedom: of
    the t; infinity for a normal.
    """

    mean: float
    parameters: float
    study: float
    freedom: float

    def below(self, value: float) -> float:
        """P(figure < value)."""
        z = (value - self.mean - self.parameters * NODES) / self.study
        return float(NODE_WEIGHTS @ (stdtr(self.freedom, z) if self._is_t else norm.cdf(z)))

    def log_density(self, value: float) -> float:
        """The logarithm of the density."""
        z = (value - self.mean - self.parameters * NODES) / self.study
        density = t.pdf(z, self.freedom) if self._is_t else norm.pdf(z)
        return float(np.log(max(float(NODE_WEIGHTS @ density) / self.study, 1e-300)))

    def quantile(self, p: float) -> float:
        """The value below which the figure lies with probability p."""
        wide = float(stdtrit(self.freedom, max(p, 1.0 - p))) if self._is_t else 4.0
        reach = 6.0 * self.parameters + (abs(wide) + 6.0) * self.study
        return float(brentq(lambda v: self.below(v) - p, self.mean - reach, self.mean + reach))

    def interval(self, level: float) -> tuple[float, float]:
        """The equal-tailed interval."""
        tail = (1.0 - level) / 2.0
        return self.quantile(tail), self.quantile(1.0 - tail)

    def ranked_probability_score(self, value: float) -> float:
        """The continuous ranked probability score (Gneiting and Raftery 2007), by integration."""
        reach = 12.0 * float(np.hypot(self.parameters, self.study)) + abs(value - self.mean)
        grid = np.linspace(self.mean - reach, self.mean + reach, 801)
        below = np.array([self.below(v) for v in grid])
        return float(np.trapezoid((below - (grid >= value)) ** 2, grid))

    @property
    def _is_t(self) -> bool:
        return bool(np.isfinite(self.freedom))


def predict(search: Search, reached: Reached, rows: NDArray[np.intp]) -> list[Predictive]:
    """The predictive distributions of some figures, whose studies did not pull.

    rows: their positions.
    """
    figures = search.figures
    slopes = reached.slopes[rows]
    variance = np.einsum("ij,ij->i", slopes @ reached.covariance, slopes)
    effect = reached.effects[figures.group[rows]]
    study = np.sqrt(effect + figures.variance[rows])
    deviation = np.sqrt(np.maximum(variance, 1e-12))
    return [
        Predictive(float(m), float(d), float(s), search.options.freedom)
        for m, d, s in zip(reached.scaled[rows], deviation, study, strict=True)
    ]
