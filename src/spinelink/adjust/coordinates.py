"""Parameters of a network as a vector of coordinates without bounds.

Log odds of a probability, the logarithm of an odds ratio, log(p_k / p_0) of a distribution. `fit`
and `tune` search along these, and write the parameters back as the network file will have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import SpinelinkError
from spinelink.network.coordinates import Block, Key, coordinates
from spinelink.network.fitted import OWN, with_parameters_of
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Probability, Ratio
from spinelink.network.uncertainty import log_deviation, spread_weight

Array = NDArray[np.float64]
BOUND = 1e-9
"""Probabilities stay this far from 0 and 1."""
LONGEST_NOTE = 2000
"""Characters of a note in the network file."""


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Parameters that may move, as a vector.

    network: with these parameters as they are at the start. parameters: those of the blocks.
    """

    network: Network
    parameters: Mapping[Key, Parameter]
    blocks: tuple[Block, ...]

    @cached_property
    def start(self) -> Array:
        """Where the parameters stand before anything moves, (coordinates,)."""
        return np.concatenate([coordinates(b, self.parameters[b.key]) for b in self.blocks])

    def parameter_at(self, theta: Array, block: Block) -> Parameter:
        """One parameter at these coordinates."""
        return at(theta[block.slice], block, parameter=self.parameters[block.key])

    def network_at(
        self,
        theta: Array,
        change: Callable[[Parameter, Parameter], Parameter] = lambda old, new: new,
    ) -> Network:
        """The network at these coordinates; `change` may say more of a parameter that moved."""
        changed: dict[Key, Parameter] = {}
        for block in self.blocks:
            if not np.array_equal(theta[block.slice], self.start[block.slice]):
                old = self.parameters[block.key]
                changed[block.key] = change(old, self.parameter_at(theta, block))
        return with_changed(self.network, changed) if changed else self.network


def layout(parameters: Mapping[Key, Parameter], keys: Iterable[Key]) -> tuple[Block, ...]:
    """The blocks of the parameters that can move.

    Probabilities of 0 or 1 cannot, nor distributions with one possible state.

    Raises:
        SpinelinkError: none can move.
    """
    blocks: list[Block] = []
    start = 0
    for key in keys:
        parameter = parameters[key]
        states: tuple[str, ...] = ()
        if isinstance(parameter, Distribution):
            estimate = parameter.estimate
            possible = (s for s, p in estimate.items() if p > 0.0)
            states = tuple(sorted(possible, key=lambda s: -estimate[s]))
            if len(states) < 2:
                continue
        elif isinstance(parameter, Probability) and not 0.0 < parameter.value < 1.0:
            continue
        blocks.append(Block(key, start, states))
        start += blocks[-1].size
    if not blocks:
        raise SpinelinkError("no number may move: all are 0 or 1")
    return tuple(blocks)


def at(x: Array, block: Block, *, parameter: Parameter) -> Parameter:
    """The parameter at coordinates x, (size,). The states that do not vary keep their share."""
    if isinstance(parameter, Distribution):
        logs = np.concatenate([[0.0], x])
        p = np.exp(logs - logs.max())
        p *= sum(parameter.estimate[s] for s in block.states) / p.sum()
        varied = dict(zip(block.states, p.tolist(), strict=True))
        return parameter.model_copy(update={"estimate": {**parameter.estimate, **varied}})
    if isinstance(parameter, Ratio):
        return parameter.model_copy(update={"estimate": float(np.exp(x[0]))})
    p_one = float(np.clip(1.0 / (1.0 + np.exp(-x[0])), BOUND, 1.0 - BOUND))
    return parameter.model_copy(update={"estimate": p_one})


def precision(block: Block, parameter: Parameter, *, weight: float | None = None) -> Array:
    """The inverse covariance of the coordinates under the parameter's own uncertainty.

    To second order, (size, size).

    Args:
        block: the coordinates.
        parameter: at whose value it is taken.
        weight: the equivalent sample size; the parameter's own where None.
    """
    if isinstance(parameter, Ratio):
        return np.array([[1.0 / log_deviation(parameter) ** 2]])
    people = spread_weight(parameter) if weight is None else weight
    if isinstance(parameter, Distribution):
        p = np.array([parameter.estimate[s] for s in block.states])
        return np.asarray(people * (np.diag(p) - np.outer(p, p) / p.sum())[1:, 1:])
    return np.array([[people * parameter.value * (1.0 - parameter.value)]])


def with_changed(network: Network, changed: Mapping[Key, Parameter]) -> Network:
    """The network with these parameters in its nodes and in the overrides of its settings."""
    by_setting: dict[str, dict[str, Parameter]] = {}
    for (setting, name), parameter in changed.items():
        by_setting.setdefault(OWN if setting is None else setting, {})[name] = parameter
    return with_parameters_of(network, by_setting)


def rounded_for_file(
    old: Parameter, new: Parameter, *, digits: int = 4, reason: str = ""
) -> Parameter:
    """The parameter as the network file will have it.

    It is rounded to so many digits and says what it was before the first fit. Its interval is
    widened where the new value lies outside, and the reason is added to its note.
    """
    update: dict[str, object] = {
        "before_fit": old.before_fit if old.before_fit is not None else old.value
    }
    if reason:
        update["note"] = shortened(f"{old.note} {reason}".strip(), LONGEST_NOTE - 4)
    if isinstance(old, Distribution):
        assert isinstance(new, Distribution)
        return old.model_copy(update={**update, "estimate": _rounded(new.estimate, digits)})
    assert isinstance(new, Probability | Ratio)
    value = float(f"{new.value:.{digits}g}")
    update["estimate"] = value
    if old.interval is not None:
        update["interval"] = (min(old.interval[0], value), max(old.interval[1], value))
    return old.model_copy(update=update)


def shortened(note: str, most: int) -> str:
    """A note as long as the file format allows; what is longer is cut after `most` characters."""
    return note if len(note) <= LONGEST_NOTE else f"{note[:most].rstrip()} ..."


def metrics_of(blocks: Sequence[Block], parameters: Mapping[Key, Parameter]) -> list[Array]:
    """The precision of every block."""
    return [precision(block, parameters[block.key]) for block in blocks]


def _rounded(estimate: Mapping[str, float], digits: int) -> dict[str, float]:
    """So many digits, summing to 1 exactly: the largest takes what is left."""
    rounded = {s: float(f"{p:.{digits}g}") for s, p in estimate.items()}
    largest = max(rounded, key=rounded.__getitem__)
    rounded[largest] = round(1.0 - sum(p for s, p in rounded.items() if s != largest), 12)
    return rounded
