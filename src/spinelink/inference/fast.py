"""The extra `fast`: one row after another, each with a plan of its own, compiled by numba.

The same sum as in `query`, with noisy-MAX families as chains of small tables: y_k = max(y_{k-1}, contribution of parent k), which keeps every
number non-negative. For each row: prune, slice, order by min-fill on bit sets, eliminate, and go back over the tape for all marginals
(Darwiche 2003). What underflows or outgrows the workspace is handed back to the NumPy engine: no row is left unanswered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.compiled import CompiledNetwork, NoisyFactor, TableFactor
from spinelink.inference.ordering import elimination_order
from spinelink.inference.semiring import LINEAR, combine

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

EXPAND = 64  # a noisy family with at most so many entries is one table
CAPACITY = 1 << 20  # doubles of workspace a row may take, and as many adjoints


@dataclass(frozen=True, eq=False)
class Chains:
    """A network as flat arrays of tables: what the compiled kernel reads.

    Variables: the nodes, then the links of chains. A family is a run of factors; axis k of factor f is variable scopes[axes[f] + k], in row-major
    order. lowest_*: for a noisy-MAX, P(it stays in its lowest state) of leak and of each parent's states.
    """

    nodes: int
    cards: Ints
    family: Ints  # (nodes + 1,): factors of node i are family[i]:family[i + 1]
    axes: Ints  # (factors + 1,)
    scopes: Ints
    starts: Ints  # (factors,): where a table begins in `tables`
    tables: Array
    ancestors: NDArray[np.uint8]  # (nodes, nodes): ancestors[i, j]: j is i or above it
    noisy: NDArray[np.uint8]
    leak: Array  # (nodes,): lowest state of the leak
    parents: Ints  # (nodes + 1,) into parent_of, lowest_at
    parent_of: Ints
    lowest_at: Ints
    lowest: Array
    offsets: Ints  # (variables + 1,): where a variable's states begin in a row of unary weights


def chains_of(compiled: CompiledNetwork) -> Chains:
    """Flattens a network with one set of numbers (batch axis 1)."""
    n = len(compiled.names)
    cards = list(compiled.cards)
    rank = _rank(compiled)
    family, axes, scopes, starts, tables = [0], [0], [], [], []
    parents, parent_of, lowest_at, lowest = [0], [], [], []
    filled = held = 0

    def add(scope: tuple[int, ...], table: Array) -> None:
        nonlocal filled
        scopes.extend(scope)
        axes.append(len(scopes))
        starts.append(filled)
        tables.append(np.ascontiguousarray(table).reshape(-1))
        filled += table.size

    for i, factor in enumerate(compiled.factors):
        if isinstance(factor, TableFactor):
            add((*factor.parents, i), factor.table[..., 0])
        else:
            for p, link in zip(factor.parents, factor.links, strict=True):
                parent_of.append(p)
                lowest_at.append(held)
                lowest.append(link[:, 0, 0])
                held += link.shape[0]
            _add_noisy(compiled, i, factor, cards, rank, add)
        family.append(len(starts))
        parents.append(len(parent_of))
    above = np.zeros((n, n), dtype=np.uint8)
    for i in range(n):
        above[i, sorted(compiled.ancestors([i]))] = 1
    return Chains(
        n,
        np.array(cards),
        np.array(family),
        np.array(axes),
        np.array(scopes, dtype=np.int64),
        np.array(starts, dtype=np.int64),
        np.concatenate(tables) if tables else np.empty(0),
        above,
        np.array([isinstance(f, NoisyFactor) for f in compiled.factors], dtype=np.uint8),
        np.array([f.leak[0, 0] if isinstance(f, NoisyFactor) else 1.0 for f in compiled.factors]),
        np.array(parents),
        np.array(parent_of, dtype=np.int64),
        np.array(lowest_at, dtype=np.int64),
        np.concatenate(lowest) if lowest else np.empty(0),
        np.concatenate([[0], np.cumsum(cards)]).astype(np.int64),
    )


def _rank(compiled: CompiledNetwork) -> dict[int, int]:
    """Where each node goes in an order that keeps neighbours together; chains follow it, so that they cut few ties."""
    scopes = [(*f.parents, i) for i, f in enumerate(compiled.factors) if isinstance(f, TableFactor)]
    scopes += [(p, i) for i, f in enumerate(compiled.factors) if isinstance(f, NoisyFactor) for p in f.parents]
    order = elimination_order(range(len(compiled.names)), scopes, dict(enumerate(compiled.cards)), {}, frozenset(), thorough=False)
    return {v: k for k, v in enumerate(order)}


Add = Callable[[tuple[int, ...], Array], None]


def _add_noisy(compiled: CompiledNetwork, i: int, factor: NoisyFactor, cards: list[int], rank: dict[int, int], add: Add) -> None:
    levels = compiled.cards[i]
    pairs = sorted(zip(factor.parents, factor.links, strict=True), key=lambda pair: rank[pair[0]])
    size = levels
    for p in factor.parents:
        size *= compiled.cards[p]
    scope: tuple[int, ...] = ()
    running = factor.leak  # (scope..., levels, batch)
    for k, (p, link) in enumerate(pairs):
        running = combine(LINEAR, running[..., np.newaxis, :, :], link.reshape(*(1,) * (running.ndim - 2), *link.shape), (running.ndim - 1,))
        scope = (*scope, p)
        if size > EXPAND and k < len(pairs) - 1:
            cards.append(levels)
            add((*scope, len(cards) - 1), running[..., 0])
            # The next table begins with the level reached so far.
            scope, running = (len(cards) - 1,), np.eye(levels)[..., np.newaxis]
    add((*scope, i), running[..., 0])


_CHAINS: WeakKeyDictionary[CompiledNetwork, Chains] = WeakKeyDictionary()


def is_available() -> bool:
    """Whether numba is installed (it is not loaded here)."""
    return find_spec("numba") is not None


@dataclass(frozen=True, eq=False)
class FastAnswer:
    """log P(findings), (rows,); posteriors by node, (states, rows); answered: rows for which these hold."""

    log_evidence: Array
    of: dict[int, Array]
    answered: NDArray[np.bool_]


def solve(compiled: CompiledNetwork, codes: Ints, soft: dict[int, Array], nodes: list[int]) -> FastAnswer:
    """Posteriors of the nodes, row by row.

    codes: (rows, nodes of the network), the state seen or -1. soft: node -> likelihoods (states, rows), nan where there is no finding.
    Rows that underflow, contradict the network or outgrow the workspace are not answered.
    """
    from spinelink.inference.fast_kernel import solve_rows

    chains = _CHAINS.get(compiled)
    if chains is None:
        chains = _CHAINS.setdefault(compiled, chains_of(compiled))
    rows = len(codes)
    weights, assessed = np.empty((0, 0)), np.zeros((rows, chains.nodes if soft else 0), dtype=np.uint8)
    if soft:
        weights = np.ones((rows, int(chains.offsets[chains.nodes])))
        for i, likelihoods in soft.items():
            given = ~np.isnan(likelihoods[0])
            start = chains.offsets[i]
            weights[given, start : start + len(likelihoods)] = likelihoods[:, given].T
            assessed[:, i] = given
    widths = np.array([compiled.cards[i] for i in nodes], dtype=np.int64)
    ends = np.cumsum(widths)
    logs, found, status = np.empty(rows), np.empty((rows, int(ends[-1]) if nodes else 0)), np.empty(rows, dtype=np.int64)
    arrays = (
        chains.cards, chains.family, chains.axes, chains.scopes, chains.starts, chains.tables, chains.ancestors, chains.noisy, chains.leak,
        chains.parents, chains.parent_of, chains.lowest_at, chains.lowest, chains.offsets,
    )  # fmt: skip
    solve_rows(chains.nodes, *arrays, codes, weights, assessed, np.array(nodes, dtype=np.int64), CAPACITY, logs, found, status)
    of = {i: found[:, end - width : end].T for i, width, end in zip(nodes, widths, ends, strict=True)}
    return FastAnswer(logs, of, status == 0)
