"""Expected counts over a table of patients: how often each entry of each table, leak and link is expected to have been drawn, given all findings.

What EM needs (Dempster, Laird, Rubin 1977; Heckerman and Breese 1996 for noisy-OR), and, squared row by row, what the information of incomplete data is
worth. By the compiled kernel where the extra `fast` is installed; rows that it leaves, or all, one after another by NumPy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork, Factor, NoisyFactor, TableFactor
from spinelink.inference.gradient.by_entry import expected_counts
from spinelink.inference.kernel import flat as fast
from spinelink.inference.plan.patterns import by_pattern, kinds_of

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Factors = tuple[Factor, ...]

FEW = 16  # rows for which loading the compiled kernel does not pay
PIECE = 2048  # rows that a thread takes at once
LANES = 16


@dataclass(frozen=True, eq=False)
class Rows:
    """Patients. codes: (rows, nodes), the state seen or -1. soft: node -> likelihoods (states, rows), nan where there is none. weights: (rows,), how many
    patients each row stands for.
    """

    codes: Ints
    soft: dict[int, Array]
    weights: Array

    def __len__(self) -> int:
        return len(self.codes)

    def part(self, rows: NDArray[np.intp]) -> Rows:
        """Some of the rows."""
        return Rows(
            self.codes[rows], {i: w[:, rows] for i, w in self.soft.items()}, self.weights[rows]
        )

    def case(self, row: int) -> dict[int, int | Array]:
        """One row as evidence."""
        found: dict[int, int | Array] = {
            int(i): int(self.codes[row, i]) for i in np.flatnonzero(self.codes[row] >= 0)
        }
        return found | {
            i: w[:, row : row + 1] for i, w in self.soft.items() if not np.isnan(w[0, row])
        }


@dataclass(frozen=True, eq=False)
class Counts:
    """log_evidence: log P(findings) of each row, (rows,), minus infinity where impossible (such rows count nothing).

    expected: arrays as in the network, (entries..., 1). squares, products, wholes (where asked for): sums over rows of count^2, of count times the sum of
    its distribution's counts, and of that sum squared.
    """

    log_evidence: Array
    expected: Factors
    squares: Factors = ()
    products: Factors = ()
    wholes: Factors = ()


def count(
    compiled: CompiledNetwork,
    rows: Rows,
    *,
    information: bool = False,
    threads: int | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> Counts:
    """Adds up the expected counts. report: called with how many rows are done. The sums do not depend on the number of threads."""
    logs = np.full(len(rows), -np.inf)
    sums = [_zeros(compiled) for _ in range(4 if information else 1)]
    left = np.arange(len(rows))
    done = 0
    if len(rows) >= FEW and fast.is_available():
        order, starts = by_pattern(kinds_of(compiled, rows.codes, rows.soft), len(rows))
        flat = fast.flatten(compiled)
        pieces = [(k, min(k + PIECE, len(rows))) for k in range(0, len(rows), PIECE)]

        def run(piece: tuple[int, int]) -> tuple[NDArray[np.intp], Array, Ints, list[Array]]:
            begin, end = piece
            inside = starts[
                np.searchsorted(starts, begin, side="right") : np.searchsorted(starts, end)
            ]
            own = order[begin:end]
            return (
                own,
                *_by_kernel(
                    compiled,
                    flat,
                    rows.part(own),
                    np.concatenate([[0], inside - begin, [end - begin]]),
                    information,
                ),
            )

        workers = threads or min(os.cpu_count() or 1, 8)
        remaining = []
        pool = ThreadPoolExecutor(workers)
        try:
            for own, found, status, flats in pool.map(run, pieces):
                good = status == 0
                logs[own[good]] = found[good]
                remaining.append(own[~good])
                for into, arrays in zip(sums, _unflattened(compiled, flat, flats), strict=True):
                    _add(into, arrays)
                done += len(own)
                if on_progress is not None:
                    on_progress(done)
        finally:
            pool.shutdown(cancel_futures=True)
        left = np.concatenate(remaining)
    for row in left:
        try:
            each = expected_counts(compiled, rows.case(int(row)))
        except ValueError:
            continue  # impossible
        logs[row], weight = each.log_evidence, float(rows.weights[row])
        _add(sums[0], [weight * a for a in arrays_of(each.factors)])
        if information:
            for k, arrays in enumerate(_squares(each.factors), start=1):
                _add(sums[k], [weight * a for a in arrays])
        done += 1
        if on_progress is not None and done % 64 == 0:
            on_progress(min(done, len(rows)))
    return Counts(logs, *(_factors(compiled, each) for each in sums))


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


def _factors(compiled: CompiledNetwork, arrays: list[Array]) -> Factors:
    found: list[Factor] = []
    at = 0
    for f in compiled.factors:
        many = 1 if isinstance(f, TableFactor) else 1 + len(f.links)
        own = arrays[at : at + many]
        found.append(
            TableFactor(f.parents, own[0])
            if isinstance(f, TableFactor)
            else NoisyFactor(f.parents, own[0], tuple(own[1:]))
        )
        at += many
    return tuple(found)


def _squares(factors: Factors) -> tuple[list[Array], list[Array], list[Array]]:
    """count^2, count times its distribution's sum, and that sum squared; a distribution is the axis before the last."""
    arrays = arrays_of(factors)
    wholes = [np.broadcast_to(a.sum(axis=-2, keepdims=True), a.shape) for a in arrays]
    return (
        [a * a for a in arrays],
        [a * w for a, w in zip(arrays, wholes, strict=True)],
        [w * w for w in wholes],
    )


def _by_kernel(
    compiled: CompiledNetwork, flat: fast.Flat, rows: Rows, starts: Ints, information: bool
) -> tuple[Array, Ints, list[Array]]:
    """Log P(findings) and status of each row; the sums as flat arrays: tables and links, of counts and (where wanted) their squares."""
    from spinelink.inference.kernel.counts import count_rows
    from spinelink.inference.kernel.solve import workspace

    likelihoods, assessed = fast.soft_arrays(flat, rows.codes, rows.soft)
    lanes = int(min(LANES, np.diff(starts).max(initial=1)))
    sizes = (len(flat.tables), len(flat.links))
    sums = [tuple(np.zeros(n if k == 0 or information else 0) for n in sizes) for k in range(4)]
    logs, status = np.empty(len(rows)), np.zeros(len(rows), dtype=np.int64)
    capacity = int(min(fast.CAPACITY, compiled.memory_limit / 16.0))
    count_rows(
        fast.arrays(flat), rows.codes, likelihoods, assessed, starts.astype(np.int64), rows.weights, capacity, int(information),
        _columns(compiled, flat), *sums, logs, status, *workspace(fast.arrays(flat), lanes)[:-1],
    )  # fmt: skip
    return logs, status, [a for pair in sums[: 4 if information else 1] for a in pair]


def _columns(compiled: CompiledNetwork, flat: fast.Flat) -> tuple[Ints, Ints]:
    """Where each distribution begins in the flat tables and links, and where the last one ends."""
    tables: list[int] = []
    links: list[int] = []
    for i, f in enumerate(compiled.factors):
        card = compiled.cards[i]
        if flat.table_at[i] >= 0:
            tables += [card] * int(np.prod([compiled.cards[p] for p in f.parents], initial=1))
        if isinstance(f, NoisyFactor):
            links += [card] * sum(a.size // a.shape[-1] // card for a in (f.leak, *f.links))
    return _ends(tables), _ends(links)


def _ends(sizes: list[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _unflattened(
    compiled: CompiledNetwork, flat: fast.Flat, flats: list[Array]
) -> list[list[Array]]:
    """Flat sums as arrays of the network."""
    found = []
    for tables, links in zip(flats[::2], flats[1::2], strict=True):
        arrays = []
        at = 0
        for i, f in enumerate(compiled.factors):
            if isinstance(f, TableFactor):
                begin = int(flat.table_at[i])
                arrays.append(
                    tables[begin : begin + f.table.size // f.table.shape[-1]].reshape(
                        *f.table.shape[:-1], 1
                    )
                )
                continue
            for a in (f.leak, *f.links):
                size = a.size // a.shape[-1]
                arrays.append(links[at : at + size].reshape(*a.shape[:-1], 1))
                at += size
        found.append(arrays)
    return found
