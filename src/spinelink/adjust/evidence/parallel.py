"""What a network implies for figures, by several processes: each keeps its share and its plans."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.evidence.figures import Figures
from spinelink.errors import SpinelinkError

Array = NDArray[np.float64]
Asked = Literal["implied_by", "slopes_at"]

BLOCK = 8
"""Figures that follow each other stay together, as those of one study share their sums."""


@dataclass(frozen=True, eq=False)
class SharedFigures(Figures):
    """Figures that several processes answer.

    workers: where each one listens. rows: the positions of its figures.
    """

    workers: tuple[Connection, ...] = ()
    rows: tuple[NDArray[np.intp], ...] = ()

    def implied_by(self, theta: Array) -> Array:
        """See `Figures`."""
        return self._gathered("implied_by", theta, np.empty(len(self.claims)))

    def slopes_at(self, theta: Array) -> Array:
        """See `Figures`."""
        return self._gathered("slopes_at", theta, np.empty((len(self.claims), len(theta))))

    def _gathered(self, asked: Asked, theta: Array, into: Array) -> Array:
        try:
            for worker in self.workers:
                worker.send((asked, theta))
            for worker, rows in zip(self.workers, self.rows, strict=True):
                answer = worker.recv()
                if isinstance(answer, Exception):
                    raise answer
                into[rows] = answer
        except (EOFError, OSError):
            raise SpinelinkError("a process that answered figures has ended by itself") from None
        return into


@contextmanager
def shared(figures: Figures, processes: int) -> Iterator[Figures]:
    """The figures, answered by this many processes while the block runs.

    Here and at once where it is one process, or where there are few figures.
    """
    processes = min(processes, len(figures.claims) // BLOCK)
    if processes < 2:
        yield figures
        return
    context = get_context("spawn")
    names = list(figures.claims)
    order = [k for asked in figures.by_asked.values() for k in asked]
    blocks = [order[k : k + BLOCK] for k in range(0, len(order), BLOCK)]
    parts = [sorted(k for block in blocks[w::processes] for k in block) for w in range(processes)]
    started, workers = [], []
    try:
        for part in parts:
            here, there = context.Pipe()
            claims = {names[k]: figures.claims[names[k]] for k in part}
            own = Figures(figures.model, claims, figures.coordinates)
            process = context.Process(target=_answer, args=(there, own), daemon=True)
            process.start()
            there.close()
            started.append(process)
            workers.append(here)
        rows = tuple(np.array(part, dtype=np.intp) for part in parts)
        yield SharedFigures(
            figures.model, figures.claims, figures.coordinates, tuple(workers), rows
        )
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.join()
        for worker in workers:
            worker.close()


def _answer(parent: Connection, figures: Figures) -> None:
    """What a process does: it answers until its parent goes. Ctrl-C is for the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            asked, theta = parent.recv()
        except EOFError:
            return
        try:
            parent.send(getattr(figures, asked)(theta))
        except SpinelinkError as error:
            parent.send(error)
