"""What posteriors are as functions of the network's parameters, one at a time.

Take a parameter that enters the table of its node linearly and moves no intercept. P(findings) and
P(x, findings) are then linear in it, so P(x | findings) = (alpha t + beta) / (gamma t + delta)
exactly (Castillo, Gutiérrez and Hadi 1997, IEEE Trans SMC A 27:412; Coupé and van der Gaag 2002,
Ann Math Artif Intell 36:323). One upward and one downward pass gives the coefficients of all
parameters.

The others are called nonlinear: odds ratios, prevalences of log-odds nodes, and what lies above
such a node. For them the same form is a tangent. `marginals_under` follows them exactly, with many
values computed together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import ParameterError, UnknownNameError, shown
from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.compile import compile_network
from spinelink.inference.draws import draw_marginals
from spinelink.inference.findings import Observed
from spinelink.inference.gradient.by_entry import Derivatives
from spinelink.inference.gradient.by_parameter import parameter_slopes
from spinelink.network.cpd import LogOdds
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Ratio
from spinelink.network.parameter_ids import owner

Array = NDArray[np.float64]


@dataclass(frozen=True, order=True)
class ParameterRef:
    """A parameter, or one state of a distribution (its other states keep their proportions)."""

    id: str
    state: str | None = None

    def __str__(self) -> str:
        return self.id if self.state is None else f"{self.id}[{self.state}]"


@dataclass(frozen=True, eq=False)
class LinearFractional:
    """Posteriors of some targets as functions of each parameter, around the estimates.

    Where parameter k moves by `step`, P(target | findings) is
    (posterior + targets[k] step) / (1 + evidence[k] step).

    refs: the parameters. estimates: their values, (numbers,). evidence: slopes of P(findings),
    (numbers,). posteriors: of the targets, (targets,). targets: slopes of P(target, findings),
    (numbers, targets). All probabilities are divided by P(findings) at the estimates. nonlinear:
    (numbers,), true where the function is only a tangent.
    """

    refs: tuple[ParameterRef, ...]
    estimates: Array
    evidence: Array
    posteriors: Array
    targets: Array
    nonlinear: NDArray[np.bool_]

    def derivatives(self) -> Array:
        """D P(target | findings) / d parameter at the estimates, (numbers, targets)."""
        return np.asarray(self.targets - self.posteriors * self.evidence[:, np.newaxis])

    def value_at(self, steps: Array, *, target: int = 0) -> Array:
        """P(target | findings) where each parameter by itself moves by `steps`, (numbers, values).

        It is NaN or infinite where P(findings) is 0.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(
                (self.posteriors[target] + self.targets[:, target, np.newaxis] * steps)
                / (1.0 + self.evidence[:, np.newaxis] * steps)
            )


def linear_fractional(
    network: Network,
    compiled: CompiledNetwork,
    *,
    values: Mapping[str, Array],
    refs: Sequence[ParameterRef],
    found: Derivatives,
    complement: Sequence[bool] | None = None,
) -> LinearFractional:
    """The functions of some parameters, from derivatives by every entry.

    Args:
        network: The network.
        compiled: The network compiled from `values`.
        values: One value of each parameter, by id.
        refs: The parameters whose functions are asked for.
        found: Derivatives by every entry, and the posteriors of the targets.
        complement: For each target, whether the probability of all other states is meant.
    """
    slopes = parameter_slopes(network, compiled, values=values, entries=found.factors)
    columns = np.array(
        [
            directional_derivative(values[n.id], slopes[n.id], position=_position(network, n))
            for n in refs
        ]
    ).reshape(len(refs), -1)
    evidence = columns[:, 0]  # d log P(findings)
    opposite = np.zeros(len(found.posteriors), dtype=bool) if complement is None else complement
    posteriors = np.where(opposite, 1.0 - found.posteriors, found.posteriors)
    nonlinear = nonlinear_nodes(network, compiled)
    return LinearFractional(
        tuple(refs),
        np.array([float(_flat(values[n.id])[_position(network, n) or 0]) for n in refs]),
        evidence,
        posteriors,
        np.where(opposite, -1.0, 1.0) * columns[:, 1:] + posteriors * evidence[:, np.newaxis],
        np.array([owner(n.id) in nonlinear for n in refs], dtype=bool),
    )


def _flat(value: Array) -> Array:
    """(states,) of a distribution, (1,) of one number."""
    return value[:, 0] if value.ndim == 2 else value


def nonlinear_nodes(network: Network, compiled: CompiledNetwork) -> frozenset[str]:
    """Nodes with nonlinear parameters: log-odds nodes, and all above a solved intercept."""
    log_odds = {n: c for n, node in network.nodes.items() if isinstance(c := node.cpd, LogOdds)}
    parents = [
        parent
        for name, cpd in log_odds.items()
        if cpd.prevalence is not None
        for parent in compiled.parents[compiled.index[name]]
    ]
    return frozenset({*log_odds, *(compiled.names[i] for i in compiled.ancestors(parents))})


def relevant_refs(
    network: Network,
    compiled: CompiledNetwork,
    *,
    parameters: Mapping[str, Parameter],
    nodes: Sequence[int],
) -> tuple[ParameterRef, ...]:
    """The parameters of the nodes and of all above them, each state of a distribution by itself."""
    relevant = {compiled.names[i] for i in compiled.ancestors(nodes)}
    return refs_of(network, parameters, ids=[n for n in parameters if owner(n) in relevant])


def refs_of(
    network: Network, parameters: Mapping[str, Parameter], *, ids: Sequence[str]
) -> tuple[ParameterRef, ...]:
    """Each parameter, each state of a distribution by itself in the order of its node."""
    return tuple(
        ref
        for name in ids
        for ref in (
            [ParameterRef(name, s) for s in network.nodes[owner(name)].states]
            if isinstance(parameters[name], Distribution)
            else [ParameterRef(name)]
        )
    )


def _position(network: Network, ref: ParameterRef) -> int | None:
    """Index of the state of a distribution; None for one number."""
    if ref.state is None:
        return None
    return network.nodes[owner(ref.id)].states.index(ref.state)


def directional_derivative(value: Array, slope: Array, *, position: int | None) -> Array:
    """The derivative along one state's probability while the others keep their proportions.

    Args:
        value: The parameter's value, as in `parameter_slopes`.
        slope: Its derivatives, as in `parameter_slopes`.
        position: Index of the state; None for one number, whose derivative is the slope itself.

    Returns:
        (columns,)
    """
    if position is None:
        return slope
    return np.asarray(covariation(value[:, 0], position) @ slope)


def covariation(probabilities: Array, position: int) -> Array:
    """D probabilities / d probability of the state at `position`, (states,).

    The other states keep their proportions; they share equally where they are all 0.
    """
    others = np.delete(np.arange(len(probabilities)), position)
    rest = probabilities[others].sum()
    rates = np.ones(len(probabilities))
    rates[others] = -(probabilities[others] / rest if rest > 0.0 else 1.0 / len(others))
    return rates


def with_value(network: Network, ref: ParameterRef, *, value: Array, t: Array) -> Array:
    """The array of a parameter, (values,) or (states, values), where it takes the values t.

    value: the parameter at its estimate, (1,) or (states, 1). t: (values,).
    """
    position = _position(network, ref)
    if position is None:
        return t
    column = value[:, 0]
    moved = column[:, np.newaxis] + covariation(column, position)[:, np.newaxis] * (
        t - column[position]
    )
    return np.asarray(np.clip(moved, 0.0, 1.0))


def marginals_under(
    network: Network,
    compiled: CompiledNetwork,
    *,
    values: Mapping[str, Array],
    observed: Observed,
    nodes: Sequence[int],
    assignments: Sequence[Mapping[ParameterRef, float]],
) -> Marginals:
    """Exact marginals under each of many assignments of values to parameters, computed together.

    Args:
        network: The network.
        compiled: The network at its estimates, whose resources are used.
        values: The estimates, by id.
        observed: The findings of one case.
        nodes: The nodes whose posteriors are asked for.
        assignments: The parameters that differ from their estimates, and their values.

    Returns:
        log P(findings), (assignments,), and posteriors, (states, assignments).
    """
    changed: dict[str, Array] = {}
    for ref in dict.fromkeys(n for assignment in assignments for n in assignment):
        value = values[ref.id]
        array = changed.get(ref.id)
        if array is None:
            array = np.tile(value, len(assignments)) if value.shape[-1] == 1 else value.copy()
        rows = np.array([k for k, assignment in enumerate(assignments) if ref in assignment])
        t = np.array([assignments[k][ref] for k in rows], dtype=float)
        array[..., rows] = with_value(network, ref, value=value, t=t)
        changed[ref.id] = array
    batch = compile_network(
        network,
        {**values, **changed},
        resources=compiled.resources,
        selected=compiled.selected_by,
    )
    return draw_marginals(batch, observed, nodes=nodes).with_rows(len(assignments))


def admissible_range(parameter: Parameter) -> tuple[float, float]:
    """The range of a parameter: 0 to infinity of an odds ratio, else 0 to 1."""
    return (0.0, np.inf) if isinstance(parameter, Ratio) else (0.0, 1.0)


def read_ref(network: Network, parameters: Mapping[str, Parameter], *, name: str) -> ParameterRef:
    """`id`, or `id[state]` for one state of a distribution.

    Raises:
        UnknownNameError: The network has no such parameter, or it has no such state.
        ParameterError: A state is given for a parameter that is one number.
    """
    if not isinstance(name, str):
        raise ParameterError(f"a parameter is named by its id, a text, not {shown(name)}.")
    base, bracket, rest = name.partition("[")
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
    return ParameterRef(base, state)
