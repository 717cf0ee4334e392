"""Where a parameter stands on a scale without bounds, and which setting it belongs to.

Log odds of a probability, the logarithm of an odds ratio, log(p_k / p_0) of a distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Ratio

Array = NDArray[np.float64]
Key = tuple[str | None, str]
"""The setting whose override the parameter is (None: the node's own parameter), and its id."""


@dataclass(frozen=True, eq=False)
class Block:
    """The coordinates of one parameter.

    states: of a distribution, those that vary (p > 0); the first is the reference.
    """

    key: Key
    start: int
    states: tuple[str, ...]

    @property
    def id(self) -> str:
        """The parameter's id."""
        return self.key[1]

    @property
    def size(self) -> int:
        """The number of coordinates."""
        return max(1, len(self.states) - 1)

    @property
    def slice(self) -> slice:
        """Its coordinates in the vector."""
        return slice(self.start, self.start + self.size)


def key_of(network: Network, parameter: str, *, setting: str | None) -> Key:
    """Where a parameter of the setting stands: in the setting's overrides, or in its node."""
    overrides = network.settings[setting].overrides if setting is not None else {}
    return (setting if parameter in overrides else None, parameter)


def coordinates(block: Block, parameter: Parameter) -> Array:
    """Where the parameter stands, (size,)."""
    if isinstance(parameter, Distribution):
        reference = parameter.estimate[block.states[0]]
        return np.array([np.log(parameter.estimate[s] / reference) for s in block.states[1:]])
    if isinstance(parameter, Ratio):
        return np.array([np.log(parameter.estimate)])
    return np.array([np.log(parameter.value) - np.log1p(-parameter.value)])
