"""What a network implies for figures, by several processes: each keeps its share and its plans."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.evidence.figures import Figures

Array = NDArray[np.float64]

BLOCK = 8
"""Figures that follow each other stay together, as those of one study share their sums."""

_mine: Figures | None = None
"""In a worker process: its figures."""


@dataclass(frozen=True, eq=False)
class SharedFigures(Figures):
    """Figures that several processes answer. rows: the positions of each one's."""

    workers: tuple[ProcessPoolExecutor, ...] = ()
    rows: tuple[NDArray[np.intp], ...] = ()

    def implied_by(self, theta: Array) -> Array:
        """See `Figures`."""
        scaled = np.empty(len(self.claims))
        found = [worker.submit(_implied, theta) for worker in self.workers]
        for rows, part in zip(self.rows, found, strict=True):
            scaled[rows] = part.result()
        return scaled

    def slopes_at(self, theta: Array) -> Array:
        """See `Figures`."""
        jacobian = np.zeros((len(self.claims), len(theta)))
        found = [worker.submit(_slopes, theta) for worker in self.workers]
        for rows, part in zip(self.rows, found, strict=True):
            jacobian[rows] = part.result()
        return jacobian


@contextmanager
def shared(figures: Figures, processes: int) -> Iterator[Figures]:
    """The figures, answered by this many processes while the block runs; here where it is one."""
    if processes < 2 or len(figures.claims) < 2 * BLOCK:
        yield figures
        return
    names = list(figures.claims)
    order = [k for asked in figures.by_asked.values() for k in asked]
    blocks = [order[k : k + BLOCK] for k in range(0, len(order), BLOCK)]
    parts = [sorted(k for block in blocks[w::processes] for k in block) for w in range(processes)]
    workers = tuple(
        ProcessPoolExecutor(
            max_workers=1,
            mp_context=get_context("spawn"),
            initializer=_begin,
            initargs=(
                Figures(
                    figures.model,
                    {names[k]: figures.claims[names[k]] for k in part},
                    figures.coordinates,
                ),
            ),
        )
        for part in parts
    )
    try:
        rows = tuple(np.array(part, dtype=np.intp) for part in parts)
        yield SharedFigures(figures.model, figures.claims, figures.coordinates, workers, rows)
    finally:
        for worker in workers:
            worker.shutdown(wait=False, cancel_futures=True)


def _begin(figures: Figures) -> None:
    global _mine
    _mine = figures


def _implied(theta: Array) -> Array:
    assert _mine is not None
    return _mine.implied_by(theta)


def _slopes(theta: Array) -> Array:
    assert _mine is not None
    return _mine.slopes_at(theta)
