"""The Python side of the compiled kernel (the extra `fast`, numba): rows of findings in, posteriors out.

Each structural pattern is planned anew: prune, order by min-fill on bit sets, eliminate with deputies
for large noisy-MAX families (Díez and Galán 2003, Int J Intell Syst 18:165), and go back over the
tape for the marginals (Darwiche 2003, JACM 50:280). Rows that underflow or outgrow the workspace are
not answered here; the interpreted engine answers them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import accumulate
from math import prod

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor, TableFactor
from spinelink.inference.findings import EvidenceBatch
from spinelink.inference.kernel.flat import Flat, flat_of
from spinelink.inference.kernel.records import (
    ANSWERED,
    DIFFERENCE,
    DIFFERENCE_BUT_TARGETS,
    DIRECT,
    DISAGREED,
    OUTGROWN,
    CountOutputs,
    CountRequest,
    Findings,
    Outputs,
    Request,
    Sums,
)
from spinelink.inference.kernel.workspace import kernel_limits, workspace, workspace_bytes
from spinelink.inference.limits import Limits

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

BYTES_PER_ENTRY = 16.0
"""Bytes that an entry of the workspace costs: itself and its adjoint."""


def is_available() -> bool:
    """Whether numba is installed. It is not loaded here."""
    return find_spec("numba") is not None


@dataclass(frozen=True, eq=False)
class KernelAnswer:
    """What the kernel says of a batch of findings.

    log_evidence: log P(findings), (rows,). posterior: node -> (states, rows). answered: the rows for
    which these hold, (rows,). outgrown: the rows that need more workspace, (rows,).
    """

    log_evidence: Array
    posterior: dict[int, Array]
    answered: NDArray[np.bool_]
    outgrown: NDArray[np.bool_]


def max_entries_of(compiled: CompiledNetwork, max_entries: int | None = None) -> int:
    """Doubles of workspace that one row may take, within the network's memory limit."""
    limits = compiled.limits
    wanted = limits.kernel_row if max_entries is None else max_entries
    room = compiled.memory_limit - _workspace_bytes(compiled, limits.kernel_lanes)
    return max(1, int(min(wanted, room / BYTES_PER_ENTRY)))


def _workspace_bytes(compiled: CompiledNetwork, lanes: int) -> float:
    """Bytes of the arrays that a run works in, beside its tables."""
    return workspace_bytes(
        np.array(compiled.cards, dtype=np.int64),
        sum(len(parents) for parents in compiled.parents),
        lanes=lanes,
        pairs=compiled.limits.kernel_pairs,
    )


def _holding(
    compiled: CompiledNetwork, *, lanes: int, max_entries: int
) -> AbstractContextManager[None]:
    """Holds the memory of one run: the arrays to work in, and the tables of one row or of many."""
    entries = max(max_entries, compiled.limits.kernel_room)
    size = _workspace_bytes(compiled, lanes) + BYTES_PER_ENTRY * entries
    return compiled.resources.gate.hold(size, compiled.memory_limit)


def solve(
    compiled: CompiledNetwork,
    batch: EvidenceBatch,
    *,
    nodes: Sequence[int],
    starts: NDArray[np.intp] | None = None,
    flat: Flat | None = None,
    max_entries: int | None = None,
) -> KernelAnswer:
    """Computes posteriors of some nodes, row by row.

    Small rows use the subtraction-free form. Larger ones use the difference form, which is far
    lighter where many families share parents, but loses digits. So every variable is summed out again
    on the backward pass. Rows that do not agree there, or whose targets have rare states obtained as
    differences, are computed again with fewer differences, or with none where that is small. What is
    left may keep fewer digits (`limits.fewer_digits`), before a large run with no differences.

    Args:
        compiled: The network; with sampled parameters, these are the rows.
        batch: The findings; one row where the network has sampled parameters.
        nodes: The targets.
        starts: Where each group of rows with one structural pattern begins; each row is a group of
            its own where None.
        flat: The network as flat arrays; they are made once and kept where None.
        max_entries: Doubles of workspace for one row; `limits.kernel_row` where None.

    Returns:
        log P(findings) and posteriors. Rows that underflow, contradict the network or outgrow the
        workspace are not answered.
    """
    flat = flat_of(compiled) if flat is None else flat
    room = max_entries_of(compiled, max_entries)
    rows = max(len(batch), flat.draws)
    group = _groups(rows, starts)
    out = _outputs(rows, sum(compiled.cards[i] for i in nodes))
    strict, fewer_digits = compiled.limits, compiled.limits.with_fewer_digits
    for form, entries, limits in (
        (DIRECT, min(strict.kernel_direct, room), strict),
        (DIFFERENCE, room, strict),
        (DIFFERENCE_BUT_TARGETS, room, strict),
        (DIRECT, min(strict.kernel_direct_again, room), strict),
        (DIFFERENCE, room, fewer_digits),
        (DIRECT, room, strict),
    ):
        left = np.flatnonzero((out.status == OUTGROWN) | (out.status == DISAGREED))
        if not len(left):
            break
        if form == DIFFERENCE_BUT_TARGETS and not _any_noisy(compiled, nodes):
            continue  # the same as DIFFERENCE
        part = solve_form(
            compiled,
            batch if len(batch) != rows or len(left) == rows else batch.part(left),
            flat=flat if flat.draws == 1 or len(left) == rows else flat.of_draws(left),
            nodes=nodes,
            starts=np.flatnonzero(np.diff(group[left], prepend=-1)),
            form=form,
            max_entries=entries,
            limits=limits,
        )
        rare = _rare_differences(compiled, part, nodes=nodes, form=form, limits=limits)
        out.log_evidence[left] = part.log_evidence
        out.posterior[left] = np.clip(part.posterior, 0.0, 1.0)
        out.status[left] = np.where(rare, DISAGREED, part.status)
    posterior = {i: out.posterior[:, columns].T for i, columns in _columns(compiled, nodes)}
    return KernelAnswer(out.log_evidence, posterior, out.status == ANSWERED, out.status == OUTGROWN)


def solve_form(
    compiled: CompiledNetwork,
    batch: EvidenceBatch,
    *,
    flat: Flat,
    nodes: Sequence[int],
    starts: NDArray[np.intp],
    form: int,
    max_entries: int,
    limits: Limits | None = None,
) -> Outputs:
    """Runs all rows in one form and within one workspace; see `solve`.

    limits: the network's own where None.
    """
    from spinelink.inference.kernel.solve import solve_rows

    rows = max(len(batch), flat.draws)
    ends = np.append(starts, rows).astype(np.int64)
    thresholds = kernel_limits(limits or compiled.limits)
    lanes = int(min(thresholds.lanes, np.diff(ends).max(initial=1)))
    out = _outputs(rows, sum(compiled.cards[i] for i in nodes))
    request = Request(ends, np.array(nodes, dtype=np.int64), form, max_entries)
    with _holding(compiled, lanes=lanes, max_entries=max_entries):
        work = workspace(
            flat.cards, len(flat.parent_of), lanes=lanes, pairs=compiled.limits.kernel_pairs
        )
        solve_rows(flat, _findings(flat, batch), request, thresholds, work, out)
    return out


def _any_noisy(compiled: CompiledNetwork, nodes: Iterable[int]) -> bool:
    return any(isinstance(compiled.factors[i], NoisyFactor) for i in nodes)


def _groups(rows: int, starts: NDArray[np.intp] | None) -> NDArray[np.intp]:
    """The group of each row, (rows,)."""
    if starts is None:
        return np.arange(rows)
    return np.repeat(np.arange(len(starts)), np.diff(starts, append=rows))


def _outputs(rows: int, states: int) -> Outputs:
    """Nothing answered yet."""
    return Outputs(
        np.empty(rows), np.empty((rows, states)), np.full(rows, OUTGROWN, dtype=np.int64)
    )


def _columns(compiled: CompiledNetwork, nodes: Sequence[int]) -> list[tuple[int, slice]]:
    """Each node with its columns in the posteriors of all targets."""
    ends = accumulate(compiled.cards[i] for i in nodes)
    return [(i, slice(end - compiled.cards[i], end)) for i, end in zip(nodes, ends, strict=True)]


def _rare_differences(
    compiled: CompiledNetwork, part: Outputs, *, nodes: Sequence[int], form: int, limits: Limits
) -> NDArray[np.bool_]:
    """Rows in which a target has a state too rare for a difference, (rows,)."""
    rare = np.zeros(len(part.status), dtype=np.bool_)
    if form == DIRECT or limits.rare_difference == 0.0:
        return rare
    own = form == DIFFERENCE  # in that form a target's own family enters as a difference, too
    least = limits.rare_difference if own else limits.rare_upstream
    for i, columns in _columns(compiled, nodes):
        above = compiled.above(i) if own else compiled.above(i) - {i}
        if _any_noisy(compiled, above):
            rare |= (part.posterior[:, columns] < least).any(axis=1)
    rare &= part.status == ANSWERED
    return rare


def _findings(flat: Flat, batch: EvidenceBatch) -> Findings:
    """A batch as the kernel takes it."""
    rows, soft = len(batch), batch.likelihoods
    if not soft:
        return Findings(batch.states, np.empty((0, 0)), np.zeros((rows, 0), dtype=np.uint8))
    weights = np.ones((rows, int(flat.offsets[-1])))
    assessed = np.zeros((rows, len(flat.cards)), dtype=np.uint8)
    for i, likelihoods in soft.items():
        given = ~np.isnan(likelihoods[0])
        start = flat.offsets[i]
        weights[given, start : start + len(likelihoods)] = likelihoods[:, given].T
        assessed[:, i] = given
    return Findings(batch.states, weights, assessed)


@dataclass(frozen=True, eq=False)
class KernelCounts:
    """Sums of expected counts. log_evidence, answered: (rows,).

    sums: each a list of arrays in the network's order, (entries..., 1): of counts and, where squares
    were asked for, of squares, products and wholes.
    """

    log_evidence: Array
    answered: NDArray[np.bool_]
    sums: list[list[Array]]


def count(
    compiled: CompiledNetwork,
    batch: EvidenceBatch,
    *,
    weights: Array,
    starts: NDArray[np.intp],
    flat: Flat,
    information: bool,
) -> KernelCounts:
    """Adds up the expected counts of a batch.

    Args:
        compiled: The network, with one set of parameters.
        batch: The findings.
        weights: How many patients each row stands for, (rows,).
        starts: Where each group of rows with one structural pattern begins.
        flat: The network as flat arrays.
        information: Whether the squares are wanted.
    """
    tables, links = (
        Sums(columns, *(np.zeros(columns[-1] if k == 0 or information else 0) for k in range(4)))
        for columns in _distributions(compiled, flat)
    )
    group = _groups(len(batch), starts)
    logs, status = np.empty(len(batch)), np.full(len(batch), OUTGROWN, dtype=np.int64)
    room = max_entries_of(compiled)
    small = min(compiled.limits.kernel_direct, room)
    # Squares of counts are sums of positive terms only without differences.
    forms = ((DIRECT, small), (DIFFERENCE, room), (DIRECT, room))
    for form, entries in ((DIRECT, room),) if information else forms:
        left = np.flatnonzero((status == OUTGROWN) | (status == DISAGREED))
        if not len(left):
            break
        ends = np.append(np.flatnonzero(np.diff(group[left], prepend=-1)), len(left))
        request = CountRequest(
            ends.astype(np.int64), weights[left], int(information), form, entries
        )
        part = CountOutputs(tables, links, np.empty(len(left)), np.zeros(len(left), np.int64))
        _count(compiled, batch.part(left), flat=flat, request=request, out=part)
        logs[left], status[left] = part.log_evidence, part.status
    sums = [
        _unflattened(compiled, flat, tables=table, links=link)
        for table, link in list(zip(tables[1:], links[1:], strict=True))[: 4 if information else 1]
    ]
    return KernelCounts(logs, status == ANSWERED, sums)


def _count(
    compiled: CompiledNetwork,
    batch: EvidenceBatch,
    *,
    flat: Flat,
    request: CountRequest,
    out: CountOutputs,
) -> None:
    """Counts all rows in one form and within one workspace; see `count`."""
    from spinelink.inference.kernel.counts import count_rows

    limits = kernel_limits(compiled.limits)._replace(lanes=int(compiled.limits.kernel_count_lanes))
    lanes = int(min(limits.lanes, np.diff(request.starts).max(initial=1)))
    with _holding(compiled, lanes=lanes, max_entries=request.max_entries):
        work = workspace(
            flat.cards, len(flat.parent_of), lanes=lanes, pairs=compiled.limits.kernel_pairs
        )
        count_rows(flat, _findings(flat, batch), request, limits, work, out)


def _distributions(compiled: CompiledNetwork, flat: Flat) -> tuple[Ints, Ints]:
    """Where each distribution begins in the flat tables and links, and where the last one ends."""
    tables: list[int] = []
    links: list[int] = []
    for i, f in enumerate(compiled.factors):
        card = compiled.cards[i]
        if flat.table_at[i] >= 0:
            tables += [card] * prod(compiled.cards[p] for p in f.parents)
        if isinstance(f, NoisyFactor):
            links += [card] * sum(a.size // a.shape[-1] // card for a in (f.leak, *f.links))
    return tuple(  # type: ignore[return-value]
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64) for sizes in (tables, links)
    )


def _unflattened(
    compiled: CompiledNetwork, flat: Flat, *, tables: Array, links: Array
) -> list[Array]:
    """Flat sums as arrays of the network."""
    arrays = []
    at = 0
    for i, f in enumerate(compiled.factors):
        if isinstance(f, TableFactor):
            begin = int(flat.table_at[i])
            part = tables[begin : begin + f.table.size // f.table.shape[-1]]
            arrays.append(part.reshape(*f.table.shape[:-1], 1))
            continue
        for a in (f.leak, *f.links):
            size = a.size // a.shape[-1]
            arrays.append(links[at : at + size].reshape(*a.shape[:-1], 1))
            at += size
    return arrays
