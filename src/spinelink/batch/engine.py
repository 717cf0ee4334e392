"""Posteriors of many rows: rows with the same pattern of findings share a plan and run side by side."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from spinelink.batch.findings import MISSING, TableFindings
from spinelink.errors import SpinelinkError
from spinelink.inference import fast
from spinelink.inference.compiled import CompiledNetwork, NoisyFactor
from spinelink.inference.execute import Rows, Seen
from spinelink.inference.query import ENTRY, largest_plan, log_evidence, marginals

Array = NDArray[np.float64]

RUN_BYTES = 3.0e7  # what the tables of one run may hold: rows are cut so that a run stays near the cache
MOST_ROWS = 4096
FEW_ROWS = 16  # below, loading the compiled kernel does not pay
TOGETHER = 128  # rows of one pattern from which on NumPy is as fast as the kernel
LIGHT = 2.0e4  # table entries of a plan up to which that holds
PIECE = 2048  # rows that a thread takes at once

Engine = Literal["auto", "numpy", "fast"]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class TableAnswer:
    """log P(findings) of each row, (rows,), minus infinity where impossible; posteriors by node, (states, rows), nan there."""

    log_evidence: Array
    of: dict[str, Array]


def answer(
    compiled: CompiledNetwork, findings: TableFindings, nodes: list[str], *, threads: int | None = None, engine: Engine = "auto"
) -> TableAnswer:
    """The posteriors of the nodes in every row.

    threads: how many work at once; as many as cores, at most 8, where None. engine: "numpy"; "fast" (the extra of that name); "auto": fast, where it
    is installed, for rows that few others are like.
    """
    table = _Table(compiled, findings, nodes)
    if engine == "fast" and not fast.is_available():
        raise SpinelinkError("engine='fast' needs numba: pip install 'spinelink[fast]'")
    workers = threads or min(os.cpu_count() or 1, 8)
    order, starts = _patterns(compiled, findings)
    compiled_kernel = engine == "fast" or (engine == "auto" and fast.is_available() and findings.rows >= FEW_ROWS)
    if not compiled_kernel:
        _side_by_side(table, np.split(order, starts[1:]), workers)
        return TableAnswer(table.log_evidence, table.of)
    # Patterns with few rows are not looked at one by one: in a table where each row has its own there are as many as rows.
    sizes = np.diff([*starts, findings.rows])
    many = [] if engine == "fast" else [order[k : k + n] for k, n in zip(starts[sizes >= TOGETHER], sizes[sizes >= TOGETHER], strict=True)]
    groups = [rows for rows in many if _is_light(table, rows)]
    alone = np.ones(findings.rows, dtype=bool)
    for rows in groups:
        alone[rows] = False
    left = _row_by_row(table, np.flatnonzero(alone), workers)
    if len(left):
        order, starts = _patterns(compiled, findings.part(left))
        groups += [left[rows] for rows in np.split(order, starts[1:])]
    _side_by_side(table, groups, workers)
    return TableAnswer(table.log_evidence, table.of)


class _Table:
    """Where the answers of a table are gathered."""

    def __init__(self, compiled: CompiledNetwork, findings: TableFindings, nodes: list[str]) -> None:
        self.compiled, self.findings, self.nodes = compiled, findings, nodes
        self.index = [compiled.index[n] for n in nodes]
        self.log_evidence = np.empty(findings.rows)
        self.of = {n: np.empty((compiled.cards[i], findings.rows)) for n, i in zip(nodes, self.index, strict=True)}

    def together(self, rows: NDArray[np.intp]) -> None:
        """Rows of one pattern, by NumPy."""
        seen = _seen(self.compiled, self.findings, rows)
        if not self.index:
            self.log_evidence[rows] = log_evidence(self.compiled, seen)
            return
        found = marginals(self.compiled, seen, self.index)
        self.log_evidence[rows] = found.log_evidence
        possible = np.isfinite(found.log_evidence)
        for name, i in zip(self.nodes, self.index, strict=True):
            self.of[name][:, rows] = np.where(possible, found.of[i], np.nan)

    def one_by_one(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Any rows, by the compiled kernel; returns those that it left."""
        part = self.findings.part(rows)
        codes = np.full((len(rows), len(self.compiled.names)), MISSING, dtype=np.int64)
        for name, own in part.hard.items():
            codes[:, self.compiled.index[name]] = own
        soft = {self.compiled.index[n]: w for n, w in part.soft.items()}
        found = fast.solve(self.compiled, codes, soft, self.index)
        done = found.answered
        self.log_evidence[rows[done]] = found.log_evidence[done]
        for name, i in zip(self.nodes, self.index, strict=True):
            self.of[name][:, rows[done]] = found.of[i][:, done]
        return rows[~done]


def _is_light(table: _Table, rows: NDArray[np.intp]) -> bool:
    """Whether the plan of these rows is small, so that many of them fit into the cache side by side."""
    return largest_plan(table.compiled, _seen(table.compiled, table.findings, rows[:1]), table.index) <= LIGHT


def _row_by_row(table: _Table, rows: NDArray[np.intp], workers: int) -> NDArray[np.intp]:
    if not len(rows):
        return rows
    size = int(np.clip(len(rows) / (4 * workers), 1, PIECE))
    return np.concatenate(_run(table.one_by_one, [rows[k : k + size] for k in range(0, len(rows), size)], workers))


def _side_by_side(table: _Table, groups: list[NDArray[np.intp]], workers: int) -> None:
    # The first piece of each pattern plans it; the others reuse the plan.
    firsts, later = [], []
    for rows in groups:
        size = _rows_at_once(table.compiled, _seen(table.compiled, table.findings, rows[:1]), table.index)
        pieces = [rows[k : k + size] for k in range(0, len(rows), size)]
        firsts.append(pieces[0])
        later += pieces[1:]
    for work in (firsts, later):
        _run(table.together, work, workers)


def _run(job: Callable[[NDArray[np.intp]], T], work: list[NDArray[np.intp]], workers: int) -> list[T]:
    if workers == 1 or len(work) <= 1:
        return [job(rows) for rows in work]
    pool = ThreadPoolExecutor(workers)
    try:
        return list(pool.map(job, work))
    finally:
        pool.shutdown(cancel_futures=True)  # on Ctrl-C what has not begun does not begin


def _patterns(compiled: CompiledNetwork, findings: TableFindings) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows in the order of their structural pattern, and where each pattern begins.

    A pattern says which nodes are hidden, seen in the lowest state of a noisy-MAX, seen otherwise, or virtual.
    """
    kinds = []
    for name, codes in findings.hard.items():
        noisy = isinstance(compiled.factors[compiled.index[name]], NoisyFactor)
        kinds.append(np.where(codes == MISSING, 0, np.where((codes == 0) & noisy, 1, 2)).astype(np.uint8))
    kinds += [np.where(np.isnan(weights[0]), 0, 3).astype(np.uint8) for weights in findings.soft.values()]
    if not kinds or not findings.rows:
        return np.arange(findings.rows), np.zeros(1, dtype=np.intp)
    packed = np.ascontiguousarray(np.stack(kinds, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1])))[:, 0]
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    return order, np.concatenate([[0], np.flatnonzero(ranked[1:] != ranked[:-1]) + 1]).astype(np.intp)


def _seen(compiled: CompiledNetwork, findings: TableFindings, rows: NDArray[np.intp]) -> Seen:
    seen: dict[int, int | Array | Rows] = {}
    for name, codes in findings.hard.items():
        own = codes[rows]
        if own[0] == MISSING:
            continue
        node = compiled.index[name]
        # A noisy-MAX seen in its lowest state has a plan of its own; for the others rows with different states run side by side.
        fixed = isinstance(compiled.factors[node], NoisyFactor) and (own[0] == 0 or compiled.cards[node] == 2)
        seen[node] = int(own[0]) if fixed else own
    for name, weights in findings.soft.items():
        likelihoods = weights[:, rows]
        if not np.isnan(likelihoods[0, 0]):
            seen[compiled.index[name]] = likelihoods
    return seen


def _rows_at_once(compiled: CompiledNetwork, seen: Seen, nodes: list[int]) -> int:
    entries = largest_plan(compiled, seen, nodes)
    return int(np.clip(RUN_BYTES / (ENTRY * entries + 1.0), 1, MOST_ROWS))
