"""What a tuning is asked: constraints, parameters that may move, how change is measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.coordinates import Coordinates, layout, metrics_of, with_changed
from spinelink.adjust.tune.constraints import (
    ResolvedConstraint,
    derivatives,
    probability,
    resolve_constraints,
)
from spinelink.adjust.vary import Vary, parameters_to_vary
from spinelink.case import Model
from spinelink.errors import SpinelinkError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.compile import compile_setting, point_values
from spinelink.inference.gradient.by_coordinate import slopes_by_coordinates
from spinelink.inference.gradient.by_parameter import parameter_slopes
from spinelink.network.constraint import Constraint
from spinelink.network.coordinates import Key, key_of
from spinelink.network.network import Network
from spinelink.network.parameter import Parameter
from spinelink.network.parameter_ids import owner
from spinelink.network.setting import parameters_in

Array = NDArray[np.float64]
Minimise = Literal["standard_deviations", "log_odds"]
Answers = Sequence[Sequence[float]]
"""For every constraint the probabilities of its queries."""

MINIMISE: tuple[Minimise, ...] = ("standard_deviations", "log_odds")
LEAST = 1e-7
"""A parameter whose coordinates move less stays as it is."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A tuning to be solved.

    vary: ids of the parameters that may move and have a bearing on a constraint.
    """

    model: Model
    constraints: tuple[ResolvedConstraint, ...]
    vary: tuple[str, ...]
    minimise: Minimise

    @cached_property
    def coordinates(self) -> Coordinates:
        """The parameters that may move; all as plain estimates, so that counts can move too."""
        network, in_force = self.model.network, self.model.in_force
        by_key: dict[Key, Parameter] = {
            key_of(network, n, setting=self.model.setting): in_force[n] for n in self.vary
        }
        blocks = layout(by_key, by_key)
        plain = {b.key: _plain(by_key[b.key]) for b in blocks}
        return Coordinates(with_changed(network, plain), by_key, blocks)

    @cached_property
    def metrics(self) -> list[Array]:
        """What a change of each parameter counts: a matrix over its coordinates."""
        blocks = self.coordinates.blocks
        if self.minimise == "log_odds":
            return [np.eye(b.size) for b in blocks]
        return metrics_of(blocks, self.coordinates.parameters)

    @property
    def start(self) -> Array:
        """The coordinates before anything moves."""
        return self.coordinates.start

    def compiled(self, network: Network) -> CompiledNetwork:
        """A network with the same structure as arrays, in the model's setting."""
        resources = self.model.compiled.resources
        return compile_setting(network, self.model.setting, resources=resources)

    def answers_of(self, network: Network) -> list[list[float]]:
        """The probabilities of every constraint's queries in a network."""
        compiled = self.compiled(network)
        return [
            [probability(compiled, q, network=network) for q in c.queries] for c in self.constraints
        ]

    def answers(self, theta: Array) -> list[list[float]]:
        """The probabilities of every constraint's queries at these coordinates."""
        return self.answers_of(self.coordinates.network_at(theta))

    def evaluate(self, theta: Array) -> tuple[list[list[float]], Array]:
        """The answers, and the derivatives of the gaps, (constraints, coordinates)."""
        network = self.coordinates.network_at(theta)
        values = point_values(network, parameters_in(network, self.model.setting))
        compiled = self.compiled(network)
        answers: list[list[float]] = []
        jacobian = np.zeros((len(self.constraints), len(theta)))
        for row, constraint in enumerate(self.constraints):
            asked = [derivatives(compiled, q, network=network) for q in constraint.queries]
            answers.append([float(d.posteriors[0]) for d in asked])
            by_query = constraint.gap(answers[-1])[1]
            for weight, of_query in zip(by_query, asked, strict=True):
                slopes = parameter_slopes(
                    network, compiled, values=values, entries=of_query.factors
                )
                for block in self.coordinates.blocks:
                    slope = slopes_by_coordinates(
                        network,
                        block,
                        parameter=self.coordinates.parameters[block.key],
                        value=values[block.id],
                        slope=slopes[block.id][..., 1:],
                    )
                    jacobian[row, block.slice] += weight * slope[:, 0]
        return answers, jacobian

    def gaps(self, answers: Answers) -> Array:
        """How far every constraint is from its bound, with its sign."""
        pairs = zip(self.constraints, answers, strict=True)
        return np.array([constraint.gap(values)[0] for constraint, values in pairs])

    def residuals(self, answers: Answers) -> tuple[Array, Array]:
        """The gaps of the constraints that are violated, 0 for the others; and which are, as 1."""
        gaps = self.gaps(answers)
        violated = np.zeros(len(gaps))
        for k, constraint in enumerate(self.constraints):
            relation = constraint.constraint.relation
            wrong_side = (relation == ">=") == (gaps[k] < 0.0) and gaps[k] != 0.0
            violated[k] = float(relation == "==" or wrong_side)
        return gaps * violated, violated

    def violation(self, answers: Answers) -> float:
        """The largest gap of a violated constraint."""
        return float(np.abs(self.residuals(answers)[0]).max(initial=0.0))

    def squared_distances(self, theta: Array) -> list[float]:
        """The squared length of every parameter's change, in what is minimised."""
        moves = theta - self.start
        blocks = zip(self.coordinates.blocks, self.metrics, strict=True)
        return [float(moves[b.slice] @ metric @ moves[b.slice]) for b, metric in blocks]

    def distance(self, theta: Array) -> float:
        """The length of the whole change, in what is minimised."""
        return math.sqrt(max(sum(self.squared_distances(theta)), 0.0))

    def moving(self, theta: Array) -> list[str]:
        """Ids of the parameters that move, the farthest (in what is minimised) first."""
        moves = np.abs(theta - self.start)
        distances = zip(self.coordinates.blocks, self.squared_distances(theta), strict=True)
        far = {b.id: d for b, d in distances if moves[b.slice].max() > LEAST}
        return sorted(far, key=lambda n: (-far[n], n))

    def restricted(self, vary: Sequence[str]) -> Problem:
        """The same with fewer parameters that may move."""
        return replace(self, vary=tuple(n for n in self.vary if n in set(vary)))


def pose(
    model: Model, constraints: Iterable[Constraint], *, vary: Vary, minimise: Minimise
) -> Problem:
    """The problem of a model and constraints.

    Raises:
        SpinelinkError: there is no constraint, or no parameter that may move has a bearing on one.
        UnknownNameError: a constraint, or `vary`, names what the network does not have.
    """
    resolved = resolve_constraints(model.network, constraints)
    chosen = parameters_to_vary(model.network, model.in_force, vary=vary)
    compiled = model.compiled
    names = [n for c in resolved for q in c.queries for n, _ in (*q.event, *q.given)]
    ancestors = compiled.ancestors([compiled.index[n] for n in names])
    relevant = {compiled.names[i] for i in ancestors}
    moving = tuple(n for n in model.in_force if n in chosen and owner(n) in relevant)
    if not moving:
        raise SpinelinkError("none of the parameters that may vary has a bearing on what is asked")
    problem = Problem(model, resolved, moving, minimise)
    _ = problem.coordinates  # refuses parameters that cannot move
    return problem


def _plain(parameter: Parameter) -> Parameter:
    return parameter.model_copy(update={"estimate": parameter.value})
