"""How uncertain a parameter is: the weight of a probability, the deviation of an odds ratio.

A probability varies as a Beta, a distribution as a Dirichlet, an odds ratio as a log-normal.
The file states that uncertainty as an interval, counts, a Beta or an equivalent sample size; the
functions here turn each of these into one figure.
"""

from __future__ import annotations

import math

from spinelink.network.parameter import Distribution, Fitted, Parameter, Probability, Ratio
from spinelink.network.scale import SCALE_OF, WORD_WIDTH

LOG_DEVIATION = 0.35
"""Standard deviation of the logarithm of an odds ratio without an interval: half to twice."""

PEOPLE = 10.0
"""Equivalent sample size of a distribution that states neither counts nor a size."""

WIDTH = 3.92
"""Length of a 95 % interval in standard errors."""


def weight(parameter: Probability | Distribution) -> float:
    """The equivalent sample size that the parameter states, in people.

    It is written in the file, or the sum of counts or of a Beta's numbers. From an interval it is
    the size of the Beta with that spread (normal approximation), at least 2.
    """
    if parameter.fitted is not None:
        return _fitted_weight(parameter, parameter.fitted)
    if parameter.word is not None:
        p = parameter.value
        assert isinstance(p, float)
        return 1.0 / (WORD_WIDTH[SCALE_OF[parameter.word]] ** 2 * p * (1.0 - p))
    if parameter.equivalent_sample_size is not None:
        return parameter.equivalent_sample_size
    if isinstance(parameter, Distribution):
        if parameter.words is not None:
            largest = sorted(parameter.estimate.values())[-2:]
            return sum(1.0 / q for q in largest) / WORD_WIDTH["frequency"] ** 2
        return sum(parameter.counts.values()) if parameter.counts else PEOPLE
    if parameter.beta is not None:
        return sum(parameter.beta)
    if parameter.counts is not None:
        return parameter.counts[1]
    assert parameter.interval is not None
    low, high = parameter.interval
    error = max((high - low) / WIDTH, 1e-6)
    estimate = parameter.value if parameter.before_fit is None else parameter.before_fit
    p = min(max(estimate, 1e-6), 1 - 1e-6)
    return max(p * (1 - p) / error**2 - 1.0, 2.0)


def _fitted_weight(parameter: Probability | Distribution, fitted: Fitted) -> float:
    if fitted.weight is not None or isinstance(parameter, Distribution):
        return PEOPLE if fitted.weight is None else fitted.weight
    p, deviation = parameter.value, fitted.deviation or LOG_DEVIATION
    return 1.0 / (deviation**2 * max(p * (1.0 - p), 1e-12))


def spread_weight(parameter: Probability | Distribution) -> float:
    """The equivalent sample size with which the parameter varies, in people.

    It is the stated size, but large enough that the rarest state is expected at least once. An
    estimate of 0.001 from 12 people means "about that rare", not that 0.3 is plausible.
    """
    p = (
        [v for v in parameter.estimate.values() if v > 0.0]
        if isinstance(parameter, Distribution)
        else [parameter.value, 1.0 - parameter.value]
    )
    return max(weight(parameter), 1.0 / max(min(p), 1e-300))


def log_deviation(ratio: Ratio) -> float:
    """Standard deviation of the logarithm of an odds ratio, from its 95 % interval."""
    if ratio.fitted is not None and ratio.fitted.deviation is not None:
        return ratio.fitted.deviation
    if ratio.word is not None:
        return WORD_WIDTH[SCALE_OF[ratio.word]]
    if ratio.interval is None:
        return LOG_DEVIATION
    low, high = ratio.interval
    return max(math.log(high / low) / WIDTH, 1e-3)


def before_fit(parameter: Parameter) -> Parameter:
    """The parameter as it was before the network was fitted to claims."""
    if parameter.before_fit is None:
        return parameter
    return parameter.model_copy(update={"estimate": parameter.before_fit, "before_fit": None})
