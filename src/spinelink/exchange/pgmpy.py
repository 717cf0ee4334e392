"""Exchange with pgmpy. The only file that imports it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Model
from spinelink.errors import NetworkFileError, Problem, SpinelinkError, UnknownNameError
from spinelink.inference.arrays import CompiledNetwork, NoisyFactor, TableFactor
from spinelink.inference.interpreted.semiring import LINEAR, combine
from spinelink.network.cpd import Prior, Row, Table
from spinelink.network.evidence import is_nothing
from spinelink.network.network import Network
from spinelink.network.node import Node, Role
from spinelink.network.parameter import Distribution, Probability

if TYPE_CHECKING:
    from pgmpy.models import DiscreteBayesianNetwork

Array = NDArray[np.float64]

LARGE_FAMILY = 2**12
"""A noisy family with more entries becomes a chain of intermediate nodes, each the maximum so far."""


def to_pgmpy(model: Model) -> DiscreteBayesianNetwork:
    """A network of pgmpy over the same nodes and states, with the same distribution.

    pgmpy keeps noisy families as full tables. Those above 4,096 entries are written as chains of
    nodes NAME__max_1, NAME__max_2, ... whose last link is NAME itself. So the distribution over the
    network's own nodes stays exact.

    Args:
        model: the network, in the setting in force.

    Returns:
        A DiscreteBayesianNetwork.

    Example:
        >>> import spinelink as sl
        >>> len(sl.load("minimal").to_pgmpy().nodes())
        12
    """
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.models import DiscreteBayesianNetwork

    compiled = model.compiled
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
        return [(name, states, parents, _whole_table(factor))]
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


def _whole_table(factor: TableFactor | NoisyFactor) -> Array:
    """P(node | parents), (parents..., node); nothing is subtracted, so that rare entries keep their digits."""
    if isinstance(factor, TableFactor):
        return factor.table[..., 0]
    whole = factor.leak  # (parents..., states, batch)
    for link in factor.links:
        aligned = link.reshape(*(1,) * (whole.ndim - 2), *link.shape)
        whole = combine(LINEAR, whole[..., np.newaxis, :, :], aligned, (whole.ndim - 1,))
    return whole[..., 0]


def _maximum(a: Array, b: Array) -> Array:
    """(rows a, rows b, states): distribution of the maximum of a draw from each pair of rows."""
    return combine(LINEAR, a[:, np.newaxis, :, np.newaxis], b[np.newaxis, :, :, np.newaxis], (2,))[
        ..., 0
    ]


def from_pgmpy(
    network: DiscreteBayesianNetwork,
    *,
    name: str = "from-pgmpy",
    roles: Mapping[str, str] | None = None,
) -> Network:
    """The Network of any pgmpy DiscreteBayesianNetwork: all CPDs as tables, roles 'other' unless given.

    Columns are normalised. Where exactly one state says that there is nothing (absent, no, none, ...), it becomes the first. Raises NetworkFileError where a CPD is missing, has the wrong shape, holds something that is not a
    probability, or has a column that does not sum to 1 within 1e-3 (files rounded to three digits are common).
    """
    if not hasattr(network, "get_cpds"):
        raise SpinelinkError(
            f"from_pgmpy takes a pgmpy DiscreteBayesianNetwork, not a {type(network).__name__}."
        )
    if not _NETWORK_NAME.fullmatch(name):
        raise SpinelinkError(
            f"{name!r} is no name for a network; write small letters, digits and hyphens."
        )
    names = [str(n).strip() for n in network.nodes()]
    given_roles = {str(n): role for n, role in (roles or {}).items()}
    for node, role in given_roles.items():
        if node not in names:
            raise UnknownNameError(node, kind="node", allowed=names, where="the pgmpy network")
        if role not in get_args(Role):
            raise UnknownNameError(str(role), kind="role", allowed=get_args(Role))
    problems = [
        Problem("pgmpy network", 0, 0, f"two nodes are called {n!r}")
        for n in sorted({n for n in names if names.count(n) > 1})
    ]
    problems += [Problem("pgmpy network", 0, 0, "a node has an empty name") for n in names if not n]
    states: dict[str, tuple[str, ...]] = {}
    cpds: dict[str, Any] = {}
    for node in network.nodes():
        cpd = network.get_cpds(node)
        if cpd is None:
            problems.append(Problem("pgmpy network", 0, 0, f"node {node} has no CPD"))
            continue
        own = str(node).strip()
        cpds[own] = cpd
        states[own] = _nothing_first(_state_names(cpd, node))
        if len(set(states[own])) != len(states[own]):
            problems.append(
                Problem("pgmpy network", 0, 0, f"two states of {node} have the same name")
            )
        if not all(states[own]):
            problems.append(Problem("pgmpy network", 0, 0, f"a state of {node} has an empty name"))
    if problems:
        raise NetworkFileError(problems)
    nodes = {
        n: _node(n, cpd, states, given_roles.get(n, "other"), problems) for n, cpd in cpds.items()
    }
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


def _state_names(cpd: Any, node: Any) -> tuple[str, ...]:
    return tuple(str(s).strip() for s in cpd.state_names[node])


def _nothing_first(states: tuple[str, ...]) -> tuple[str, ...]:
    """The state that says absent, no, none comes first, as everywhere in this library; else the order stays."""
    nothing = [s for s in states if is_nothing(s)]
    return (nothing[0], *(s for s in states if s != nothing[0])) if len(nothing) == 1 else states


_NETWORK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_NOTE = "Imported from pgmpy without provenance."


def _node(
    name: str, cpd: Any, states: Mapping[str, tuple[str, ...]], role: str, problems: list[Problem]
) -> Node:
    parents = [str(p).strip() for p in cpd.variables[1:]]
    # pgmpy gives axes (node, parents...); a parent's states may be listed in another order than its own CPD lists them.
    table = np.asarray(cpd.values, dtype=float)
    for axis, p in enumerate(cpd.variables):
        listed, wanted = list(_state_names(cpd, p)), states[str(p).strip()]
        if sorted(listed) != sorted(wanted):
            problems.append(
                Problem(
                    "pgmpy network",
                    0,
                    0,
                    f"the CPD of {name} names other states of {p} than {p}'s own CPD",
                )
            )
            return Node.model_construct()
        table = np.take(table, [listed.index(s) for s in wanted], axis=axis)
    rows = np.moveaxis(table, 0, -1).reshape(-1, len(states[name]))
    totals = rows.sum(axis=1)
    if not np.isfinite(rows).all() or (rows < 0).any():
        problems.append(
            Problem(
                "pgmpy network", 0, 0, f"the CPD of {name} holds a number that is not a probability"
            )
        )
    elif (np.abs(totals - 1.0) > 1e-3).any():
        worst = totals[np.abs(totals - 1.0).argmax()]
        problems.append(
            Problem("pgmpy network", 0, 0, f"a column of the CPD of {name} sums to {worst:.6g}")
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        rows = rows / totals[:, np.newaxis]
    cpd_value: Prior | Table
    if not parents:
        cpd_value = Prior.model_construct(kind="prior", prior=_chance(rows[0], states[name]))
    else:
        combinations = product(*(states[p] for p in parents))
        table_rows = tuple(
            Row.model_construct(
                given=dict(zip(parents, c, strict=True)), probability=_chance(row, states[name])
            )
            for c, row in zip(combinations, rows, strict=True)
        )
        cpd_value = Table.model_construct(kind="table", parents=tuple(parents), rows=table_rows)
    return Node.model_construct(role=role, label=name, states=states[name], cpd=cpd_value)


def _chance(row: Array, states: tuple[str, ...]) -> Probability | Distribution:
    """One number for two states, as in a network file; both where the first is so rare that 1 - p would lose its digits."""
    if len(states) == 2 and abs((1.0 - row[1]) - row[0]) <= 1e-13 * row[0]:
        return Probability.model_construct(
            estimate=float(row[1]), equivalent_sample_size=1.0, grade="judged", source=(), evidence=(), note=_NOTE,
            interval=None, counts=None, beta=None, level=0.95,
        )  # fmt: skip
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
