"""From derivatives by the entries of tables to derivatives by the numbers of the network file: the reverse of `numeric.compile_network`.

A number enters its own node's table. One CPD reaches further: where a log-odds node states a prevalence, its intercept is solved so that the
prevalence holds over the joint distribution of its parents (`numeric.solve_intercept`); by the implicit function theorem it moves with every number
above the node, and that part of the derivative is carried up to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork, Factor, NoisyFactor, TableFactor
from spinelink.inference.compile import joint_of_parents
from spinelink.inference.gradient.by_entry import log_slopes
from spinelink.network.cpd import Accuracy, Deterministic, LogOdds, NoisyMax, NoisyOr, Prior, Table
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Ratio
from spinelink.network.uncertainty import log_deviation, spread_weight

Array = NDArray[np.float64]
Slopes = dict[str, Array]
"""Parameter id -> derivatives, (columns,); of a distribution by each probability, (states, columns), in the order of its node's states."""


def parameter_slopes(
    network: Network,
    values: Mapping[str, Array],
    compiled: CompiledNetwork,
    entries: Sequence[Factor],
) -> Slopes:
    """Derivatives by every number, given those by every entry (last axis: columns, one for each quantity whose derivatives are carried).

    values, compiled: one set of numbers and the network compiled from it. Derivatives by the probabilities of a distribution hold along directions in
    which they still sum to 1: differences between them count, not their common level.
    """
    found: Slopes = {}
    carried = list(entries)
    rank = {node: k for k, node in enumerate(compiled.order)}
    for node in sorted(range(len(compiled.names)), key=rank.__getitem__, reverse=True):
        _node(network, compiled, values, node, carried, found)
    return found


def _node(
    network: Network,
    compiled: CompiledNetwork,
    values: Mapping[str, Array],
    node: int,
    carried: list[Factor],
    found: Slopes,
) -> None:
    name, slopes = compiled.names[node], carried[node]
    cpd = network.nodes[name].cpd
    states = [compiled.states[p] for p in compiled.parents[node]]
    if isinstance(cpd, NoisyOr | NoisyMax):
        assert isinstance(slopes, NoisyFactor)
        found[f"{name}.leak"] = _of_column(values[f"{name}.leak"], slopes.leak)
        for parent, parent_states, link in zip(cpd.links, states, slopes.links, strict=True):
            for state, key in _active(
                f"{name}.link.{parent}", cpd.links[parent], parent_states
            ).items():
                found[key] = _of_column(values[key], link[parent_states.index(state)])
        return
    assert isinstance(slopes, TableFactor)
    match cpd:
        case Prior():
            found[f"{name}.prior"] = _of_column(values[f"{name}.prior"], slopes.table)
        case Table():
            for row in cpd.rows:
                key = f"{name}.row." + ",".join(f"{p}={row.given[p]}" for p in cpd.parents)
                place = tuple(
                    s.index(row.given[p]) for p, s in zip(cpd.parents, states, strict=True)
                )
                found[key] = _of_column(values[key], slopes.table[place])
        case Accuracy():
            positive = _active(f"{name}.sensitivity", cpd.sensitivity, states[0])
            for state, key in positive.items():
                found[key] = _of_column(values[key], slopes.table[states[0].index(state)])
            negative = sum(
                (slopes.table[k] for k, s in enumerate(states[0]) if s not in positive),
                start=np.zeros(slopes.table.shape[1:]),
            )
            found[f"{name}.specificity"] = negative[0] - negative[1]
        case LogOdds():
            _log_odds(compiled, values, node, cpd, states, slopes.table, carried, found)
        case Deterministic():
            pass


def _active(base: str, each: object, states: tuple[str, ...]) -> dict[str, str]:
    """State of the parent -> id of the number that stands for it."""
    return {s: f"{base}.{s}" for s in each} if isinstance(each, Mapping) else {states[-1]: base}


def _of_column(value: Array, slopes: Array) -> Array:
    """(states, columns) to the derivative by p where the column is (1 - p, p)."""
    return slopes[1] - slopes[0] if value.ndim == 1 else slopes


def _log_odds(
    compiled: CompiledNetwork,
    values: Mapping[str, Array],
    node: int,
    cpd: LogOdds,
    states: list[tuple[str, ...]],
    slopes: Array,
    carried: list[Factor],
    found: Slopes,
) -> None:
    name, factor = compiled.names[node], compiled.factors[node]
    assert isinstance(factor, TableFactor)
    axes = tuple(range(len(states)))
    absent, present = factor.table[..., 0, :], factor.table[..., 1, :]
    spread = absent * present  # d sigmoid, (parents..., 1)
    by_row = (
        slopes[..., 1, :] - slopes[..., 0, :]
    ) * spread  # derivative by each row's log odds, (parents..., columns)
    by_intercept = by_row.sum(axis=axes)
    weights = None
    if cpd.prevalence is None:
        p = values[f"{name}.baseline"]
        found[f"{name}.baseline"] = by_intercept / (p * (1.0 - p))
    else:
        weights = joint_of_parents(compiled, node)
        total = (weights * spread).sum(axis=axes)
        with np.errstate(divide="ignore", invalid="ignore"):
            pulled = np.where(
                total > 0.0, by_intercept / total, 0.0
            )  # by the prevalence; a prevalence of 0 or 1 moves nothing
        found[f"{name}.prior"] = pulled
        by_row = by_row - weights * spread * pulled
        if len(states) and pulled.any():
            _carry_up(compiled, node, -present * pulled, carried)
    for axis, (parent, ratio) in enumerate(cpd.odds_ratios.items()):
        for state, key in _active(f"{name}.odds_ratio.{parent}", ratio, states[axis]).items():
            taken = np.take(by_row, states[axis].index(state), axis=axis)
            found[key] = taken.sum(axis=tuple(range(len(states) - 1))) / values[key]


def _carry_up(compiled: CompiledNetwork, node: int, slopes: Array, carried: list[Factor]) -> None:
    """Adds derivatives by P(parents), (parents..., columns), to those by the entries of all tables above the node.

    An extra node with P(yes | parents) = the derivatives, scaled into 0 to 1, makes their weighted sum a probability, so the engine differentiates it.
    Adding a constant to all rows changes nothing, as P(parents) sums to 1 whatever the numbers are.
    """
    above = [i for i in compiled.order if i in compiled.ancestors(compiled.parents[node])]
    number = {old: new for new, old in enumerate(above)}
    axes = tuple(range(slopes.ndim - 1))
    low, high = slopes.min(axis=axes), slopes.max(axis=axes)
    scale = high - low
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(scale > 0.0, (slopes - low) / scale, 0.5)
    yes = 0.25 + 0.5 * share  # well away from 0, where the logarithm's derivative is not defined
    factors: list[Factor] = []
    for i in above:
        factor = compiled.factors[i]
        parents = tuple(number[p] for p in factor.parents)
        factors.append(
            TableFactor(parents, factor.table)
            if isinstance(factor, TableFactor)
            else NoisyFactor(parents, factor.leak, factor.links)
        )
    extra = TableFactor(
        tuple(number[p] for p in compiled.parents[node]), np.stack([1.0 - yes, yes], axis=-2)
    )
    names = tuple(str(k) for k in range(len(above) + 1))
    part = CompiledNetwork(
        names,
        (*(compiled.states[i] for i in above), ("no", "yes")),
        (*factors, extra),
        resources=compiled.resources.for_other_structure(),
    )
    logs, found = log_slopes(part, {len(above): 1}, {})
    factor_of = np.exp(logs) * 2.0 * scale  # d sum = 2 scale d P(yes)
    for i in above:
        carried[i] = _added(carried[i], found[number[i]], factor_of)


def _added(factor: Factor, more: Factor, times: Array) -> Factor:
    if isinstance(factor, TableFactor):
        assert isinstance(more, TableFactor)
        return TableFactor(factor.parents, factor.table + more.table * times)
    assert isinstance(more, NoisyFactor)
    return NoisyFactor(
        factor.parents,
        factor.leak + more.leak * times,
        tuple(a + b * times for a, b in zip(factor.links, more.links, strict=True)),
    )


def moved_by_deviation(number: Parameter, value: Array, slope: Array) -> Array:
    """How far each quantity moves, to first order, when a number moves by one standard deviation of its own uncertainty, (columns,), 0 or more.

    value, slope: as in `parameter_slopes`. A distribution varies as its Dirichlet: the deviation of the sum of slopes times probabilities.
    """
    if isinstance(number, Distribution):
        p = value[:, :1]
        mean = (p * slope).sum(axis=0)
        return np.asarray(
            np.sqrt((p * (slope - mean) ** 2).sum(axis=0) / (spread_weight(number) + 1.0))
        )
    if isinstance(number, Ratio):
        return np.asarray(np.abs(slope) * value[0] * log_deviation(number))
    p0 = float(value[0])
    return np.asarray(np.abs(slope) * np.sqrt(p0 * (1.0 - p0) / (spread_weight(number) + 1.0)))
