"""From the file's numbers to arrays: every CPD kind becomes a table or a noisy-MAX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import (
    CompiledNetwork,
    Factor,
    NoisyFactor,
    Resources,
    TableFactor,
    topological_order,
)
from spinelink.inference.intercept import logit, sigmoid, solve_intercept
from spinelink.inference.interpreted.joint import joint
from spinelink.network.cpd import Accuracy, Deterministic, LogOdds, NoisyMax, NoisyOr, Prior, Table
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter
from spinelink.network.parameter_ids import owner

Array = NDArray[np.float64]
Values = Mapping[str, Array]
"""Parameter id -> (batch,) for a probability or ratio, (states, batch) for a distribution."""


def point_values(network: Network, parameters: Mapping[str, Parameter]) -> dict[str, Array]:
    """The estimates, as arrays with a batch axis of length 1.

    A distribution is in the order of its node's states, and sums to exactly 1.
    """
    values: dict[str, Array] = {}
    for name, parameter in parameters.items():
        if isinstance(parameter, Distribution):
            states = network.nodes[owner(name)].states
            column = np.array([[parameter.estimate[s]] for s in states])
            values[name] = column / column.sum()
        else:
            values[name] = np.array([parameter.value])
    return values


def compile_network(
    network: Network,
    values: Values,
    *,
    resources: Resources | None = None,
) -> CompiledNetwork:
    """Arrays for every node of a network.

    Args:
        network: The network.
        values: A value for each parameter; the last axis is the batch (parameter draws), of length
            1 where there is none.
        resources: The engine, its limits and its plans, shared by networks of one structure.
    """
    names = tuple(network.nodes)
    states = tuple(node.states for node in network.nodes.values())
    index = {name: i for i, name in enumerate(names)}
    parents = {index[n]: tuple(index[p] for p in network.parents[n]) for n in names}
    factors: dict[int, Factor] = {}
    for i in topological_order(parents):
        factors[i] = _factor(network, names[i], values, states, parents[i], factors)
    return CompiledNetwork(
        names,
        states,
        tuple(factors[i] for i in range(len(names))),
        Resources() if resources is None else resources,
    )


def _factor(
    network: Network,
    name: str,
    values: Values,
    states: tuple[tuple[str, ...], ...],
    parents: tuple[int, ...],
    above: Mapping[int, Factor],
) -> Factor:
    node = network.nodes[name]
    cpd = node.cpd
    parent_states = [states[p] for p in parents]
    match cpd:
        case Prior():
            return TableFactor((), _column(values[f"{name}.prior"]))
        case Table():
            return TableFactor(parents, _table(name, cpd, values, parent_states, len(node.states)))
        case NoisyOr() | NoisyMax():
            links = tuple(
                _link(name, p, cpd.links[p], values, s)
                for p, s in zip(cpd.links, parent_states, strict=True)
            )
            return NoisyFactor(parents, _column(values[f"{name}.leak"]), links)
        case LogOdds():
            return TableFactor(
                parents, _log_odds(name, cpd, values, parents, parent_states, states, above)
            )
        case Accuracy():
            return TableFactor(parents, _accuracy(name, cpd, values, parent_states[0]))
        case Deterministic():
            return TableFactor(parents, _deterministic(cpd, parent_states, node.states))
        case _:
            assert_never(cpd)


def _column(value: Array) -> Array:
    """(states, batch); a two-state probability becomes (1 - p, p)."""
    return np.stack([1.0 - value, value]) if value.ndim == 1 else value


def _table(
    name: str, cpd: Table, values: Values, parent_states: list[tuple[str, ...]], states: int
) -> Array:
    columns = {
        tuple(row.given[p] for p in cpd.parents): _column(
            values[f"{name}.row." + ",".join(f"{p}={row.given[p]}" for p in cpd.parents)]
        )
        for row in cpd.rows
    }
    stacked = np.broadcast_arrays(
        *(columns[combination] for combination in product(*parent_states))
    )
    shape = tuple(len(s) for s in parent_states)
    return np.stack(stacked).reshape(*shape, states, -1)


def _link(
    name: str, parent: str, link: object, values: Values, parent_states: tuple[str, ...]
) -> Array:
    """(parent's states, states, batch). The first state of a parent produces nothing."""
    base = f"{name}.link.{parent}"
    active = (
        {s: _column(values[f"{base}.{s}"]) for s in link}
        if isinstance(link, dict)
        else {parent_states[-1]: _column(values[base])}
    )
    some = next(iter(active.values()))
    nothing = np.zeros_like(some)
    nothing[0] = 1.0
    return np.stack(np.broadcast_arrays(*(active.get(s, nothing) for s in parent_states)))


def _accuracy(name: str, cpd: Accuracy, values: Values, parent_states: tuple[str, ...]) -> Array:
    specificity = values[f"{name}.specificity"]
    negative = np.stack([specificity, 1.0 - specificity])
    if isinstance(cpd.sensitivity, dict):
        positive = {s: _column(values[f"{name}.sensitivity.{s}"]) for s in cpd.sensitivity}
    else:
        positive = {parent_states[-1]: _column(values[f"{name}.sensitivity"])}
    return np.stack(np.broadcast_arrays(*(positive.get(s, negative) for s in parent_states)))


def _deterministic(
    cpd: Deterministic, parent_states: list[tuple[str, ...]], states: tuple[str, ...]
) -> Array:
    table = np.zeros((*(len(s) for s in parent_states), len(states), 1))
    for combination in product(*(range(len(s)) for s in parent_states)):
        given = {
            p: parent_states[i][k]
            for i, (p, k) in enumerate(zip(cpd.parents, combination, strict=True))
        }
        outcome = next(
            (
                c.state
                for c in cpd.cases
                if all(given[p] in ((s,) if isinstance(s, str) else s) for p, s in c.given.items())
            ),
            cpd.otherwise,
        )
        table[(*combination, states.index(outcome), 0)] = 1.0
    return table


def _log_odds(
    name: str,
    cpd: LogOdds,
    values: Values,
    parents: tuple[int, ...],
    parent_states: list[tuple[str, ...]],
    states: tuple[tuple[str, ...], ...],
    above: Mapping[int, Factor],
) -> Array:
    """(parents..., 2, batch): logit P = intercept + sum of log odds ratios."""
    shift = np.zeros((*(len(s) for s in parent_states), 1))
    for axis, (parent, ratio) in enumerate(cpd.odds_ratios.items()):
        base = f"{name}.odds_ratio.{parent}"
        named = ratio if isinstance(ratio, dict) else {parent_states[axis][-1]: ratio}
        ids = {s: f"{base}.{s}" if isinstance(ratio, dict) else base for s in named}
        zero = np.zeros(1)
        column = np.stack(
            np.broadcast_arrays(
                *(np.log(values[ids[s]]) if s in ids else zero for s in parent_states[axis])
            )
        )
        shift = shift + column.reshape(
            *(len(parent_states[axis]) if a == axis else 1 for a in range(len(parent_states))), -1
        )
    if cpd.baseline is not None:
        intercept = logit(values[f"{name}.baseline"])
    else:
        weights = _joint_of_parents(parents, states, above)
        intercept = solve_intercept(values[f"{name}.prior"], shift=shift, weights=weights)
    log_odds = intercept + shift
    return np.stack([sigmoid(-log_odds), sigmoid(log_odds)], axis=-2)


def joint_of_parents(compiled: CompiledNetwork, node: int) -> Array:
    """P(parents of the node) without evidence, (parents..., batch)."""
    above = compiled.ancestors(compiled.parents[node])
    return _joint_of_parents(
        compiled.parents[node],
        compiled.states,
        {i: compiled.factors[i] for i in compiled.order if i in above},
    )


def _joint_of_parents(
    parents: tuple[int, ...], states: tuple[tuple[str, ...], ...], above: Mapping[int, Factor]
) -> Array:
    """P(parents) without evidence, (parents..., batch)."""
    chosen = dict(above.items())
    numbering = {old: new for new, old in enumerate(chosen)}
    factors = tuple(
        replace(f, parents=tuple(numbering[p] for p in f.parents)) for f in chosen.values()
    )
    part = CompiledNetwork(tuple(str(i) for i in chosen), tuple(states[i] for i in chosen), factors)
    return joint(part, {}, [numbering[p] for p in parents]).table
