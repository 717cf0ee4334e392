"""Fitted parameters that vary together: correlated normal draws of their coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.network.coordinates import Block, coordinates, key_of
from spinelink.network.joint import JointCovariance
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Ratio
from spinelink.network.parameter_ids import owner

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Together:
    """The parameters in force that vary together.

    blocks: parameter id -> its coordinates in the covariance.
    """

    network: Network
    joint: JointCovariance
    blocks: Mapping[str, Block]

    def sizes(self, names: Sequence[str]) -> int:
        """How many coordinates some parameters have."""
        return sum(self.blocks[name].size for name in names)

    def drawn(
        self, parameters: Mapping[str, Parameter], values: Mapping[str, Array], *, uniforms: Array
    ) -> dict[str, Array]:
        """Values of some parameters at uniform quantiles, (draws,) or (states, draws).

        Args:
            parameters: those to draw, by id.
            values: their estimates.
            uniforms: (draws, coordinates). The first columns move along the widest directions.
        """
        from scipy.special import ndtri

        blocks = [self.blocks[name] for name in parameters]
        rows = [row for block in blocks for row in range(block.start, block.start + block.size)]
        variances, vectors = np.linalg.eigh(self.joint.covariance[np.ix_(rows, rows)])
        root = vectors[:, ::-1] * np.sqrt(np.maximum(variances[::-1], 0.0))
        moves = root @ ndtri(uniforms).T  # (coordinates, draws)
        found: dict[str, Array] = {}
        start = 0
        for block, (name, parameter) in zip(blocks, parameters.items(), strict=True):
            x = coordinates(block, parameter)[:, np.newaxis] + moves[start : start + block.size]
            found[name] = self._values_at(x, block, parameter=parameter, value=values[name])
            start += block.size
        return found

    def _values_at(self, x: Array, block: Block, *, parameter: Parameter, value: Array) -> Array:
        """The parameter at coordinates x, (size, draws); states that do not vary keep their share."""
        if isinstance(parameter, Distribution):
            states = self.network.nodes[owner(block.id)].states
            order = [states.index(s) for s in block.states]
            logs = np.concatenate([np.zeros((1, x.shape[1])), x])
            p = np.exp(logs - logs.max(axis=0))
            found = np.repeat(value, x.shape[1], axis=1)
            found[order] = p * (value[order].sum() / p.sum(axis=0))
            return found
        return np.asarray(np.exp(x[0]) if isinstance(parameter, Ratio) else 1 / (1 + np.exp(-x[0])))


def parameters_together(
    joint: JointCovariance | None,
    network: Network,
    *,
    setting: str | None,
    parameters: Mapping[str, Parameter],
) -> Together | None:
    """The parameters in force of which the covariance is known; None where there are none."""
    if joint is None:
        return None
    keys = {name: key_of(network, name, setting=setting) for name in parameters}
    blocks = {
        name: joint.block(keys[name], parameter)
        for name, parameter in parameters.items()
        if keys[name] in joint.places and parameter.fitted is not None
    }
    return Together(network, joint, blocks) if blocks else None
