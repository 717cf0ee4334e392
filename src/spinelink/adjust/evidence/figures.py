"""Claims as figures on one scale: what was published, what a network implies, and its derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.coordinates import Coordinates
from spinelink.case import Model
from spinelink.claims.implied import implied, implied_slopes
from spinelink.claims.studies import studies_of
from spinelink.errors import SpinelinkError
from spinelink.inference.compile import compile_setting, point_values
from spinelink.inference.gradient.by_coordinate import slopes_by_coordinates
from spinelink.inference.gradient.by_parameter import parameter_slopes
from spinelink.network.claim import Claim
from spinelink.network.coordinates import Block, Key, key_of
from spinelink.network.setting import parameters_in

Array = NDArray[np.float64]
Ints = NDArray[np.intp]

QUANTITIES: Mapping[str, str] = {
    "prevalence": "prevalence",
    "p_finding_given_condition": "finding with the condition",
    "sensitivity": "finding with the condition",
    "p_finding_given_no_condition": "finding without the condition",
    "specificity": "finding without the condition",
    "post_test_probability": "prevalence",
    "lr_positive": "likelihood ratio",
    "lr_negative": "likelihood ratio",
    "odds_ratio": "odds ratio",
    "relative_risk": "odds ratio",
}
"""Kind of claim -> kind of quantity. Figures of one kind share a spread between studies."""

Asked = tuple[str | None, tuple[str, ...]]
"""The setting in which a claim is asked, and further selections."""


@dataclass(frozen=True, eq=False)
class Figures:
    """Claims, and the parameters on which what is implied for them depends.

    Arrays are (claims,). published, variance: the figure and its sampling variance, on the log-odds
    or log scale. study, group: whose figure it is, and of which kind and grade (`groups`).
    """

    model: Model
    claims: Mapping[str, Claim]
    coordinates: Coordinates

    @cached_property
    def published(self) -> Array:
        """The published figures on the scale of comparison."""
        return np.array([c.centre_and_error[0] for c in self.claims.values()])

    @cached_property
    def variance(self) -> Array:
        """Their sampling variances."""
        return np.array([c.centre_and_error[1] ** 2 for c in self.claims.values()])

    @cached_property
    def studies(self) -> tuple[str, ...]:
        """The studies, in the order of their first claims."""
        return tuple(dict.fromkeys(studies_of(self.claims).values()))

    @cached_property
    def study(self) -> Ints:
        """The study of each claim, by its position in `studies`."""
        position = {name: k for k, name in enumerate(self.studies)}
        return np.array([position[s] for s in studies_of(self.claims).values()], dtype=np.intp)

    @cached_property
    def groups(self) -> tuple[tuple[str, str], ...]:
        """Kinds of quantity and grades of fit that occur."""
        return tuple(sorted({_group(c) for c in self.claims.values()}))

    @cached_property
    def group(self) -> Ints:
        """The kind and grade of each claim, by its position in `groups`."""
        return np.array([self.groups.index(_group(c)) for c in self.claims.values()], dtype=np.intp)

    @cached_property
    def by_asked(self) -> Mapping[Asked, list[int]]:
        """The positions of the claims that are asked in the same people."""
        rows: dict[Asked, list[int]] = {}
        network = self.model.network
        for k, claim in enumerate(self.claims.values()):
            setting = claim.setting or network.default_setting
            rows.setdefault((setting, claim.given), []).append(k)
        return rows

    def implied_by(self, theta: Array) -> Array:
        """What the network implies at these coordinates, (claims,).

        Raises:
            SpinelinkError: the people of a claim, or its finding, cannot occur.
        """
        network = self.coordinates.network_at(theta)
        claims = list(self.claims.values())
        scaled = np.empty(len(claims))
        for (setting, given), rows in self.by_asked.items():
            compiled = compile_setting(
                network, setting, given=given, resources=self.model.compiled.resources
            )
            scaled[rows] = implied(network, compiled, [claims[k] for k in rows]).scaled
        if not np.isfinite(scaled).all():
            name = list(self.claims)[int(np.flatnonzero(~np.isfinite(scaled))[0])]
            raise SpinelinkError(
                f"claim {name} asks for people, or a finding, that cannot occur in network "
                f"{network.name!r}"
            )
        return scaled

    def slopes_at(self, theta: Array) -> Array:
        """Derivatives of what is implied by the coordinates, (claims, coordinates)."""
        network = self.coordinates.network_at(theta)
        claims = list(self.claims.values())
        jacobian = np.zeros((len(claims), len(theta)))
        for (setting, given), rows in self.by_asked.items():
            compiled = compile_setting(
                network, setting, given=given, resources=self.model.compiled.resources
            )
            _, entries = implied_slopes(network, compiled, claims=[claims[k] for k in rows])
            values = point_values(network, parameters_in(network, setting))
            slopes = parameter_slopes(network, compiled, values=values, entries=entries)
            for name, slope in slopes.items():
                block = self._blocks.get(key_of(self.coordinates.network, name, setting=setting))
                if block is not None:
                    jacobian[rows, block.slice] = slopes_by_coordinates(
                        network,
                        block,
                        parameter=self.coordinates.parameters[block.key],
                        value=values[name],
                        slope=slope,
                    ).T
        return jacobian

    @cached_property
    def _blocks(self) -> dict[Key, Block]:
        return {block.key: block for block in self.coordinates.blocks}


def _group(claim: Claim) -> tuple[str, str]:
    return QUANTITIES[claim.kind], claim.fit
