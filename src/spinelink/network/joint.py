"""How fitted parameters vary together: their joint covariance, exact or of low rank.

C = diag(d) + R diag(s) R', with d the variances of independent parameters. On the scale of standard
deviations, C has eigenvalues l; R holds the directions with l far from 1, and s = l - 1. Where
eigenvalues between exp(-t) and exp(t) are left out, the variance of every answer, to first order,
is off by no more than that factor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from spinelink.network.coordinates import Block, Key
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter
from spinelink.network.setting import parameters_in

Array = NDArray[np.float64]
CoordinateKey = tuple[str | None, str, str | None]
"""Setting (None: the node's own parameter), parameter id, and state of a distribution."""

LOSS = 0.05
"""What is stored leaves the variance of every answer within the factor exp(0.05), to first order."""


@dataclass(frozen=True, eq=False)
class JointCovariance:
    """The covariance of fitted coordinates.

    keys: the coordinates. variances: d, (coordinates,). directions: R, (coordinates, rank).
    strengths: s, (rank,).
    """

    keys: tuple[CoordinateKey, ...]
    variances: Array
    directions: Array
    strengths: Array

    @classmethod
    def of(
        cls, keys: Sequence[CoordinateKey], covariance: Array, *, loss: float = 0.0
    ) -> JointCovariance:
        """A covariance, (coordinates, coordinates); `loss` is t above, 0 keeps everything."""
        deviations = np.sqrt(np.diag(covariance))
        values, vectors = np.linalg.eigh(covariance / np.outer(deviations, deviations))
        values = np.maximum(values, 1e-12)
        kept = np.abs(np.log(values)) >= loss
        return cls(
            tuple(keys),
            deviations**2,
            np.asarray(deviations[:, np.newaxis] * vectors[:, kept]),
            np.asarray(values[kept] - 1.0),
        )

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def places(self) -> dict[Key, slice]:
        """Where the coordinates of each parameter stand."""
        found: dict[Key, slice] = {}
        start = 0
        for key, group in groupby(self.keys, key=lambda k: k[:2]):
            size = len(list(group))
            found[key] = slice(start, start + size)
            start += size
        return found

    def block(self, key: Key, parameter: Parameter) -> Block:
        """The coordinates of a parameter that stands here. Raises KeyError where they do not fit it."""
        place = self.places[key]
        states = tuple(state for _, _, state in self.keys[place])
        if not isinstance(parameter, Distribution):
            if states != (None,):
                raise KeyError(key)
            return Block(key, place.start, ())
        first = [s for s, p in parameter.estimate.items() if p > 0.0 and s not in states]
        varying = (*first, *(s for s in states if s and parameter.estimate.get(s, 0.0) > 0.0))
        if len(first) != 1 or len(varying) != len(states) + 1:
            raise KeyError(key)
        return Block(key, place.start, varying)

    def times(self, slopes: Array) -> Array:
        """C times slopes, (coordinates, columns)."""
        along = self.strengths[:, np.newaxis] * (self.directions.T @ slopes)
        return np.asarray(self.variances[:, np.newaxis] * slopes + self.directions @ along)

    def part(self, rows: Sequence[int]) -> Array:
        """The covariance of some coordinates, (rows, rows)."""
        directions = self.directions[rows]
        return np.asarray(
            np.diag(self.variances[rows]) + (directions * self.strengths) @ directions.T
        )

    def only(self, keep: Callable[[Key], bool]) -> JointCovariance | None:
        """The covariance of the parameters that `keep` is true of; None where there are none."""
        rows = [k for k, (setting, name, _) in enumerate(self.keys) if keep((setting, name))]
        if len(rows) == len(self.keys):
            return self
        if not rows:
            return None
        keys = tuple(self.keys[k] for k in rows)
        return JointCovariance(keys, self.variances[rows], self.directions[rows], self.strengths)

    def compact(self) -> JointCovariance:
        """Of low rank, as files keep it; itself where it is of low rank already."""
        if self.directions.shape[1] < len(self):
            return self
        return JointCovariance.of(self.keys, self.part(range(len(self))), loss=LOSS)


def joint_of_unchanged(
    joint: JointCovariance | None, before: Network, after: Network
) -> JointCovariance | None:
    """The covariance of the parameters that are fitted and the same in both networks."""
    if joint is None:
        return None
    old, new = (_by_place(network, joint) for network in (before, after))
    return joint.only(
        lambda key: (p := new.get(key)) is not None and p.fitted is not None and p == old.get(key)
    )


def check_joint(joint: JointCovariance, network: Network) -> None:
    """Raises KeyError where a coordinate is of no fitted parameter of the network."""
    parameters = _by_place(network, joint)
    for key in joint.places:
        if parameters[key].fitted is None:
            raise KeyError(key)
        joint.block(key, parameters[key])


def _by_place(network: Network, joint: JointCovariance) -> dict[Key, Parameter]:
    """The parameters of the nodes, and of the settings' overrides."""
    found: dict[Key, Parameter] = {(None, n): p for n, p in parameters_in(network, None).items()}
    for setting in dict.fromkeys(s for s, _ in joint.places if s is not None):
        overrides = network.settings[setting].overrides
        found |= {(setting, name): p for name, p in overrides.items()}
    return found
