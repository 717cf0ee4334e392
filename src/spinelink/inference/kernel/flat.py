"""A network as flat arrays: what the compiled kernel reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor, TableFactor
from spinelink.inference.interpreted.semiring import LINEAR, combine

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


class Flat(NamedTuple):
    """A network as flat arrays, with one set of parameters or a column for each sampled one.

    Every family has a table, but for the large noisy ones; every noisy family has leak and links.

    cards: (nodes,), states of each. parents: (nodes + 1,); the parents of node i are
    parent_of[parents[i]:parents[i + 1]]. table_at: (nodes,), where the family's table begins, -1 for
    a large noisy one. tables: (entries, draws), axes parents in order, then the node, row-major.
    noisy: (nodes,). leak_at: (nodes,). link_at: for each parent, where its link (parent's states,
    states) begins. links: leaks and links, (entries, draws). ancestors: (nodes, nodes), 1 where j is i
    or above it. offsets: (nodes + 1,), where a node's states begin in a row of weights.
    """

    cards: Ints
    parents: Ints
    parent_of: Ints
    table_at: Ints
    tables: Array
    noisy: NDArray[np.uint8]
    leak_at: Ints
    link_at: Ints
    links: Array
    ancestors: NDArray[np.uint8]
    offsets: Ints

    @property
    def draws(self) -> int:
        """How many sets of parameters there are."""
        return int(max(self.tables.shape[1], self.links.shape[1]))

    def of_draws(self, draws: NDArray[np.intp]) -> Flat:
        """Some of the sampled parameters."""
        tables, links = (a if a.shape[1] == 1 else a[:, draws] for a in (self.tables, self.links))
        return self._replace(tables=tables, links=links)


def flatten(compiled: CompiledNetwork, *, families: Iterable[int] | None = None) -> Flat:
    """Flattens a network.

    Args:
        compiled: The network. Noisy families with at most `limits.expanded_family` entries become
            tables.
        families: The nodes whose tables are needed; all where None.
    """
    wanted = set(range(len(compiled.names)) if families is None else families)
    draws = max(a.shape[-1] for f in compiled.factors for a in _arrays(f))
    parents, parent_of = [0], list[int]()
    table_at, leak_at, link_at = list[int](), list[int](), list[int]()
    tables, links = _Column(draws), _Column(draws)
    for i, factor in enumerate(compiled.factors):
        parent_of += factor.parents
        parents.append(len(parent_of))
        table = _table(compiled, i) if i in wanted else None
        table_at.append(-1 if table is None else tables.add(table))
        if isinstance(factor, TableFactor):
            leak_at.append(links.size)
            link_at += [-1] * len(factor.parents)
        else:
            leak_at.append(links.add(factor.leak))
            link_at += [links.add(link) for link in factor.links]
    return Flat(
        np.array(compiled.cards, dtype=np.int64),
        np.array(parents, dtype=np.int64),
        np.array(parent_of, dtype=np.int64),
        np.array(table_at, dtype=np.int64),
        tables.joined(),
        np.array([isinstance(f, NoisyFactor) for f in compiled.factors], dtype=np.uint8),
        np.array(leak_at, dtype=np.int64),
        np.array(link_at, dtype=np.int64),
        links.joined(),
        _ancestors(compiled),
        np.concatenate([[0], np.cumsum(compiled.cards)]).astype(np.int64),
    )


class _Column:
    """Arrays, one after another, as (entries, draws)."""

    def __init__(self, draws: int) -> None:
        self.draws, self.size = draws, 0
        self.parts: list[Array] = [np.empty((0, draws))]

    def add(self, array: Array) -> int:
        """Appends an array with the draws last; returns where it begins."""
        at = self.size
        entries = np.broadcast_to(array, (*array.shape[:-1], self.draws)).reshape(-1, self.draws)
        self.parts.append(entries)
        self.size += len(entries)
        return at

    def joined(self) -> Array:
        return np.concatenate(self.parts)


def _arrays(factor: TableFactor | NoisyFactor) -> tuple[Array, ...]:
    return (factor.table,) if isinstance(factor, TableFactor) else (factor.leak, *factor.links)


def _ancestors(compiled: CompiledNetwork) -> NDArray[np.uint8]:
    """(nodes, nodes): 1 where j is i or above it."""
    nodes = len(compiled.names)
    above = np.zeros((nodes, nodes), dtype=np.uint8)
    for i in range(nodes):
        above[i, sorted(compiled.ancestors([i]))] = 1
    return above


def _table(compiled: CompiledNetwork, node: int) -> Array | None:
    """The family as one table, (parents..., states, draws); None for a large noisy family."""
    factor = compiled.factors[node]
    if isinstance(factor, TableFactor):
        return factor.table
    entries = np.prod([float(compiled.cards[v]) for v in (*factor.parents, node)])
    if entries > compiled.limits.expanded_family:
        return None
    table = factor.leak
    for link in factor.links:
        aligned = link.reshape(*(1,) * (table.ndim - 2), *link.shape)
        table = combine(LINEAR, table[..., np.newaxis, :, :], aligned, (table.ndim - 1,))
    return table


_FLAT: WeakKeyDictionary[CompiledNetwork, Flat] = WeakKeyDictionary()


def flat_of(compiled: CompiledNetwork) -> Flat:
    """The network, flattened once and kept."""
    flat = _FLAT.get(compiled)
    return _FLAT.setdefault(compiled, flatten(compiled)) if flat is None else flat
