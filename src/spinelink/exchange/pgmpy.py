"""The network as one of pgmpy, and back. The only module that imports pgmpy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Model
from spinelink.errors import NetworkFileError, Problem, SpinelinkError, UnknownNameError, shown
from spinelink.inference.arrays import CompiledNetwork, NoisyFactor
from spinelink.inference.family import full_table
from spinelink.inference.interpreted.semiring import LINEAR, combine
from spinelink.network.cpd import Prior, Row, Table
from spinelink.network.evidence import is_nothing
from spinelink.network.network import Network
from spinelink.network.node import Node, Role
from spinelink.network.parameter import Distribution, Probability
from spinelink.network.wide import MOST_ENTRIES
from spinelink.options import mapping, one_of

if TYPE_CHECKING:
    from pgmpy.models import DiscreteBayesianNetwork

Array = NDArray[np.float64]

LARGE_FAMILY = 2**12
"""A noisy family with more entries becomes a chain of nodes, each the maximum so far."""


def to_pgmpy(model: Model) -> DiscreteBayesianNetwork:
    """A network of pgmpy over the same nodes and states, with the same distribution.

    pgmpy keeps noisy families as full tables. Those above 4,096 entries are written as chains of
    nodes NAME__max_1, NAME__max_2, ... whose last link is NAME itself. So the distribution over the
    network's own nodes stays exact. A selection node becomes a root over the reasons and a node
    NAME__fits__PARENT for each parent; who is selected has "yes" in all of them.

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


class Family(NamedTuple):
    """A node with its table: its name and states, its parents with theirs; (parents..., states)."""

    name: str
    states: tuple[str, ...]
    parents: list[tuple[str, tuple[str, ...]]]
    table: Array


def _families(compiled: CompiledNetwork, node: int) -> list[Family]:
    """The node as one table, or where that is too large as a chain of maxima."""
    factor = compiled.factors[node]
    name, states = compiled.names[node], compiled.states[node]
    parents = [(compiled.names[p], compiled.states[p]) for p in factor.parents]
    size = float(np.prod([float(compiled.cards[v]) for v in (*factor.parents, node)]))
    if size <= LARGE_FAMILY or not isinstance(factor, NoisyFactor):
        return [Family(name, states, parents, full_table(factor))]
    families: list[Family] = []
    before: list[tuple[str, tuple[str, ...]]] = []
    for k, (parent, link) in enumerate(zip(parents, factor.links, strict=True), start=1):
        link_name = name if k == len(parents) else f"{name}__max_{k}"
        start = factor.leak[:, 0][np.newaxis] if not before else np.eye(len(states))
        table = _maximum(start, link[..., 0])
        families.append(Family(link_name, states, [*before, parent], table if before else table[0]))
        before = [(link_name, states)]
    return families


def _maximum(a: Array, b: Array) -> Array:
    """The maximum of one draw from a row of each: its distribution, (rows a, rows b, states)."""
    return combine(LINEAR, a[:, np.newaxis, :, np.newaxis], b[np.newaxis, :, :, np.newaxis], (2,))[
        ..., 0
    ]


def from_pgmpy(
    network: DiscreteBayesianNetwork,
    *,
    name: str = "from-pgmpy",
    roles: Mapping[str, str] | None = None,
) -> Network:
    """The Network of any pgmpy DiscreteBayesianNetwork.

    All CPDs become tables whose columns are normalised. Where exactly one state says that there is
    nothing (absent, no, none, ...), it becomes the first.

    Args:
        network: of pgmpy.
        name: of the new network: small letters, digits and hyphens.
        roles: node -> role; "other" unless given.

    Raises:
        NetworkFileError: a CPD is missing, has the wrong shape, holds something that is not a
            probability, or has a column that does not sum to 1 within 1e-3 (files rounded to three
            digits are common).
        UnknownNameError: a role, or a node that is given one, is not known.
        SpinelinkError: it is no network of pgmpy, has no nodes, or the name is not allowed.
    """
    if not hasattr(network, "get_cpds"):
        kind = type(network).__name__
        raise SpinelinkError(f"from_pgmpy takes a pgmpy DiscreteBayesianNetwork, not a {kind}.")
    if not isinstance(name, str) or not NETWORK_NAME.fullmatch(name):
        raise SpinelinkError(
            f"name: {shown(name)} is no name for a network; write small letters, digits and hyphens."
        )
    names = [str(n).strip() for n in network.nodes()]
    given_roles = _checked_roles({} if roles is None else roles, names)
    cpds, problems = _cpds(network, names)
    _refuse(problems or _too_wide(cpds))
    states = {own: _nothing_first(_state_names(cpd, cpd.variable)) for own, cpd in cpds.items()}
    tables = {own: _rows(own, cpd, states=states) for own, cpd in cpds.items()}
    _refuse([problem for _, wrong in tables.values() for problem in wrong])
    if not cpds:
        raise SpinelinkError("the pgmpy network has no nodes")
    nodes = {}
    for own, cpd in cpds.items():
        parents = {p: states[p] for p in (str(v).strip() for v in cpd.variables[1:])}
        nodes[own] = Node.model_construct(
            role=given_roles.get(own, "other"),
            label=own,
            states=states[own],
            cpd=_cpd(tables[own][0], states[own], parents=parents),
        )
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


NETWORK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
NOTE = "Imported from pgmpy without provenance."


def _problem(text: str) -> Problem:
    return Problem("pgmpy network", 0, 0, text)


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise NetworkFileError(problems)


def _checked_roles(roles: Mapping[str, str], names: list[str]) -> dict[str, str]:
    """Roles by node. Raises UnknownNameError for a node or a role that is not known."""
    given = mapping(roles, "roles", what="node -> role")
    by_node = {n if isinstance(n, str) else shown(n): role for n, role in given.items()}
    for node, role in by_node.items():
        if node not in names:
            raise UnknownNameError(node, kind="node", allowed=names, where="the pgmpy network")
        one_of(role, "role", get_args(Role))
    return {node: str(role) for node, role in by_node.items()}


def _cpds(
    network: DiscreteBayesianNetwork, names: list[str]
) -> tuple[dict[str, Any], list[Problem]]:
    """The CPDs by the node's name as text, and what is wrong with the names of nodes and states."""
    twice = sorted({n for n in names if names.count(n) > 1})
    problems = [_problem(f"two nodes are called {n!r}") for n in twice]
    problems += [_problem("a node has an empty name") for n in names if not n]
    cpds: dict[str, Any] = {}
    for node in network.nodes():
        cpd = network.get_cpds(node)
        if cpd is None:
            problems.append(_problem(f"node {node} has no CPD"))
            continue
        cpds[str(node).strip()] = cpd
        states = _state_names(cpd, node)
        if len(set(states)) != len(states):
            problems.append(_problem(f"two states of {node} have the same name"))
        if not all(states):
            problems.append(_problem(f"a state of {node} has an empty name"))
    return cpds, problems


def _too_wide(cpds: Mapping[str, Any]) -> list[Problem]:
    """CPDs whose tables are too large to be written as rows."""
    return [
        _problem(
            f"the CPD of {own} is a table of {np.size(cpd.values):,} numbers over "
            f"{len(cpd.variables) - 1} parents; at most {MOST_ENTRIES:,} can be worked with: gather "
            "some of its parents in a node of their own"
        )
        for own, cpd in cpds.items()
        if np.size(cpd.values) > MOST_ENTRIES
    ]


def _state_names(cpd: Any, node: Any) -> tuple[str, ...]:
    return tuple(str(s).strip() for s in cpd.state_names[node])


def _nothing_first(states: tuple[str, ...]) -> tuple[str, ...]:
    """The state that says absent, no or none comes first; else the order stays."""
    nothing = [s for s in states if is_nothing(s)]
    return (nothing[0], *(s for s in states if s != nothing[0])) if len(nothing) == 1 else states


def _rows(
    name: str, cpd: Any, *, states: Mapping[str, tuple[str, ...]]
) -> tuple[Array, list[Problem]]:
    """P(node | parents) as normalised rows, (rows, states), and what is wrong with the CPD."""
    # pgmpy gives axes (node, parents...). A parent's states may be listed here in another order
    # than its own CPD lists them.
    table = np.asarray(cpd.values, dtype=float)
    for axis, variable in enumerate(cpd.variables):
        listed, wanted = list(_state_names(cpd, variable)), states[str(variable).strip()]
        if sorted(listed) != sorted(wanted):
            text = f"the CPD of {name} names other states of {variable} than {variable}'s own CPD"
            return table, [_problem(text)]
        table = np.take(table, [listed.index(s) for s in wanted], axis=axis)
    rows = np.moveaxis(table, 0, -1).reshape(-1, len(states[name]))
    totals = rows.sum(axis=1)
    problems = []
    if not np.isfinite(rows).all() or (rows < 0).any():
        text = f"the CPD of {name} holds a number that is not a probability"
        problems.append(_problem(text))
    elif (np.abs(totals - 1.0) > 1e-3).any():
        worst = totals[np.abs(totals - 1.0).argmax()]
        problems.append(_problem(f"a column of the CPD of {name} sums to {worst:.6g}"))
    with np.errstate(invalid="ignore", divide="ignore"):
        return rows / totals[:, np.newaxis], problems


def _cpd(
    rows: Array, states: tuple[str, ...], *, parents: Mapping[str, tuple[str, ...]]
) -> Prior | Table:
    """A node's CPD from its rows; parents: with their states, the last varying fastest."""
    if not parents:
        return Prior.model_construct(kind="prior", prior=_chance(rows[0], states))
    table_rows = tuple(
        Row.model_construct(
            given=dict(zip(parents, combination, strict=True)), probability=_chance(row, states)
        )
        for combination, row in zip(product(*parents.values()), rows, strict=True)
    )
    return Table.model_construct(kind="table", parents=tuple(parents), rows=table_rows)


def _chance(row: Array, states: tuple[str, ...]) -> Probability | Distribution:
    """One number for two states, as in a network file.

    Both where the first is so rare that 1 - p would lose its digits.
    """
    common: dict[str, Any] = {
        "equivalent_sample_size": 1.0,
        "grade": "judged",
        "source": (),
        "evidence": (),
        "note": NOTE,
        "counts": None,
        "level": 0.95,
    }
    if len(states) == 2 and abs((1.0 - row[1]) - row[0]) <= 1e-13 * row[0]:
        estimate = float(row[1])
        return Probability.model_construct(estimate=estimate, interval=None, beta=None, **common)
    by_state = dict(zip(states, (float(v) for v in row), strict=True))
    return Distribution.model_construct(estimate=by_state, **common)
