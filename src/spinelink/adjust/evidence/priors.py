"""What each parameter is believed to be before any figure is read.

A word stands for a place on a scale; the places and the widths of the scales are estimated in the
fit. An interval that was elicited is widened: experts' intervals are too narrow in all known
experiments (O'Hagan et al. 2006), so that no interval is narrower than `FLOOR`, and one factor for
all of them is estimated. Demographics are data: they keep the uncertainty of their surveys.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.coordinates import Coordinates, precision
from spinelink.network.coordinates import Block
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.parameter import Parameter, Ratio
from spinelink.network.parameter_ids import owner
from spinelink.network.scale import SCALE_OF, WORD_SPREAD

Array = NDArray[np.float64]
Ints = NDArray[np.intp]

FLOOR = 0.35
"""Least standard deviation of an elicited parameter, in log odds or log ratio: a factor of two
either way within 95 %."""
ELICITED, DEMOGRAPHIC = "elicited", "demographic"
CENSUS = 1000.0
"""Equivalent sample size from which on the prior of a context is data, whatever its grade."""


@dataclass(frozen=True, eq=False)
class Priors:
    """Normal priors of all coordinates.

    mean: (coordinates,). own: covariance of each parameter by itself, block-diagonal,
    (coordinates, coordinates). shared: a column for each word that occurs, with the standard
    deviation of its place on the scale, (coordinates, words). kind: what each coordinate's own
    spread is multiplied by, as a position in `kinds`; -1 where nothing.
    """

    mean: Array
    own: Array
    shared: Array
    kind: Ints
    kinds: tuple[str, ...]
    words: tuple[str, ...]

    @classmethod
    def of(cls, coordinates: Coordinates) -> Priors:
        """The priors that the parameters state."""
        network, size = coordinates.network, len(coordinates.start)
        own, kind = np.zeros((size, size)), np.full(size, -1, dtype=np.intp)
        kinds: dict[str, int] = {}
        words: dict[str, list[slice]] = {}
        for block in coordinates.blocks:
            parameter = coordinates.parameters[block.key]
            own[block.slice, block.slice] = _covariance(network, block, parameter)
            name = _kind(network, block, parameter)
            if name != DEMOGRAPHIC:
                kind[block.slice] = kinds.setdefault(name, len(kinds))
            if (word := parameter.word) is not None:
                words.setdefault(word, []).append(block.slice)
        shared = np.zeros((size, len(words)))
        for column, places in enumerate(words.values()):
            for place in places:
                shared[place, column] = WORD_SPREAD
        return cls(coordinates.start.copy(), own, shared, kind, tuple(kinds), tuple(words))

    def covariance(self, factors: Array) -> Array:
        """The covariance where own spreads are multiplied by these factors, (kinds,)."""
        return self.scaled_own(factors) + self.shared @ self.shared.T

    def scaled_own(self, factors: Array) -> Array:
        """The same without what a word's parameters share."""
        factor = np.ones(len(self.mean))
        varied = self.kind >= 0
        factor[varied] = factors[self.kind[varied]]
        return self.own * factor[:, np.newaxis] * factor

    @cached_property
    def size(self) -> int:
        """How many coordinates."""
        return len(self.mean)


def _covariance(network: Network, block: Block, parameter: Parameter) -> Array:
    covariance: Array = np.linalg.inv(precision(block, parameter)).astype(np.float64)
    if _is_demographic(network.nodes[owner(block.id)], parameter):
        return covariance
    least = np.sqrt(np.diag(covariance)).min()
    return np.asarray(covariance * max(FLOOR / float(least), 1.0) ** 2, dtype=np.float64)


def _kind(network: Network, block: Block, parameter: Parameter) -> str:
    if (word := parameter.word) is not None:
        return SCALE_OF[word]
    if _is_demographic(network.nodes[owner(block.id)], parameter):
        return DEMOGRAPHIC
    return f"{ELICITED} {'ratio' if isinstance(parameter, Ratio) else 'probability'}"


def _is_demographic(node: Node, parameter: Parameter) -> bool:
    """Whether a parameter is data of a census or survey, which figures about patients do not move."""
    if node.role != "context" or node.cpd.kind != "prior":
        return False
    people = getattr(parameter, "equivalent_sample_size", None) or 0.0
    return parameter.grade == "measured" or people >= CENSUS
