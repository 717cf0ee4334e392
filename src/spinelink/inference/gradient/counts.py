"""Expected counts over a table: how often each entry of each table, leak and link was drawn.

What expectation maximisation needs (Dempster, Laird and Rubin 1977; Heckerman and Breese 1996 for
noisy-OR). Squared row by row, the counts say what the information of incomplete data is worth. The
compiled kernel answers where `engine_for` says so; rows that it leaves, or all, are answered one
after another by the interpreted engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork, Factor, NoisyFactor, TableFactor, map_factor
from spinelink.inference.batches import batch_marginals
from spinelink.inference.engine import KERNEL, engine_for
from spinelink.inference.findings import HIDDEN, EvidenceBatch
from spinelink.inference.gradient.by_entry import expected_counts
from spinelink.inference.kernel import engine as kernel
from spinelink.inference.kernel.flat import flat_of, flatten
from spinelink.inference.plan.patterns import rows_by_pattern
from spinelink.inference.reasons import batch_by_reason
from spinelink.inference.threads import in_threads

Array = NDArray[np.float64]
Factors = tuple[Factor, ...]

ROWS_BETWEEN_REPORTS = 64
"""Rows of the interpreted engine after which the progress is reported."""


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Patients to learn from: their findings, and how many patients each row stands for, (rows,)."""

    findings: EvidenceBatch
    weights: Array

    def __len__(self) -> int:
        return len(self.findings)

    def part(self, rows: NDArray[np.intp]) -> TrainingRows:
        """Some of the rows."""
        return TrainingRows(self.findings.part(rows), self.weights[rows])

    def case(self, row: int) -> dict[int, int | Array]:
        """One row as the findings of one case."""
        states = self.findings.states[row]
        observed: dict[int, int | Array] = {
            int(i): int(states[i]) for i in np.flatnonzero(states != HIDDEN)
        }
        return observed | {
            i: w[:, row : row + 1]
            for i, w in self.findings.likelihoods.items()
            if not np.isnan(w[0, row])
        }


@dataclass(frozen=True, eq=False)
class Counts:
    """Expected counts, summed over rows.

    log_evidence: log P(findings) of each row, (rows,), minus infinity where impossible; such rows
    count nothing. expected: arrays as in the network, (entries..., 1). squares, products, wholes
    (where asked for): sums of count^2, of count times the sum of its distribution's counts, and of
    that sum squared.
    """

    log_evidence: Array
    expected: Factors
    squares: Factors = ()
    products: Factors = ()
    wholes: Factors = ()

    def with_more(self, others: Counts) -> Counts:
        """The same rows, with the expected counts of others added."""
        pairs = zip(self.expected, others.expected, strict=True)
        return replace(self, expected=tuple(map_factor(np.add, a, b) for a, b in pairs))


def count(
    compiled: CompiledNetwork,
    rows: TrainingRows,
    *,
    information: bool = False,
    threads: int | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> Counts:
    """Adds up the expected counts of a table. They do not depend on the number of threads.

    Args:
        compiled: The network, with one set of parameters.
        rows: The patients.
        information: Whether squares, products and wholes are wanted.
        threads: How many work at once; as many as cores, at most 8, where None.
        on_progress: Called with how many rows are done.
    """
    reasons = batch_by_reason(compiled, rows.findings)
    if reasons is not None:
        parts = batch_marginals(compiled, reasons.batch, nodes=[], threads=threads).log_evidence
        shares = reasons.shares(parts, len(rows))
        weighted = TrainingRows(reasons.batch, rows.weights[reasons.row] * shares)
        summed = count(
            compiled, weighted, information=information, threads=threads, on_progress=on_progress
        )
        whole = reasons.summed(Marginals(parts, {}), len(rows)).log_evidence
        return replace(summed, log_evidence=whole)
    return _count(compiled, rows, information=information, threads=threads, on_progress=on_progress)


def _count(
    compiled: CompiledNetwork,
    rows: TrainingRows,
    *,
    information: bool,
    threads: int | None,
    on_progress: Callable[[int], object] | None,
) -> Counts:
    """The same for rows in which nobody is selected, or each for one reason."""
    logs = np.full(len(rows), -np.inf)
    sums = [_zeros(compiled) for _ in range(4 if information else 1)]
    left = np.arange(len(rows))
    done = 0
    if len(rows) and engine_for(compiled, len(rows)) is KERNEL:
        unanswered = []
        for piece, counted in _by_kernel(compiled, rows, information=information, threads=threads):
            logs[piece[counted.answered]] = counted.log_evidence[counted.answered]
            unanswered.append(piece[~counted.answered])
            for into, arrays in zip(sums, counted.sums, strict=True):
                _add(into, arrays)
            done += len(piece)
            if on_progress is not None:
                on_progress(done)
        left = np.concatenate(unanswered)
    for row in left:
        try:
            counts = expected_counts(compiled, rows.case(int(row)))
        except ValueError:
            continue  # impossible
        logs[row], weight = counts.log_evidence, float(rows.weights[row])
        _add(sums[0], [weight * a for a in arrays_of(counts.factors)])
        if information:
            for k, arrays in enumerate(_squares(counts.factors), start=1):
                _add(sums[k], [weight * a for a in arrays])
        done += 1
        if on_progress is not None and done % ROWS_BETWEEN_REPORTS == 0:
            on_progress(min(done, len(rows)))
    return Counts(logs, *(factors_of(compiled, arrays) for arrays in sums))


def _by_kernel(
    compiled: CompiledNetwork, rows: TrainingRows, *, information: bool, threads: int | None
) -> Iterator[tuple[NDArray[np.intp], kernel.KernelCounts]]:
    """Pieces of the table, in the order of their patterns, with their counts."""
    size, findings = compiled.limits.count_rows_at_once, rows.findings
    order, starts = rows_by_pattern(compiled, findings)
    flat = flatten(compiled)

    def run(begin: int) -> tuple[NDArray[np.intp], kernel.KernelCounts]:
        end = min(begin + size, len(rows))
        inside = starts[np.searchsorted(starts, begin, side="right") : np.searchsorted(starts, end)]
        piece = order[begin:end]
        return piece, kernel.count(
            compiled,
            findings.part(piece),
            weights=rows.weights[piece],
            starts=np.concatenate([[0], inside - begin]),
            flat=flat,
            information=information,
        )

    yield from in_threads(run, range(0, len(rows), size), threads=threads)


def count_by_kernel(compiled: CompiledNetwork, rows: TrainingRows) -> list[Array]:
    """Expected counts of rows in which nobody is selected, as one piece of work of the kernel.

    Weights may be negative. What the kernel leaves is counted by the interpreted engine. Arrays are
    (entries..., 1).
    """
    counted = kernel.count(
        compiled,
        rows.findings,
        weights=rows.weights,
        starts=np.arange(len(rows)),
        flat=flat_of(compiled),
        information=False,
    )
    for row in np.flatnonzero(~counted.answered):
        alone = expected_counts(compiled, rows.case(int(row)))
        _add(counted.sums[0], [rows.weights[row] * a for a in arrays_of(alone.factors)])
    return counted.sums[0]


def arrays_of(factors: Factors) -> list[Array]:
    """All arrays of a network, one after another: tables, and leaks followed by their links."""
    return [
        a
        for f in factors
        for a in ((f.table,) if isinstance(f, TableFactor) else (f.leak, *f.links))
    ]


def _zeros(compiled: CompiledNetwork) -> list[Array]:
    return [np.zeros((*a.shape[:-1], 1)) for a in arrays_of(compiled.factors)]


def _add(into: list[Array], more: list[Array]) -> None:
    for a, b in zip(into, more, strict=True):
        a += b


def factors_of(compiled: CompiledNetwork, arrays: list[Array]) -> Factors:
    """The arrays as the factors of a network: the inverse of `arrays_of`."""
    rest = iter(arrays)
    return tuple(
        TableFactor(f.parents, next(rest))
        if isinstance(f, TableFactor)
        else NoisyFactor(f.parents, next(rest), tuple(next(rest) for _ in f.links))
        for f in compiled.factors
    )


def _squares(factors: Factors) -> tuple[list[Array], list[Array], list[Array]]:
    """count^2, count times its distribution's sum, and that sum squared; a distribution is the axis before the last."""
    arrays = arrays_of(factors)
    wholes = [np.broadcast_to(a.sum(axis=-2, keepdims=True), a.shape) for a in arrays]
    return (
        [a * a for a in arrays],
        [a * w for a, w in zip(arrays, wholes, strict=True)],
        [w * w for w in wholes],
    )
