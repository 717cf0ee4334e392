"""Work in threads, its results in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")

MOST_THREADS = 8
"""Threads unless a caller says otherwise: beyond, memory is what they wait for."""


def thread_count(threads: int | None) -> int:
    """How many threads work at once: as many as cores, at most 8, unless the caller says."""
    return threads or min(os.cpu_count() or 1, MOST_THREADS)


def in_threads(
    job: Callable[[Piece], Result], work: Sequence[Piece], *, threads: int | None = None
) -> Iterator[Result]:
    """The results of a job over pieces of work, in order. On Ctrl-C no further piece begins."""
    workers = thread_count(threads)
    if workers == 1 or len(work) <= 1:
        yield from map(job, work)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        yield from pool.map(job, work)
    finally:
        pool.shutdown(cancel_futures=True)
