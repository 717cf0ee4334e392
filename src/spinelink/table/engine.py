"""Posteriors of many rows: rows with the same pattern of findings share a plan and run side by side."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor
from spinelink.inference.findings import EvidenceBatch, Observed, States
from spinelink.inference.interpreted.marginals import ENTRY, largest_plan, log_evidence, marginals
from spinelink.inference.kernel import engine as kernel
from spinelink.inference.plan.patterns import by_pattern, hard_kind, soft_kind
from spinelink.table.cells import MISSING, TableFindings

Array = NDArray[np.float64]

RUN_BYTES = (
    3.0e7  # what the tables of one run may hold: rows are cut so that a run stays near the cache
)
MOST_ROWS = 4096
FEW_ROWS = 16  # below, loading the compiled kernel does not pay
PIECE = 4096  # rows that a thread takes at once

Engine = Literal["auto", "numpy", "fast"]
T = TypeVar("T")
W = TypeVar("W")


@dataclass(frozen=True, eq=False)
class TableAnswer:
    """log P(findings) of each row, (rows,), minus infinity where impossible; posteriors by node, (states, rows), nan there."""

    log_evidence: Array
    of: dict[str, Array]


def answer(
    compiled: CompiledNetwork,
    findings: TableFindings,
    nodes: list[str],
    *,
    threads: int | None = None,
    engine: Engine = "auto",
) -> TableAnswer:
    """The posteriors of the nodes in every row.

    threads: how many work at once; as many as cores, at most 8, where None. engine: "numpy"; "fast" (the extra of that name); "auto": fast, where it
    is installed, but for a handful of rows.
    """
    table = _Table(compiled, findings, nodes)
    kernel.check_engine(engine, get_args(Engine))
    workers = threads or min(os.cpu_count() or 1, 8)
    order, starts = _patterns(compiled, findings)
    if engine == "fast" or (engine == "auto" and kernel.is_available() and findings.rows >= FEW_ROWS):
        order = _by_kernel(table, order, starts, workers)
        again, starts = _patterns(compiled, findings.part(order))
        order = order[again]
    if len(order):
        _side_by_side(table, np.split(order, starts[1:]), workers)
    return TableAnswer(table.log_evidence, table.of)


class _Table:
    """Where the answers of a table are gathered."""

    def __init__(
        self, compiled: CompiledNetwork, findings: TableFindings, nodes: list[str]
    ) -> None:
        self.compiled, self.findings, self.nodes = compiled, findings, nodes
        self.index = [compiled.index[n] for n in nodes]
        self.log_evidence = np.empty(findings.rows)
        self.of = {
            n: np.empty((compiled.cards[i], findings.rows))
            for n, i in zip(nodes, self.index, strict=True)
        }

    def together(self, rows: NDArray[np.intp]) -> None:
        """Rows of one pattern, by NumPy."""
        observed = _observed(self.compiled, self.findings, rows)
        if not self.index:
            self.log_evidence[rows] = log_evidence(self.compiled, observed)
            return
        found = marginals(self.compiled, observed, self.index)
        self.log_evidence[rows] = found.log_evidence
        possible = np.isfinite(found.log_evidence)
        for name, i in zip(self.nodes, self.index, strict=True):
            self.of[name][:, rows] = np.where(possible, found.of[i], np.nan)

    def by_kernel(self, rows: NDArray[np.intp], starts: NDArray[np.intp]) -> NDArray[np.intp]:
        """Rows in the order of their patterns, which begin at `starts`, by the compiled kernel; returns those that it left."""
        part = self.findings.part(rows)
        codes = np.full((len(rows), len(self.compiled.names)), MISSING, dtype=np.int64)
        for name, own in part.hard.items():
            codes[:, self.compiled.index[name]] = own
        soft = {self.compiled.index[n]: w for n, w in part.soft.items()}
        found = kernel.solve(
            self.compiled, EvidenceBatch(codes, soft), nodes=self.index, starts=starts
        )
        done = found.answered
        self.log_evidence[rows[done]] = found.log_evidence[done]
        for name, i in zip(self.nodes, self.index, strict=True):
            self.of[name][:, rows[done]] = found.posterior[i][:, done]
        return rows[~done]


def _by_kernel(
    table: _Table, order: NDArray[np.intp], starts: NDArray[np.intp], workers: int
) -> NDArray[np.intp]:
    """Rows in pieces, each piece with the patterns that begin in it; a pattern that is cut is planned in each of its pieces."""
    rows = len(order)
    size = int(np.clip(rows / (4 * workers), 1, PIECE))

    def piece(begin: int) -> NDArray[np.intp]:
        end = min(begin + size, rows)
        inside = starts[np.searchsorted(starts, begin, side="right") : np.searchsorted(starts, end)]
        return table.by_kernel(order[begin:end], np.concatenate([[0], inside - begin]))

    left = _run(piece, list(range(0, rows, size)), workers)
    return np.concatenate(left) if left else order


def _side_by_side(table: _Table, groups: list[NDArray[np.intp]], workers: int) -> None:
    # The first piece of each pattern plans it; the others reuse the plan.
    firsts, later = [], []
    for rows in groups:
        size = _rows_at_once(
            table.compiled, _observed(table.compiled, table.findings, rows[:1]), table.index
        )
        pieces = [rows[k : k + size] for k in range(0, len(rows), size)]
        firsts.append(pieces[0])
        later += pieces[1:]
    for work in (firsts, later):
        _run(table.together, work, workers)


def _run(job: Callable[[W], T], work: list[W], workers: int) -> list[T]:
    if workers == 1 or len(work) <= 1:
        return [job(each) for each in work]
    pool = ThreadPoolExecutor(workers)
    try:
        return list(pool.map(job, work))
    finally:
        pool.shutdown(cancel_futures=True)  # on Ctrl-C what has not begun does not begin


def _patterns(
    compiled: CompiledNetwork, findings: TableFindings
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows in the order of their structural pattern, and where each pattern begins."""
    kinds = [
        hard_kind(compiled, compiled.index[name], codes) for name, codes in findings.hard.items()
    ]
    return by_pattern(
        [*kinds, *(soft_kind(weights) for weights in findings.soft.values())], findings.rows
    )


def _observed(
    compiled: CompiledNetwork, findings: TableFindings, rows: NDArray[np.intp]
) -> Observed:
    observed: dict[int, int | Array | States] = {}
    for name, codes in findings.hard.items():
        own = codes[rows]
        if own[0] == MISSING:
            continue
        node = compiled.index[name]
        # A noisy-MAX seen in its lowest state has a plan of its own; for the others rows with different states run side by side.
        fixed = isinstance(compiled.factors[node], NoisyFactor) and (
            own[0] == 0 or compiled.cards[node] == 2
        )
        observed[node] = int(own[0]) if fixed else own
    for name, weights in findings.soft.items():
        likelihoods = weights[:, rows]
        if not np.isnan(likelihoods[0, 0]):
            observed[compiled.index[name]] = likelihoods
    return observed


def _rows_at_once(compiled: CompiledNetwork, observed: Observed, nodes: list[int]) -> int:
    entries = largest_plan(compiled, observed, nodes)
    return int(np.clip(RUN_BYTES / (ENTRY * entries + 1.0), 1, MOST_ROWS))
