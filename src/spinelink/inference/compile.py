"""From the file's numbers to arrays: every CPD kind becomes a table or a noisy-MAX."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
from spinelink.inference.selection import FITS, fit_nodes, reason_factor, reason_states, reasons_of
from spinelink.network.cpd import (
    Accuracy,
    AdditiveRates,
    Deterministic,
    LogOdds,
    NoisyMax,
    NoisyOr,
    Prior,
    Table,
)
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter
from spinelink.network.parameter_ids import owner
from spinelink.network.setting import parameters_in, selected_by
from spinelink.network.wide import FACTORED_ENTRIES, highest_by_parent, table_entries

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
    selected: Iterable[str] = (),
) -> CompiledNetwork:
    """Arrays for every node of a network.

    Args:
        network: The network.
        values: A value for each parameter; the last axis is the batch (parameter draws), of length
            1 where there is none.
        resources: The engine, its limits and its plans, shared by networks of one structure.
        selected: Selection nodes by which everybody in the population was selected. What each
            selection adds (`selection`) stands after all other nodes, and is observed then.
    """
    names = tuple(network.nodes)
    reasons = {
        name: reasons_of(name, cpd, states={p: network.nodes[p].states for p in cpd.rates})
        for name, node in network.nodes.items()
        if isinstance(cpd := node.cpd, AdditiveRates)
    }
    states = tuple(
        reason_states(reasons[name]) if name in reasons else node.states
        for name, node in network.nodes.items()
    )
    index = {name: i for i, name in enumerate(names)}
    parents = {
        index[n]: () if n in reasons else tuple(index[p] for p in network.parents[n]) for n in names
    }
    factors: dict[int, Factor] = {}
    for i in topological_order(parents):
        factors[i] = (
            reason_factor(reasons[names[i]], values)
            if names[i] in reasons
            else _factor(network, _Family(names[i], parents[i], states, values, factors))
        )
    made = [
        (name, f"{name}__fits__{parent}", factor)
        for name in reasons
        for parent, factor in fit_nodes(index[name], reasons[name], index=index, states=states)
    ]
    fits = {len(names) + k: name for k, (name, _, _) in enumerate(made)}
    selected = tuple(selected)
    return CompiledNetwork(
        (*names, *(own for _, own, _ in made)),
        (*states, *(FITS for _ in made)),
        (*(factors[i] for i in range(len(names))), *(factor for _, _, factor in made)),
        Resources() if resources is None else resources,
        tuple(fits),
        {i: 1 for i, name in fits.items() if name in selected},
    )


def compile_setting(
    network: Network,
    setting: str | None,
    *,
    given: Iterable[str] = (),
    resources: Resources | None = None,
) -> CompiledNetwork:
    """Arrays of the network at its estimates, in one of its settings.

    given: further selection nodes by which everybody was selected.
    """
    values = point_values(network, parameters_in(network, setting))
    selected = dict.fromkeys((*selected_by(network, setting), *given))
    return compile_network(network, values, resources=resources, selected=selected)


@dataclass(frozen=True)
class _Family:
    """A node with its parents, and what its array is made from.

    states: of all nodes, by index. above: the factors of nodes that come before it.
    """

    name: str
    parents: tuple[int, ...]
    states: tuple[tuple[str, ...], ...]
    values: Values
    above: Mapping[int, Factor]

    @property
    def parent_states(self) -> list[tuple[str, ...]]:
        """The states of each parent."""
        return [self.states[p] for p in self.parents]

    def column(self, part: str) -> Array:
        """A parameter of the node, (states, batch)."""
        return _column(self.values[f"{self.name}.{part}"])


def _factor(network: Network, family: _Family) -> Factor:
    cpd, states = network.nodes[family.name].cpd, network.nodes[family.name].states
    parents = family.parents
    match cpd:
        case Prior():
            return TableFactor((), family.column("prior"))
        case Table():
            return TableFactor(parents, _table(family, cpd, states=len(states)))
        case NoisyOr() | NoisyMax():
            links = tuple(
                _link(family, parent, link=cpd.links[parent], parent_states=s)
                for parent, s in zip(cpd.links, family.parent_states, strict=True)
            )
            return NoisyFactor(parents, family.column("leak"), links)
        case LogOdds():
            return TableFactor(parents, _log_odds(family, cpd))
        case Accuracy():
            return TableFactor(parents, _accuracy(family, cpd))
        case Deterministic():
            return _deterministic(family, cpd, states=states)
        case AdditiveRates():
            raise AssertionError("a selection is compiled by `selection`")
        case _:
            assert_never(cpd)


def _column(value: Array) -> Array:
    """(states, batch); a two-state probability becomes (1 - p, p)."""
    return np.stack([1.0 - value, value]) if value.ndim == 1 else value


def _table(family: _Family, cpd: Table, *, states: int) -> Array:
    """(parents..., states, batch)."""
    columns = {
        tuple(row.given[p] for p in cpd.parents): family.column(
            "row." + ",".join(f"{p}={row.given[p]}" for p in cpd.parents)
        )
        for row in cpd.rows
    }
    rows = (columns[combination] for combination in product(*family.parent_states))
    shape = tuple(len(s) for s in family.parent_states)
    return np.stack(np.broadcast_arrays(*rows)).reshape(*shape, states, -1)


def _link(family: _Family, parent: str, *, link: object, parent_states: tuple[str, ...]) -> Array:
    """(parent's states, states, batch). The first state of a parent produces nothing."""
    active = (
        {s: family.column(f"link.{parent}.{s}") for s in link}
        if isinstance(link, dict)
        else {parent_states[-1]: family.column(f"link.{parent}")}
    )
    nothing = np.zeros_like(next(iter(active.values())))
    nothing[0] = 1.0
    return np.stack(np.broadcast_arrays(*(active.get(s, nothing) for s in parent_states)))


def _accuracy(family: _Family, cpd: Accuracy) -> Array:
    """(parent's states, 2, batch)."""
    (parent_states,) = family.parent_states
    negative = family.column("specificity")[::-1]  # (specificity, 1 - specificity)
    positive = (
        {s: family.column(f"sensitivity.{s}") for s in cpd.sensitivity}
        if isinstance(cpd.sensitivity, dict)
        else {parent_states[-1]: family.column("sensitivity")}
    )
    return np.stack(np.broadcast_arrays(*(positive.get(s, negative) for s in parent_states)))


def _deterministic(family: _Family, cpd: Deterministic, *, states: tuple[str, ...]) -> Factor:
    """A table of zeros and ones, (parents..., states, 1); a wide maximum of parents as noisy-MAX."""
    known = dict(zip(cpd.parents, family.parent_states, strict=True))
    if table_entries(known, states) > FACTORED_ENTRIES:
        leads = highest_by_parent(cpd, parents=known, states=states)
        if leads is not None:
            certain = np.eye(len(states))[..., np.newaxis]  # (state, states, 1)
            links = tuple(
                certain[[states.index(leads[p][s]) for s in known[p]]] for p in cpd.parents
            )
            return NoisyFactor(family.parents, certain[states.index(cpd.otherwise)], links)
    outcome = np.full([len(s) for s in known.values()], states.index(cpd.otherwise))
    for case in reversed(cpd.cases):
        given = {p: (s,) if isinstance(s, str) else s for p, s in case.given.items()}
        at = ([k for k, s in enumerate(known[p]) if p not in given or s in given[p]] for p in known)
        outcome[np.ix_(*at)] = states.index(case.state)
    table = outcome[..., np.newaxis] == np.arange(len(states))
    return TableFactor(family.parents, table[..., np.newaxis].astype(float))


def _log_odds(family: _Family, cpd: LogOdds) -> Array:
    """(parents..., 2, batch): logit P = intercept + sum of log odds ratios."""
    values, parent_states = family.values, family.parent_states
    shift = np.zeros((*(len(s) for s in parent_states), 1))
    for axis, (parent, ratio) in enumerate(cpd.odds_ratios.items()):
        base = f"{family.name}.odds_ratio.{parent}"
        ids = (
            {s: f"{base}.{s}" for s in ratio}
            if isinstance(ratio, dict)
            else {parent_states[axis][-1]: base}
        )
        logs = (np.log(values[ids[s]]) if s in ids else np.zeros(1) for s in parent_states[axis])
        column = np.stack(np.broadcast_arrays(*logs))
        shape = [len(s) if a == axis else 1 for a, s in enumerate(parent_states)]
        shift = shift + column.reshape(*shape, -1)
    if cpd.baseline is not None:
        intercept = logit(values[f"{family.name}.baseline"])
    else:
        weights = _joint_of_parents(family.parents, family.states, above=family.above)
        prevalence = values[f"{family.name}.prior"]
        intercept = solve_intercept(prevalence, shift=shift, weights=weights)
    log_odds = intercept + shift
    return np.stack([sigmoid(-log_odds), sigmoid(log_odds)], axis=-2)


def joint_of_parents(compiled: CompiledNetwork, node: int) -> Array:
    """P(parents of the node) without evidence, (parents..., batch)."""
    above = compiled.ancestors(compiled.parents[node])
    return _joint_of_parents(
        compiled.parents[node],
        compiled.states,
        above={i: compiled.factors[i] for i in compiled.order if i in above},
    )


def _joint_of_parents(
    parents: tuple[int, ...], states: tuple[tuple[str, ...], ...], *, above: Mapping[int, Factor]
) -> Array:
    """P(parents) without evidence, (parents..., batch)."""
    numbering = {old: new for new, old in enumerate(above)}
    factors = tuple(
        replace(f, parents=tuple(numbering[p] for p in f.parents)) for f in above.values()
    )
    part = CompiledNetwork(tuple(str(i) for i in above), tuple(states[i] for i in above), factors)
    return joint(part, {}, [numbering[p] for p in parents]).table
