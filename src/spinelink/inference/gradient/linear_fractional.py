"""What posteriors are as functions of the network's numbers, one at a time.

Where a number enters the tables of its node linearly and moves no other node's intercept, P(findings) and P(x, findings) are linear in it, so that
P(x | findings) = (alpha t + beta) / (gamma t + delta) exactly (Castillo, Gutierrez, Hadi 1997; Coupe and van der Gaag 2002); the coefficients of all numbers come
out of one upward and one downward pass. The other numbers ("curved": odds ratios, prevalences of log-odds nodes, and what lies above such a node) have
the same form as a tangent, and are followed exactly by running many values side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import ParameterError, UnknownNameError
from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.compile import compile_network
from spinelink.inference.draws import draw_marginals, spread
from spinelink.inference.findings import Observed
from spinelink.inference.gradient.by_entry import derivatives
from spinelink.inference.gradient.by_parameter import parameter_slopes
from spinelink.network.cpd import LogOdds
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Ratio

Array = NDArray[np.float64]


@dataclass(frozen=True, order=True)
class Number:
    """One number of the network; of a distribution, the probability of one state (the others keep their proportions)."""

    id: str
    state: str | None = None

    def __str__(self) -> str:
        return self.id if self.state is None else f"{self.id}[{self.state}]"


@dataclass(frozen=True, eq=False)
class Lines:
    """P(findings) and P(target, findings) over P(findings) at the estimates, as lines in each number: value at the estimate, and slope.

    estimates, evidence: (numbers,). posteriors: (targets,). targets: (numbers, targets). curved: (numbers,), where the lines are tangents only.
    """

    numbers: tuple[Number, ...]
    estimates: Array
    evidence: Array
    posteriors: Array
    targets: Array
    curved: NDArray[np.bool_]

    def derivatives(self) -> Array:
        """D P(target | findings) / d number, (numbers, targets)."""
        found: Array = self.targets - self.posteriors * self.evidence[:, np.newaxis]
        return found


def curved_nodes(network: Network, compiled: CompiledNetwork) -> frozenset[str]:
    """Nodes of which some or all numbers are curved: log-odds nodes, and all that lies above one whose intercept is solved."""
    found = {name for name, node in network.nodes.items() if isinstance(node.cpd, LogOdds)}
    solved = [
        compiled.index[n]
        for n in found
        if getattr(network.nodes[n].cpd, "prevalence", None) is not None
    ]
    return frozenset(
        found | {compiled.names[i] for n in solved for i in compiled.ancestors(compiled.parents[n])}
    )


def states_of(network: Network, number: str, parameter: Distribution) -> tuple[str, ...]:
    """The states of a distribution, in the order of its node."""
    node = network.nodes[number.split(".")[0]]
    assert set(node.states) == set(parameter.estimate)
    return node.states


def numbers_of(
    network: Network, parameters: Mapping[str, Parameter], ids: Sequence[str]
) -> tuple[Number, ...]:
    """Each number, each state of a distribution by itself."""
    found: list[Number] = []
    for name in ids:
        p = parameters[name]
        found += (
            [Number(name, s) for s in states_of(network, name, p)]
            if isinstance(p, Distribution)
            else [Number(name)]
        )
    return tuple(found)


def lines(
    network: Network,
    parameters: Mapping[str, Parameter],
    values: Mapping[str, Array],
    compiled: CompiledNetwork,
    observed: Observed,
    targets: Sequence[tuple[int, int, bool]],
) -> Lines:
    """All lines at once. targets: (node, state, whether the probability of the state or, where False, of all others is meant); hidden nodes.

    Raises as `derivatives`.
    """
    found = derivatives(compiled, observed, [(node, state) for node, state, _ in targets])
    slopes = parameter_slopes(network, values, compiled, found.factors)
    relevant = {
        compiled.names[i]
        for i in compiled.ancestors([*observed, *(node for node, _, _ in targets)])
    }
    numbers = numbers_of(
        network, parameters, [name for name in parameters if name.split(".")[0] in relevant]
    )
    sign = np.array([1.0 if own else -1.0 for _, _, own in targets])
    posteriors = np.where(sign > 0.0, found.posteriors, 1.0 - found.posteriors)
    columns = np.array(
        [_along(values[n.id], slopes[n.id], _position(network, n)) for n in numbers]
    ).reshape(len(numbers), -1)
    evidence = columns[:, 0]  # d log P(findings)
    bent = curved_nodes(network, compiled)
    return Lines(
        numbers,
        np.array(
            [
                float(
                    values[n.id][0] if n.state is None else values[n.id][_position(network, n), 0]
                )
                for n in numbers
            ]
        ),
        evidence,
        posteriors,
        sign * columns[:, 1:] + posteriors * evidence[:, np.newaxis],
        np.array([n.id.split(".")[0] in bent for n in numbers], dtype=bool),
    )


def _position(network: Network, number: Number) -> int | None:
    return (
        None
        if number.state is None
        else network.nodes[number.id.split(".")[0]].states.index(number.state)
    )


def _along(value: Array, slope: Array, position: int | None) -> Array:
    """The derivative along one state's probability while the others keep their proportions, (columns,)."""
    return slope if position is None else np.asarray(covariation(value[:, 0], position) @ slope)


def covariation(probabilities: Array, position: int) -> Array:
    """D probabilities / d probability of the state at `position`, proportional in the others (equal shares where these are all 0)."""
    others = np.delete(np.arange(len(probabilities)), position)
    left = probabilities[others].sum()
    found = np.ones(len(probabilities))
    found[others] = -(probabilities[others] / left if left > 0.0 else 1.0 / len(others))
    return found


def with_number(network: Network, value: Array, number: Number, t: Array) -> Array:
    """The number's array, (states, values) or (values,), where it takes the values t, (values,)."""
    position = _position(network, number)
    if position is None:
        return t
    column = value[:, 0]
    moved = column[:, np.newaxis] + covariation(column, position)[:, np.newaxis] * (
        t - column[position]
    )
    return np.asarray(np.clip(moved, 0.0, 1.0))


def along(
    network: Network,
    values: Mapping[str, Array],
    compiled: CompiledNetwork,
    observed: Observed,
    nodes: Sequence[int],
    settings: Sequence[Mapping[Number, float]],
) -> Marginals:
    """The answers under each of many settings of numbers, side by side: log P(findings), (settings,), and posteriors, (states, settings)."""
    changed: dict[str, Array] = {}
    for number in dict.fromkeys(n for each in settings for n in each):
        whole = changed.get(number.id)
        if whole is None:
            value = values[number.id]
            whole = np.tile(value, len(settings)) if value.shape[-1] == 1 else value.copy()
        rows = np.array([k for k, each in enumerate(settings) if number in each])
        t = np.array([settings[k][number] for k in rows], dtype=float)
        whole[..., rows] = with_number(network, values[number.id], number, t)
        changed[number.id] = whole
    batch = compile_network(network, {**values, **changed}, resources=compiled.resources)
    return spread(draw_marginals(batch, observed, nodes), len(settings))


def limits(parameter: Parameter) -> tuple[float, float]:
    """Between what a number may lie at all."""
    return (0.0, np.inf) if isinstance(parameter, Ratio) else (0.0, 1.0)


def read_number(network: Network, parameters: Mapping[str, Parameter], name: str) -> Number:
    """`id`, or `id[state]` for one state of a distribution. Raises UnknownNameError."""
    base, bracket, rest = str(name).partition("[")
    if base not in parameters:
        raise UnknownNameError(
            base, kind="parameter", allowed=parameters, where=f"network {network.name!r}"
        )
    p = parameters[base]
    state = rest.removesuffix("]") if bracket else None
    if isinstance(p, Distribution):
        if state not in p.estimate:
            raise UnknownNameError(
                str(state),
                kind="state",
                allowed=p.estimate,
                where=f"{base}, a distribution: write {base}[state]",
            )
    elif state is not None:
        raise ParameterError(f"{base} is one number; write it without [{state}].")
    return Number(base, state)
