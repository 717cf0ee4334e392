"""Posteriors of many rows: rows with the same pattern of findings share a plan and run side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.batch.findings import MISSING, TableFindings
from spinelink.inference.compiled import CompiledNetwork, NoisyFactor
from spinelink.inference.execute import Rows, Seen
from spinelink.inference.query import ENTRY, largest_plan, log_evidence, marginals

Array = NDArray[np.float64]

RUN_BYTES = 3.0e7  # what the tables of one run may hold: rows are cut so that a run stays near the cache
MOST_ROWS = 4096


@dataclass(frozen=True, eq=False)
class TableAnswer:
    """log P(findings) of each row, (rows,), minus infinity where impossible; posteriors by node, (states, rows), nan there."""

    log_evidence: Array
    of: dict[str, Array]


def answer(compiled: CompiledNetwork, findings: TableFindings, nodes: list[str], *, threads: int | None = None) -> TableAnswer:
    """The posteriors of the nodes in every row. threads: how many work at once; as many as cores, at most 8, where None."""
    index = [compiled.index[n] for n in nodes]
    log_total = np.empty(findings.rows)
    of = {n: np.empty((compiled.cards[compiled.index[n]], findings.rows)) for n in nodes}

    def run(rows: NDArray[np.intp]) -> None:
        seen = _seen(compiled, findings, rows)
        if not index:
            log_total[rows] = log_evidence(compiled, seen)
            return
        found = marginals(compiled, seen, index)
        log_total[rows] = found.log_evidence
        possible = np.isfinite(found.log_evidence)
        for name, i in zip(nodes, index, strict=True):
            of[name][:, rows] = np.where(possible, found.of[i], np.nan)

    # The first piece of each pattern plans it; the others reuse the plan, so patterns are the unit of work of the first round.
    groups = list(_groups(compiled, findings))
    firsts, later = [], []
    for rows in groups:
        size = _rows_at_once(compiled, _seen(compiled, findings, rows[:1]), index)
        pieces = [rows[k : k + size] for k in range(0, len(rows), size)]
        firsts.append(pieces[0])
        later += pieces[1:]
    workers = threads or min(os.cpu_count() or 1, 8)
    if workers == 1 or len(firsts) + len(later) == 1:
        for rows in [*firsts, *later]:
            run(rows)
    else:
        pool = ThreadPoolExecutor(workers)
        try:
            for work in (firsts, later):
                for _ in pool.map(run, work):
                    pass
        finally:
            pool.shutdown(cancel_futures=True)  # on Ctrl-C what has not begun does not begin
    return TableAnswer(log_total, of)


def _groups(compiled: CompiledNetwork, findings: TableFindings) -> Iterator[NDArray[np.intp]]:
    """Rows by structural pattern: which nodes are hidden, seen in the lowest state of a noisy-MAX, seen otherwise, or virtual."""
    kinds = []
    for name, codes in findings.hard.items():
        noisy = isinstance(compiled.factors[compiled.index[name]], NoisyFactor)
        kinds.append(np.where(codes == MISSING, 0, np.where((codes == 0) & noisy, 1, 2)).astype(np.uint8))
    kinds += [np.where(np.isnan(weights[0]), 0, 3).astype(np.uint8) for weights in findings.soft.values()]
    if not kinds:
        yield np.arange(findings.rows)
        return
    packed = np.ascontiguousarray(np.stack(kinds, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1])))[:, 0]
    _, inverse = np.unique(keys, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1)


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
