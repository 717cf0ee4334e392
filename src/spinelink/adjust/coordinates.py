"""Numbers of a network as a vector of coordinates without bounds: log odds of a probability, log of an odds ratio, log(p_k / p_0) of a distribution.

What fits and tunes moves along these, and writes what it moved back as the file will have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import SpinelinkError
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Probability, Ratio
from spinelink.network.parameter_ids import owner, replace_parameters
from spinelink.network.uncertainty import log_deviation, spread_weight

Array = NDArray[np.float64]
Key = tuple[str | None, str]
"""Setting whose override the number is (None: the node's own number), and its id."""

BOUND = 1e-9  # probabilities stay so far from 0 and 1


@dataclass(frozen=True, eq=False)
class Place:
    """Where a number stands in the vector. states: of a distribution, those that vary (with p > 0); the first is the reference."""

    key: Key
    start: int
    states: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many coordinates it has."""
        return max(1, len(self.states) - 1)

    @property
    def where(self) -> slice:
        """Its coordinates."""
        return slice(self.start, self.start + self.size)


def placed(parameters: Mapping[Key, Parameter], keys: Iterable[Key]) -> list[Place]:
    """The places of the numbers that can move; those of 0 or 1, and distributions with one possible state, cannot. Raises SpinelinkError where none can."""
    places: list[Place] = []
    start = 0
    for key in keys:
        parameter = parameters[key]
        states: tuple[str, ...] = ()
        if isinstance(parameter, Distribution):
            states = tuple(
                sorted(
                    (s for s, p in parameter.estimate.items() if p > 0.0),
                    key=lambda s: -parameter.estimate[s],
                )
            )
            if len(states) < 2:
                continue
        elif isinstance(parameter, Probability) and not 0.0 < parameter.value < 1.0:
            continue
        places.append(Place(key, start, states))
        start += places[-1].size
    if not places:
        raise SpinelinkError("no number may move: all are 0 or 1")
    return places


def coordinates(place: Place, parameter: Parameter) -> Array:
    """Where the number stands, (size,)."""
    if isinstance(parameter, Distribution):
        return np.array(
            [
                np.log(parameter.estimate[s] / parameter.estimate[place.states[0]])
                for s in place.states[1:]
            ]
        )
    if isinstance(parameter, Ratio):
        return np.array([np.log(parameter.estimate)])
    return np.array([np.log(parameter.value) - np.log1p(-parameter.value)])


def moved(theta: Array, place: Place, parameter: Parameter) -> Parameter:
    """The number at these coordinates."""
    x = theta[place.where]
    if isinstance(parameter, Distribution):
        logs = np.concatenate([[0.0], x])
        p = np.exp(logs - logs.max())
        p *= sum(parameter.estimate[s] for s in place.states) / p.sum()
        return parameter.model_copy(
            update={
                "estimate": {
                    **parameter.estimate,
                    **dict(zip(place.states, p.tolist(), strict=True)),
                }
            }
        )
    if isinstance(parameter, Ratio):
        return parameter.model_copy(update={"estimate": float(np.exp(x[0]))})
    return parameter.model_copy(
        update={"estimate": float(np.clip(1.0 / (1.0 + np.exp(-x[0])), BOUND, 1.0 - BOUND))}
    )


def slopes_by_coordinates(
    network: Network, place: Place, parameter: Parameter, value: Array, slope: Array
) -> Array:
    """(size, columns) from derivatives by the number, (columns,), or by each probability, (states, columns)."""
    if place.states:
        node = network.nodes[owner(place.key[1])]
        order = [node.states.index(s) for s in place.states]
        p = value[order, 0]
        mean = (p[:, np.newaxis] * slope[order]).sum(axis=0) / p.sum()
        found: Array = (p[:, np.newaxis] * (slope[order] - mean))[1:]
        return found
    if isinstance(parameter, Ratio):
        return np.asarray((value * slope)[np.newaxis])
    return np.asarray((value * (1.0 - value) * slope)[np.newaxis])


def precision(place: Place, parameter: Parameter) -> Array:
    """The inverse of the coordinates' covariance under the number's own uncertainty, (size, size), to second order."""
    if isinstance(parameter, Ratio):
        return np.array([[1.0 / log_deviation(parameter) ** 2]])
    if isinstance(parameter, Distribution):
        p = np.array([parameter.estimate[s] for s in place.states])
        return np.asarray(
            spread_weight(parameter) * (np.diag(p) - np.outer(p, p) / p.sum())[1:, 1:]
        )
    return np.array([[spread_weight(parameter) * parameter.value * (1.0 - parameter.value)]])


def with_numbers(network: Network, changed: Mapping[Key, Parameter]) -> Network:
    """The network with these numbers."""
    own = {name: p for (setting, name), p in changed.items() if setting is None}
    network = replace_parameters(network, own) if own else network
    settings = {
        name: setting.model_copy(
            update={
                "overrides": {
                    **setting.overrides,
                    **{n: p for (s, n), p in changed.items() if s == name},
                }
            }
        )
        for name, setting in network.settings.items()
    }
    return network.model_copy(update={"settings": settings})


def written(old: Parameter, new: Parameter, *, digits: int = 4, reason: str = "") -> Parameter:
    """The number as the file will have it: so many digits, what it was before the first fit, its interval widened where it lies outside, the reason
    added to its note.
    """
    update: dict[str, object] = {
        "before_fit": old.before_fit if old.before_fit is not None else old.value
    }
    if reason:
        note = f"{old.note} {reason}".strip()
        update["note"] = (
            note if len(note) <= LONGEST_NOTE else f"{note[: LONGEST_NOTE - 4].rstrip()} ..."
        )
    if isinstance(old, Distribution):
        assert isinstance(new, Distribution)
        return old.model_copy(update={**update, "estimate": _rounded(new.estimate, digits)})
    assert isinstance(new, Probability | Ratio)
    value = float(f"{new.value:.{digits}g}")
    update["estimate"] = value
    if old.interval is not None:
        update["interval"] = (min(old.interval[0], value), max(old.interval[1], value))
    return old.model_copy(update=update)


LONGEST_NOTE = 2000  # as the file format has it


def _rounded(estimate: Mapping[str, float], digits: int) -> dict[str, float]:
    """So many digits, summing to 1 exactly: the largest takes what is left."""
    rounded = {s: float(f"{p:.{digits}g}") for s, p in estimate.items()}
    largest = max(rounded, key=rounded.__getitem__)
    rounded[largest] = round(1.0 - sum(p for s, p in rounded.items() if s != largest), 12)
    return rounded
