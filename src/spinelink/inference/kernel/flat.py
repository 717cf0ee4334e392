"""The extra `fast`: rows planned and run by a kernel that numba compiles.

The same sum as in `query`, planned anew for each structural pattern: prune, slice, order by min-fill on bit sets, eliminate with deputies for large
noisy-MAX families, and go back over the tape for the marginals (Darwiche 2003). Every number is non-negative, so nothing cancels. What underflows
or outgrows the workspace is handed back to the NumPy engine: no row is left unanswered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import accumulate
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import SpinelinkError, UnknownNameError
from spinelink.inference.arrays import CompiledNetwork, NoisyFactor, TableFactor
from spinelink.inference.findings import Observed, is_soft
from spinelink.inference.interpreted.semiring import LINEAR, combine

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

EXPAND = 256  # a noisy family with at most so many entries is one table: its parents tied cost less than levels paired
LIGHT = 1 << 14  # doubles of workspace up to which a row is summed without signs at once
CAPACITY = 1 << 22  # doubles of workspace that one row may take, and as many adjoints
CASE_CAPACITY = 1 << 24  # the same for the run of one case: NumPy answers beyond
LANES = 64  # rows side by side
RARE = 1e-5  # the probability of a state, below which differences in its own family do not keep enough of its digits
RAREST = 1e-8  # the same for differences in families above it
NONE, ALL, HIDDEN = range(
    3
)  # which noisy families enter in signed terms; hidden: but for those of nodes asked for
OUTGROWN, DISAGREED = 1, 3  # what the kernel says of a row that it did not answer


@dataclass(frozen=True, eq=False)
class Flat:
    """A network as flat arrays: what the compiled kernel reads.

    Tables (axes: parents in order, then the node; row-major) for every family but the large noisy ones; leaks and links for all noisy ones.
    """

    cards: Ints  # (nodes,)
    parents: Ints  # (nodes + 1,): parents of node i are parent_of[parents[i]:parents[i + 1]]
    parent_of: Ints
    table_at: Ints  # (nodes,): where the family's table begins; -1 for a large noisy family
    tables: Array  # (entries, 1), or a column for each parameter draw
    noisy: NDArray[np.uint8]
    leak_at: Ints  # (nodes,)
    link_at: Ints  # for each parent: where its link (parent's states, states) begins
    links: Array  # leaks and links, (entries, 1) or a column for each draw
    ancestors: NDArray[np.uint8]  # (nodes, nodes): ancestors[i, j]: j is i or above it
    offsets: Ints  # (nodes + 1,): where a node's states begin in a row of unary weights

    def of_draws(self, draws: NDArray[np.intp]) -> Flat:
        """Some of the parameter draws."""
        tables, links = (a if a.shape[1] == 1 else a[:, draws] for a in (self.tables, self.links))
        return replace(self, tables=tables, links=links)


def flatten(
    compiled: CompiledNetwork, *, expand: float | None = None, families: Iterable[int] | None = None
) -> Flat:
    """Flattens a network with one set of numbers, or with many (parameter draws, the batch axis).

    expand: noisy families with at most so many entries are written out, EXPAND where None. families: the nodes whose numbers will be asked for; all where None.
    """
    limit = EXPAND if expand is None else expand
    wanted = set(range(len(compiled.names)) if families is None else families)
    n = len(compiled.names)
    draws = max(
        a.shape[-1]
        for f in compiled.factors
        for a in ((f.table,) if isinstance(f, TableFactor) else (f.leak, *f.links))
    )
    parents: list[int] = [0]
    parent_of: list[int] = []
    table_at: list[int] = []
    leak_at: list[int] = []
    link_at: list[int] = []
    tables: list[Array] = [np.empty((0, draws))]
    links: list[Array] = [np.empty((0, draws))]
    filled = held = 0

    def rows(array: Array) -> Array:
        return np.broadcast_to(array, (*array.shape[:-1], draws)).reshape(-1, draws)

    for i, factor in enumerate(compiled.factors):
        parent_of += factor.parents
        parents.append(len(parent_of))
        table = None
        if i in wanted:
            table = (
                factor.table
                if isinstance(factor, TableFactor)
                else _small_table(compiled, i, factor, limit)
            )
        table_at.append(-1 if table is None else filled)
        if table is not None:
            tables.append(rows(table))
            filled += len(tables[-1])
        leak_at.append(held)
        if isinstance(factor, TableFactor):
            link_at += [-1] * len(factor.parents)
            continue
        for k, part in enumerate((factor.leak, *factor.links)):
            if k:
                link_at.append(held)
            links.append(rows(part))
            held += len(links[-1])
    above = np.zeros((n, n), dtype=np.uint8)
    for i in range(n):
        above[i, sorted(compiled.ancestors([i]))] = 1
    ints = (
        np.array(part, dtype=np.int64)
        for part in (compiled.cards, parents, parent_of, table_at, leak_at, link_at)
    )
    cards, first, of, tables_at, leaks_at, links_at = ints
    noisy = np.array([isinstance(f, NoisyFactor) for f in compiled.factors], dtype=np.uint8)
    offsets = np.concatenate([[0], np.cumsum(cards)]).astype(np.int64)
    return Flat(
        cards,
        first,
        of,
        tables_at,
        np.concatenate(tables),
        noisy,
        leaks_at,
        links_at,
        np.concatenate(links),
        above,
        offsets,
    )


def _small_table(
    compiled: CompiledNetwork, i: int, factor: NoisyFactor, expand: float
) -> Array | None:
    """The family written out, (parents..., states, batch), where it is small."""
    if np.prod([float(compiled.cards[v]) for v in (*factor.parents, i)]) > expand:
        return None
    whole = factor.leak
    for link in factor.links:
        aligned = link.reshape(*(1,) * (whole.ndim - 2), *link.shape)
        whole = combine(LINEAR, whole[..., np.newaxis, :, :], aligned, (whole.ndim - 1,))
    return whole


_FLAT: WeakKeyDictionary[CompiledNetwork, Flat] = WeakKeyDictionary()


def flat_of(compiled: CompiledNetwork) -> Flat:
    """The network, flattened once and kept."""
    found = _FLAT.get(compiled)
    return _FLAT.setdefault(compiled, flatten(compiled)) if found is None else found


def is_available() -> bool:
    """Whether numba is installed (it is not loaded here)."""
    return find_spec("numba") is not None


def check_engine(engine: str, allowed: Sequence[str]) -> None:
    """Raises UnknownNameError for an engine that is not allowed, SpinelinkError for "fast" without numba."""
    if engine not in allowed:
        raise UnknownNameError(str(engine), kind="engine", allowed=allowed)
    if engine == "fast" and not is_available():
        raise SpinelinkError("engine='fast' needs numba: pip install 'spinelink[fast]'")


@dataclass(frozen=True, eq=False)
class FastAnswer:
    """log P(findings), (rows,); posteriors by node, (states, rows); answered: rows for which these hold; outgrown: rows too large."""

    log_evidence: Array
    of: dict[int, Array]
    answered: NDArray[np.bool_]
    outgrown: NDArray[np.bool_]


def kernel_findings(compiled: CompiledNetwork, observed: Observed) -> tuple[Ints, dict[int, Array]]:
    """One case as the kernel takes it: states seen, (1, nodes), -1 where hidden; and likelihoods."""
    codes = np.full((1, len(compiled.names)), -1, dtype=np.int64)
    soft: dict[int, Array] = {}
    for i, value in observed.items():
        if is_soft(value):
            soft[i] = value
        else:
            codes[0, i] = int(value)
    return codes, soft


def solve(
    compiled: CompiledNetwork,
    codes: Ints,
    soft: dict[int, Array],
    nodes: list[int],
    *,
    starts: Ints | None = None,
    flat: Flat | None = None,
    capacity: int = 0,
) -> FastAnswer:
    """Posteriors of the nodes, row by row.

    codes: (rows, nodes of the network), the state seen or -1; one row where the network has many draws, which are then the rows. soft: node ->
    likelihoods (states, rows), nan where there is no finding. starts: where each group of rows with one structural pattern begins; every row has its
    own where None. flat: the network, flattened; else it is made once and kept. capacity: doubles that one row may take; CAPACITY where 0.
    Rows that underflow, contradict the network or outgrow the workspace are not answered.

    What is small is summed without signs. For the rest a noisy-MAX is a difference of products, P(at most s) - P(at most s - 1), over a variable of its own
    (Díez and Galán 2003, Int J Intell Syst 18:165): far less work where many families share parents, but differences lose digits. So each variable is summed
    out again on the way back; where that does not give P(findings) to twelve digits, or only from terms 1e5 times larger, the row is summed without signs. Where a
    node asked for has rare states that come from differences, its family enters without signs, or all do, so that they keep their digits.
    """
    flat = flat_of(compiled) if flat is None else flat
    room = int(min(capacity or CAPACITY, compiled.memory_limit / 16.0))
    drawn = max(flat.tables.shape[1], flat.links.shape[1])
    rows = max(len(codes), drawn)
    group = (
        np.arange(rows)
        if starts is None
        else np.repeat(np.arange(len(starts)), np.diff(starts, append=rows))
    )
    ends = list(accumulate(compiled.cards[i] for i in nodes))
    logs, found, status = (
        np.empty(rows),
        np.empty((rows, ends[-1] if nodes else 0)),
        np.full(rows, OUTGROWN),
    )
    for signed, capacity in ((NONE, min(LIGHT, room)), (ALL, room), (HIDDEN, room), (NONE, room)):
        left = np.flatnonzero((status == OUTGROWN) | (status == DISAGREED))
        if not len(left):
            break
        if signed == HIDDEN and not any(
            isinstance(compiled.factors[i], NoisyFactor) for i in nodes
        ):
            continue  # the same as all
        own = flat if drawn == 1 or len(left) == rows else flat.of_draws(left)
        some = left if len(codes) == rows else slice(None)
        part = {i: w if w.shape[1] == 1 else w[:, left] for i, w in soft.items()}
        logs[left], found[left], status[left] = _solve(
            compiled, own, codes[some], part, nodes, group[left], signed, capacity
        )
        if signed != NONE:
            columns = _columns(compiled, nodes, ends, own=signed == ALL)
            rare = (found[left][:, columns] < (RARE if signed == ALL else RAREST)).any(axis=1) & (
                status[left] == 0
            )
            status[left[rare]] = DISAGREED
    of = {i: found[:, end - compiled.cards[i] : end].T for i, end in zip(nodes, ends, strict=True)}
    return FastAnswer(logs, of, status == 0, status == OUTGROWN)


def _columns(
    compiled: CompiledNetwork, nodes: Sequence[int], ends: Sequence[int], *, own: bool
) -> list[int]:
    """Columns of nodes asked for whose rare states come from differences: with a noisy family above them, or of their own."""
    found: list[int] = []
    for i, end in zip(nodes, ends, strict=True):
        if any(
            isinstance(compiled.factors[j], NoisyFactor) and (own or j != i)
            for j in compiled.above(i)
        ):
            found += range(end - compiled.cards[i], end)
    return found


def _solve(
    compiled: CompiledNetwork,
    flat: Flat,
    codes: Ints,
    soft: Mapping[int, Array],
    nodes: list[int],
    group: Ints,
    signed: int,
    capacity: int,
) -> tuple[Array, Array, Ints]:
    """Log P(findings), posteriors (rows, states of all nodes), status; in one form and within one capacity. group: of each row, rows of a group together."""
    from spinelink.inference.kernel.solve import solve_rows, workspace

    rows = len(group)
    starts = np.append(np.flatnonzero(np.diff(group, prepend=-1)), rows)
    weights, assessed = soft_arrays(flat, codes, soft)
    logs, found = np.empty(rows), np.empty((rows, sum(compiled.cards[i] for i in nodes)))
    status = np.empty(rows, dtype=np.int64)
    network = arrays(flat)
    lanes = int(min(LANES, np.diff(starts).max(initial=1)))
    solve_rows(
        network, codes, weights, assessed, signed, starts.astype(np.int64), np.array(nodes, dtype=np.int64), capacity, logs, found, status,
        *workspace(network, lanes),
    )  # fmt: skip
    return logs, found, status


def arrays(flat: Flat) -> tuple[Array | Ints | NDArray[np.uint8], ...]:
    """The network as the kernel takes it."""
    return (
        flat.cards, flat.parents, flat.parent_of, flat.table_at, flat.tables, flat.noisy, flat.leak_at, flat.link_at, flat.links,
        flat.ancestors, flat.offsets,
    )  # fmt: skip


def soft_arrays(
    flat: Flat, codes: Ints, soft: Mapping[int, Array]
) -> tuple[Array, NDArray[np.uint8]]:
    """Likelihoods of all states, (rows, states of all nodes), and which nodes have some, (rows, nodes); empty where there are none."""
    weights, assessed = (
        np.empty((0, 0)),
        np.zeros((len(codes), len(flat.cards) if soft else 0), dtype=np.uint8),
    )
    if soft:
        weights = np.ones((len(codes), int(flat.offsets[-1])))
        for i, likelihoods in soft.items():
            given = ~np.isnan(likelihoods[0])
            start = flat.offsets[i]
            weights[given, start : start + len(likelihoods)] = likelihoods[:, given].T
            assessed[:, i] = given
    return weights, assessed
