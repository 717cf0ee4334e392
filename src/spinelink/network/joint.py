"""How fitted parameters vary together: the joint covariance of their coordinates."""

from __future__ import annotations

from collections.abc import Callable
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


@dataclass(frozen=True, eq=False)
class JointCovariance:
    """The covariance of fitted coordinates.

    keys: the coordinates. covariance: of these, (coordinates, coordinates).
    """

    keys: tuple[CoordinateKey, ...]
    covariance: Array

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

    def only(self, keep: Callable[[Key], bool]) -> JointCovariance | None:
        """The covariance of the parameters that `keep` is true of; None where there are none."""
        rows = [k for k, (setting, name, _) in enumerate(self.keys) if keep((setting, name))]
        if len(rows) == len(self.keys):
            return self
        if not rows:
            return None
        return JointCovariance(
            tuple(self.keys[k] for k in rows), self.covariance[np.ix_(rows, rows)]
        )


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
