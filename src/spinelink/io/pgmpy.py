"""Exchange with pgmpy. The only file that imports it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import NetworkFileError, Problem, SpinelinkError, UnknownNameError
from spinelink.inference.compiled import CompiledNetwork, NoisyFactor
from spinelink.inference.enumeration import family_table
from spinelink.model.cpd import Prior, Row, Table
from spinelink.model.network import Network
from spinelink.model.parameter import Distribution, Probability
from spinelink.model.variable import Node

if TYPE_CHECKING:
    from pgmpy.models import DiscreteBayesianNetwork

Array = NDArray[np.float64]

LARGE_FAMILY = 2**12
"""A noisy family with more entries becomes a chain of intermediate nodes, each the maximum so far."""


def to_pgmpy(compiled: CompiledNetwork) -> DiscreteBayesianNetwork:
    """A DiscreteBayesianNetwork over the same nodes and states with the same distribution.

    pgmpy keeps noisy families as full tables; those above 4,096 entries are written as chains of nodes NAME__max_1, NAME__max_2, ...
    whose last link is NAME itself, so that the distribution over the network's own nodes stays exact.
    """
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.models import DiscreteBayesianNetwork

    network = DiscreteBayesianNetwork()
    cpds = []
    for node in compiled.order:
        for name, states, parents, table in _families(compiled, node):
            network.add_node(name)
            network.add_edges_from([(p, name) for p, _ in parents])
            columns = np.moveaxis(table, -1, 0).reshape(len(states), -1)
            cpds.append(
                TabularCPD(
                    name,
                    len(states),
                    columns / columns.sum(axis=0),
                    evidence=[p for p, _ in parents] or None,
                    evidence_card=[len(s) for _, s in parents] or None,
                    state_names={name: list(states), **{p: list(s) for p, s in parents}},
                )
            )
    network.add_cpds(*cpds)
    return network


Family = tuple[str, tuple[str, ...], list[tuple[str, tuple[str, ...]]], Array]


def _families(compiled: CompiledNetwork, node: int) -> list[Family]:
    factor = compiled.factors[node]
    name, states = compiled.names[node], compiled.states[node]
    parents = [(compiled.names[p], compiled.states[p]) for p in factor.parents]
    size = float(np.prod([float(compiled.cards[v]) for v in (*factor.parents, node)]))
    if size <= LARGE_FAMILY or not isinstance(factor, NoisyFactor):
        return [(name, states, parents, family_table(compiled, node)[..., 0])]
    found: list[Family] = []
    before: list[tuple[str, tuple[str, ...]]] = []
    for k, (parent, link) in enumerate(zip(parents, factor.links, strict=True)):
        last = k == len(parents) - 1
        own = name if last else f"{name}__max_{k + 1}"
        start = factor.leak[:, 0][np.newaxis] if not before else np.eye(len(states))
        table = _maximum(start, link[..., 0])
        found.append((own, states, [*before, parent], table if before else table[0]))
        before = [(own, states)]
    return found


def _maximum(a: Array, b: Array) -> Array:
    """(rows a, rows b, states): distribution of the maximum of a draw from each pair of rows."""
    cumulative = a.cumsum(axis=-1)[:, np.newaxis] * b.cumsum(axis=-1)[np.newaxis]
    return np.diff(cumulative, axis=-1, prepend=0.0)


def from_pgmpy(network: DiscreteBayesianNetwork, *, name: str = "from-pgmpy", roles: Mapping[str, str] | None = None) -> Network:
    """The Network of any pgmpy DiscreteBayesianNetwork: all CPDs as tables, roles 'other' unless given.

    Columns are normalised. Raises NetworkFileError where a CPD is missing, has the wrong shape, holds something that is not a
    probability, or has a column that does not sum to 1 within 1e-3 (files rounded to three digits are common).
    """
    given_roles = dict(roles or {})
    unknown = [n for n in given_roles if n not in network.nodes()]
    if unknown:
        raise UnknownNameError(unknown[0], kind="node", allowed=map(str, network.nodes()), where="the pgmpy network")
    problems: list[Problem] = []
    states: dict[str, tuple[str, ...]] = {}
    cpds: dict[str, Any] = {}
    for node in network.nodes():
        cpd = network.get_cpds(node)
        if cpd is None:
            problems.append(Problem("pgmpy network", 0, 0, f"node {node} has no CPD"))
            continue
        cpds[str(node)] = cpd
        states[str(node)] = tuple(str(s) for s in cpd.state_names[node])
        if len(set(states[str(node)])) != len(states[str(node)]):
            problems.append(Problem("pgmpy network", 0, 0, f"two states of {node} have the same name"))
    if problems:
        raise NetworkFileError(problems)
    nodes = {n: _node(n, cpd, states, given_roles.get(n, "other"), problems) for n, cpd in cpds.items()}
    if problems:
        raise NetworkFileError(problems)
    if not nodes:
        raise SpinelinkError("the pgmpy network has no nodes")
    return Network.model_construct(
        format=1,
        name=name,
        title=name,
        version="0",
        license="",
        description="",
        intended_use="",
        default_setting=None,
        settings={},
        nodes=nodes,
        alerts={},
        sources={},
        changes=(),
    )


_NOTE = "Imported from pgmpy without provenance."


def _node(name: str, cpd: Any, states: Mapping[str, tuple[str, ...]], role: str, problems: list[Problem]) -> Node:
    parents = [str(p) for p in cpd.variables[1:]]
    # pgmpy gives axes (node, parents...); a parent's states may be listed in another order than its own CPD lists them.
    table = np.asarray(cpd.values, dtype=float)
    for axis, p in enumerate(cpd.variables[1:], start=1):
        listed = [str(s) for s in cpd.state_names[p]]
        if sorted(listed) != sorted(states[str(p)]):
            problems.append(Problem("pgmpy network", 0, 0, f"the CPD of {name} names other states of {p} than {p}'s own CPD"))
            return Node.model_construct()
        table = np.take(table, [listed.index(s) for s in states[str(p)]], axis=axis)
    rows = np.moveaxis(table, 0, -1).reshape(-1, len(states[name]))
    totals = rows.sum(axis=1)
    if not np.isfinite(rows).all() or (rows < 0).any():
        problems.append(Problem("pgmpy network", 0, 0, f"the CPD of {name} holds a number that is not a probability"))
    elif (np.abs(totals - 1.0) > 1e-3).any():
        worst = totals[np.abs(totals - 1.0).argmax()]
        problems.append(Problem("pgmpy network", 0, 0, f"a column of the CPD of {name} sums to {worst:.6g}"))
    with np.errstate(invalid="ignore", divide="ignore"):
        rows = rows / totals[:, np.newaxis]
    cpd_value: Prior | Table
    if not parents:
        cpd_value = Prior.model_construct(kind="prior", prior=_chance(rows[0], states[name]))
    else:
        combinations = product(*(states[p] for p in parents))
        table_rows = tuple(
            Row.model_construct(given=dict(zip(parents, c, strict=True)), probability=_chance(row, states[name]))
            for c, row in zip(combinations, rows, strict=True)
        )
        cpd_value = Table.model_construct(kind="table", parents=tuple(parents), rows=table_rows)
    return Node.model_construct(role=role, label=name, states=states[name], cpd=cpd_value)


def _chance(row: Array, states: tuple[str, ...]) -> Probability | Distribution:
    return Distribution.model_construct(
        estimate=dict(zip(states, (float(v) for v in row), strict=True)),
        equivalent_sample_size=1.0,
        grade="judged",
        source=(),
        evidence=(),
        note=_NOTE,
        counts=None,
        level=0.95,
    )
