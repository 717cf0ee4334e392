"""What a fit to claims minimises: how far claims are off, and how far parameters moved.

Summed over claims, the negative logarithm of a Student t density with four degrees of freedom of
(implied - published) / error, on the log-odds or log scale. So a figure that contradicts the others
pulls with bounded force. Summed over parameters, the negative logarithm of each one's own density:
Beta on the log-odds scale (its mode is the estimate), normal on the log scale for odds ratios,
Dirichlet for distributions. A claim's error is that of its published interval together with a
spread between studies, which grows as the fit of the question falls (`SPREAD`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.coordinates import (
    Block,
    Coordinates,
    Key,
    key_of,
    layout,
    precision,
    slopes_by_coordinates,
    with_changed,
)
from spinelink.adjust.vary import Vary, parameters_to_vary
from spinelink.case import Model
from spinelink.claims.implied import implied, implied_slopes
from spinelink.errors import SpinelinkError
from spinelink.inference.compile import compile_setting, point_values
from spinelink.inference.gradient.by_parameter import parameter_slopes
from spinelink.network.claim import Claim, Fit
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Probability, Ratio
from spinelink.network.setting import parameters_in
from spinelink.network.uncertainty import before_fit, log_deviation, spread_weight

Array = NDArray[np.float64]

SPREAD: Mapping[Fit, float] = {"same population": 0.05, "near": 0.12, "far": 0.7}
"""Standard deviation between studies, in log odds or log ratio.

Judged: medians of meta-analyses of prevalence lie near 0.5 for what is pooled freely.
"""

WEIGHT: Mapping[Fit, float] = {"same population": 3.0, "near": 1.0, "far": 1.0}
"""What a claim counts.

Judged: a figure of the very people that a setting is about outweighs three of others.
"""

FITTED: tuple[Fit, ...] = ("same population", "near")
"""How well the question of a claim must fit the study for the claim to pull."""
FREEDOM = 4.0
"""Degrees of freedom of Student's t."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The network at some coordinates.

    scaled: what it implies on the scale of comparison, (claims,). value: what is minimised.
    """

    network: Network
    scaled: Array
    value: float


@dataclass(frozen=True, eq=False)
class Objective:
    """The claims and the parameters that may move.

    pulls: what each claim counts, (claims,); 0 where it does not pull.
    """

    model: Model
    claims: Mapping[str, Claim]
    coordinates: Coordinates
    pulls: Array

    @property
    def start(self) -> Array:
        """The coordinates before anything moves."""
        return self.coordinates.start

    @cached_property
    def published(self) -> Array:
        """The published figures on the scale of comparison, (claims,)."""
        return np.array([c.centre_and_error[0] for c in self.claims.values()])

    @cached_property
    def published_error(self) -> Array:
        """Their standard errors, (claims,)."""
        return np.array([c.centre_and_error[1] for c in self.claims.values()])

    @cached_property
    def error(self) -> Array:
        """The standard errors with the spread between studies, (claims,)."""
        spread = [SPREAD[c.fit] for c in self.claims.values()]
        return np.asarray(np.hypot(self.published_error, spread))

    @cached_property
    def by_setting(self) -> Mapping[str | None, list[int]]:
        """The positions of the claims of each setting."""
        rows: dict[str | None, list[int]] = {}
        for k, claim in enumerate(self.claims.values()):
            rows.setdefault(setting_of(claim, self.model.network), []).append(k)
        return rows

    def evaluate(self, theta: Array) -> Evaluation:
        """What the network implies at these coordinates.

        Raises:
            SpinelinkError: the people of a claim cannot occur.
        """
        network = self.coordinates.network_at(theta)
        claims = list(self.claims.values())
        scaled = np.empty(len(claims))
        for setting, rows in self.by_setting.items():
            compiled = compile_setting(network, setting, resources=self.model.compiled.resources)
            scaled[rows] = implied(network, compiled, [claims[k] for k in rows]).scaled
        if not np.isfinite(scaled).all():
            name = list(self.claims)[int(np.flatnonzero(~np.isfinite(scaled))[0])]
            raise SpinelinkError(
                f"claim {name} asks for people, or a finding, that cannot occur in network "
                f"{network.name!r}"
            )
        z = (scaled - self.published) / self.error
        of_claims = self.pulls * (FREEDOM + 1.0) / 2.0 * np.log1p(z * z / FREEDOM)
        return Evaluation(network, scaled, float(of_claims.sum()) + self._prior(theta))

    def _prior(self, theta: Array) -> float:
        """Negative log density of the parameters, less that at their estimates."""
        total = 0.0
        for block in self.coordinates.blocks:
            old = self.coordinates.parameters[block.key]
            total += _negative_log_density(
                block, old, new=self.coordinates.parameter_at(theta, block)
            )
        return float(total)

    def slopes(self, theta: Array, evaluation: Evaluation) -> tuple[Array, Array]:
        """Gradient and Gauss-Newton curvature of what is minimised at the evaluated coordinates."""
        jacobian = self._jacobian(evaluation.network)
        z = (evaluation.scaled - self.published) / self.error
        pull = self.pulls * (FREEDOM + 1.0) / (FREEDOM + z * z)
        gradient = jacobian.T @ (pull * z / self.error)
        curvature = (jacobian * (pull / self.error**2)[:, np.newaxis]).T @ jacobian
        for block in self.coordinates.blocks:
            here = block.slice
            old = self.coordinates.parameters[block.key]
            new = self.coordinates.parameter_at(theta, block)
            gradient[here] += _prior_gradient(block, old, new=new)
            curvature[here, here] += _prior_curvature(block, old, new=new)
        return gradient, curvature

    def _jacobian(self, network: Network) -> Array:
        """Derivatives of what is implied by the coordinates, (claims, coordinates)."""
        coordinates = self.coordinates
        blocks = {block.key: block for block in coordinates.blocks}
        claims = list(self.claims.values())
        jacobian = np.zeros((len(claims), len(coordinates.start)))
        for setting, rows in self.by_setting.items():
            values = point_values(network, parameters_in(network, setting))
            compiled = compile_setting(network, setting, resources=self.model.compiled.resources)
            pulling = [k for k in rows if self.pulls[k] > 0.0]
            if not pulling:
                continue
            _, entries = implied_slopes(network, compiled, claims=[claims[k] for k in pulling])
            slopes = parameter_slopes(network, compiled, values=values, entries=entries)
            for name, slope in slopes.items():
                block = blocks.get(key_of(coordinates.network, name, setting=setting))
                if block is not None:
                    parameter = coordinates.parameters[block.key]
                    jacobian[pulling, block.slice] = slopes_by_coordinates(
                        network, block, parameter=parameter, value=values[name], slope=slope
                    ).T
        return jacobian


def claim_objective(
    model: Model,
    claims: Mapping[str, Claim],
    *,
    vary: Vary = None,
    fits: Sequence[Fit] = FITTED,
    leave_out: Collection[str] = (),
) -> Objective:
    """The objective of a model and claims; see `fit_to_claims`."""
    network = model.network
    parameters: dict[Key, Parameter] = {}
    for setting in dict.fromkeys(setting_of(c, network) for c in claims.values()):
        for name, parameter in parameters_in(network, setting).items():
            parameters.setdefault(key_of(network, name, setting=setting), before_fit(parameter))
    chosen = parameters_to_vary(network, (name for _, name in parameters), vary=vary)
    blocks = layout(parameters, [key for key in parameters if key[1] in chosen])
    before = {block.key: parameters[block.key] for block in blocks}
    pulling = [c.fit in fits and name not in leave_out for name, c in claims.items()]
    weights = np.array([WEIGHT[c.fit] for c in claims.values()])
    pulls = _study_shares(list(claims.values())) * weights * pulling
    return Objective(
        model, claims, Coordinates(with_changed(network, before), before, blocks), pulls
    )


def setting_of(claim: Claim, network: Network) -> str | None:
    """The setting in which a claim is asked."""
    return claim.setting or network.default_setting


def _study_shares(claims: Sequence[Claim]) -> Array:
    """What each claim counts beside others of its study about the same, (claims,).

    Sensitivity, specificity and both likelihood ratios of one study are two figures, not four:
    they share the weight of two.
    """
    groups: dict[str, list[int]] = {}
    for k, c in enumerate(claims):
        study = (c.source, c.finding, c.condition, c.comparator, c.population, c.setting)
        groups.setdefault(str(study), []).append(k)
    shares = np.ones(len(claims))
    for members in groups.values():
        shares[members] = min(1.0, 2.0 / len(members))
    return shares


def _negative_log_density(block: Block, old: Parameter, *, new: Parameter) -> float:
    """Of a parameter under its own uncertainty, less that at its estimate."""
    if isinstance(old, Ratio):
        assert isinstance(new, Ratio)
        return float(0.5 * (np.log(new.estimate / old.estimate) / log_deviation(old)) ** 2)
    if isinstance(old, Distribution):
        assert isinstance(new, Distribution)
        pairs = [(old.estimate[s], new.estimate[s]) for s in block.states]
        return float(spread_weight(old) * sum(m * np.log(m / p) for m, p in pairs))
    assert isinstance(new, Probability)
    m, p = old.value, new.value
    divergence = m * np.log(m / p) + (1.0 - m) * np.log((1.0 - m) / (1.0 - p))
    return float(spread_weight(old) * divergence)


def _prior_gradient(block: Block, old: Parameter, *, new: Parameter) -> Array:
    """Derivatives of the negative log density by the coordinates, (size,)."""
    if isinstance(old, Ratio):
        assert isinstance(new, Ratio)
        return np.array([np.log(new.estimate / old.estimate) / log_deviation(old) ** 2])
    if isinstance(old, Distribution):
        assert isinstance(new, Distribution)
        moves = [new.estimate[s] - old.estimate[s] for s in block.states]
        return np.asarray(spread_weight(old) * np.array(moves)[1:])
    assert isinstance(new, Probability)
    return np.array([spread_weight(old) * (new.value - old.value)])


def _prior_curvature(block: Block, old: Parameter, *, new: Parameter) -> Array:
    """Its second derivatives at the new value, (size, size): the old weight, the new spread."""
    if isinstance(old, Ratio):
        return precision(block, old)
    return precision(block, new, weight=spread_weight(old))
