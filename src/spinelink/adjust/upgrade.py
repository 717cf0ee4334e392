"""A network of the former design as one whose parameters have priors and whose figures are claims.

Two things change. A parameter that an earlier fit had moved gets back its value from before: the fit
is done anew, into a file of its own. A parameter whose figures are claims now gets a prior that does
not count them twice: as wide as a judgement.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from spinelink.network.claim import NORMAL
from spinelink.network.fitted import OWN, with_parameters_of
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Probability, Ratio
from spinelink.network.setting import parameters_in
from spinelink.network.uncertainty import before_fit, log_deviation, spread_weight

WIDE = 0.7
"""Standard deviation of a prior whose figures became claims, in log odds or log ratio: a factor of
four either way within 95 %."""
NOTE = " Widened: its figures are claims."
LONGEST_NOTE = 2000


@dataclass(frozen=True)
class Upgrade:
    """The network as it is now, and how many parameters each change touched."""

    network: Network
    restored: int
    widened: int


def upgraded(network: Network, *, claimed: Collection[str]) -> Upgrade:
    """The network with priors in place of fitted and figure-bound parameters.

    claimed: ids of the evidence records that are claims.
    """
    changed: dict[str, dict[str, Parameter]] = {}
    restored = widened = 0
    places = {OWN: parameters_in(network, None)}
    places |= {name: dict(setting.overrides) for name, setting in network.settings.items()}
    for place, parameters in places.items():
        for name, parameter in parameters.items():
            new = before_fit(parameter)
            restored += new is not parameter
            if parameter.evidence and set(parameter.evidence) <= set(claimed):
                wider = _widened(new)
                widened += wider is not new
                new = wider
            if new is not parameter:
                changed.setdefault(place, {})[name] = new
    return Upgrade(with_parameters_of(network, changed), restored, widened)


def _widened(parameter: Parameter) -> Parameter:
    """The parameter with a standard deviation of at least `WIDE`; itself where its note says so."""
    if NOTE.strip() in parameter.note:
        return parameter
    note = f"{parameter.note}{NOTE}".strip()
    update: dict[str, object] = {"note": note if len(note) <= LONGEST_NOTE else parameter.note}
    if isinstance(parameter, Ratio):
        if log_deviation(parameter) >= WIDE:
            return parameter
        factor = math.exp(NORMAL * WIDE)
        update["interval"] = _digits(parameter.value / factor, parameter.value * factor)
        return parameter.model_copy(update=update)
    if isinstance(parameter, Distribution):
        p = sorted(parameter.estimate.values())
        weight = (1.0 / p[-1] + 1.0 / p[-2]) / WIDE**2 if len(p) > 1 and p[-2] > 0.0 else None
        if weight is None or spread_weight(parameter) <= weight:
            return parameter
        update |= {"counts": None, "equivalent_sample_size": float(f"{weight:.3g}")}
        return parameter.model_copy(update=update)
    return _wide_probability(parameter, update)


def _wide_probability(parameter: Probability, update: dict[str, object]) -> Probability:
    p = parameter.value
    if not 0.0 < p < 1.0 or spread_weight(parameter) * p * (1.0 - p) * WIDE**2 <= 1.0:
        return parameter
    odds, factor = p / (1.0 - p), math.exp(NORMAL * WIDE)
    low, high = (o / (1.0 + o) for o in (odds / factor, odds * factor))
    update |= {
        "estimate": float(f"{p:.6g}"),
        "interval": _digits(low, high),
        "counts": None,
        "beta": None,
        "equivalent_sample_size": None,
    }
    return parameter.model_copy(update=update)


def _digits(low: float, high: float) -> tuple[float, float]:
    return float(f"{low:.3g}"), float(f"{high:.3g}")
