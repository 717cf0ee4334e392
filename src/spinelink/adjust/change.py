"""A parameter before and after: one record for whatever changes parameters or compares them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from spinelink.network.parameter import Distribution, Parameter, Ratio
from spinelink.network.uncertainty import log_deviation, spread_weight

SMALLEST = 1e-300  # a variance is divided by no less


@dataclass(frozen=True, kw_only=True)
class ParameterChange:
    """One parameter, or one state of a distribution, before and after.

    Attributes:
        id: the parameter.
        state: of a distribution; None for a single number.
        setting: whose override it is; None for the node's own parameter.
        before: NaN where the parameter is new.
        after: NaN where the parameter is gone.
        moved: the change in log odds; of an odds ratio, in its logarithm.
        deviations: the change in standard deviations of the parameter's own uncertainty before.
        grade: how good its source was before: measured, derived or judged.
    """

    id: str
    state: str | None = None
    setting: str | None = None
    before: float
    after: float
    moved: float
    deviations: float
    grade: str = ""


def log_odds(p: float) -> float:
    """The logarithm of the odds: infinite for 0 and 1, NaN outside and for NaN."""
    if not 0.0 <= p <= 1.0:
        return math.nan
    return (math.log(p) if p > 0.0 else -math.inf) - (math.log1p(-p) if p < 1.0 else -math.inf)


def distance_moved(before: float, after: float, *, parameter: Parameter | None) -> float:
    """The change in log odds; where the parameter is an odds ratio, in its logarithm."""
    if before == after:
        return 0.0
    if isinstance(parameter, Ratio):
        return math.log(after / before)
    return log_odds(after) - log_odds(before)


def log_odds_deviation(parameter: Parameter, value: float, *, more: float = 0.0) -> float:
    """Standard deviation of the parameter's log odds; of an odds ratio, of its logarithm.

    To first order: 1 / sqrt(p (1 - p) n) with n the equivalent sample size.

    Args:
        parameter: whose uncertainty is meant.
        value: the probability p.
        more: added to n. 1 gives the variance of a Beta, 0 the curvature of its logarithm.
    """
    if isinstance(parameter, Ratio):
        return log_deviation(parameter)
    people = spread_weight(parameter) + more
    return 1.0 / math.sqrt(max(value * (1.0 - value), SMALLEST) * people)


def deviations_in_log_odds(parameter: Parameter, *, before: float, after: float) -> float:
    """The change of the log odds in standard deviations."""
    moved = distance_moved(before, after, parameter=parameter)
    return moved / log_odds_deviation(parameter, before)


def deviations_in_probability(parameter: Parameter, *, before: float, after: float) -> float:
    """The change of the probability in standard deviations; of an odds ratio, of its logarithm.

    0 where the parameter's own uncertainty is 0.
    """
    if isinstance(parameter, Ratio):
        return distance_moved(before, after, parameter=parameter) / log_deviation(parameter)
    deviation = math.sqrt(before * (1.0 - before) / (spread_weight(parameter) + 1.0))
    return (after - before) / deviation if deviation > 0.0 else 0.0


class Measure(Protocol):
    """How a change is measured in standard deviations of the parameter's own uncertainty."""

    def __call__(self, parameter: Parameter, *, before: float, after: float) -> float:
        """The change in standard deviations."""


def changes_between(
    old: Parameter,
    new: Parameter,
    *,
    key: tuple[str | None, str],
    states: Iterable[str] | None,
    measure: Measure,
) -> list[ParameterChange]:
    """One change for a parameter; one for each state of a distribution.

    Args:
        old: the parameter before.
        new: the parameter after.
        key: its setting (None: the node's own) and its id.
        states: of a distribution, those that are listed; all where None.
        measure: what `deviations` are.
    """
    before, after = value_by_state(old, states), value_by_state(new, states)
    return [
        ParameterChange(
            id=key[1],
            state=state,
            setting=key[0],
            before=value,
            after=after[state],
            moved=distance_moved(value, after[state], parameter=old),
            deviations=measure(old, before=value, after=after[state]),
            grade=old.grade,
        )
        for state, value in before.items()
    ]


def value_by_state(
    parameter: Parameter | None, states: Iterable[str] | None = None
) -> dict[str | None, float]:
    """The probability of each state of a distribution; else the one value, under None.

    Args:
        parameter: None gives an empty mapping.
        states: of a distribution; all where None.
    """
    if parameter is None:
        return {}
    if not isinstance(parameter, Distribution):
        return {None: parameter.value}
    return {s: parameter.estimate[s] for s in (parameter.estimate if states is None else states)}
