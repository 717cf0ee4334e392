"""Derivatives by the coordinates of a parameter, from derivatives by its value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinelink.network.coordinates import Block
from spinelink.network.network import Network
from spinelink.network.parameter import Parameter, Ratio
from spinelink.network.parameter_ids import owner

Array = NDArray[np.float64]


def slopes_by_coordinates(
    network: Network, block: Block, *, parameter: Parameter, value: Array, slope: Array
) -> Array:
    """Derivatives by the coordinates of a block, (size, columns), from those by the parameter.

    Args:
        network: whose states a distribution is about.
        block: the coordinates.
        parameter: what kind it is.
        value: its value, (1,), or (states, 1).
        slope: derivatives by the value, (columns,), or by each probability, (states, columns).
    """
    if block.states:
        states = network.nodes[owner(block.id)].states
        order = [states.index(s) for s in block.states]
        p = value[order, 0]
        mean = (p[:, np.newaxis] * slope[order]).sum(axis=0) / p.sum()
        return np.asarray((p[:, np.newaxis] * (slope[order] - mean))[1:])
    if isinstance(parameter, Ratio):
        return np.asarray((value * slope)[np.newaxis])
    return np.asarray((value * (1.0 - value) * slope)[np.newaxis])
