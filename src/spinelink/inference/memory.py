"""The memory that runs hold: counted before anything is allocated, over batch axes and threads.

A run says how many bytes it will hold at its peak, and waits until other threads leave it room. What
does not fit alone is cut along its batch axis by whoever runs it, or refused with its size.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from spinelink.errors import TooLargeError

BYTES = 8.0
"""Bytes of one number."""

SMALL = 1.6e7
"""Bytes that answers, pieces of a batch and drawn networks may always take, however low the limit."""


class MemoryGate:
    """Lets runs begin as long as all of them together stay within a limit.

    One run that is larger than the limit begins where no other is under way. A run within a run of
    the same thread never waits: it would wait for itself. A gate travels empty when it is pickled.
    """

    def __init__(self) -> None:
        self._runs: dict[object, float] = {}
        self._thread = threading.local()
        self._free = threading.Condition()

    @contextmanager
    def hold(self, size: float, limit: float) -> Iterator[None]:
        """Holds so many bytes, out of `limit`, for as long as the block runs."""
        run, depth = object(), getattr(self._thread, "depth", 0)

        def fits() -> bool:
            return depth > 0 or not self._runs or sum(self._runs.values()) + size <= limit

        try:
            with self._free:
                self._free.wait_for(fits)
                self._runs[run] = size  # one step, so that Ctrl-C cannot come in between
            self._thread.depth = depth + 1
            yield
        finally:
            self._thread.depth = depth
            with self._free:
                self._runs.pop(run, None)
                self._free.notify_all()

    def __reduce__(self) -> tuple[object, ...]:
        return (MemoryGate, ())


def size_text(size: float) -> str:
    """Bytes as a person reads them."""
    for unit, factor in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if size < 999.5 * factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size / 1e12:.3g} TB"


def too_large(size: float, limit: float, *, width: float) -> TooLargeError:
    """The refusal of a run that holds more than the limit. width: numbers in its largest table."""
    return TooLargeError(
        f"the exact answer takes {size_text(size)} at once (its largest table has "
        f"{width:.3g} numbers), and the memory limit is {size_text(limit)}; raise the memory limit "
        "(`memory`), or observe more of the network"
    )


def room(limit: float) -> float:
    """Bytes that what surrounds the runs may take: answers, findings, drawn networks."""
    return max(limit, SMALL)


def check_answer_fits(size: float, limit: float, *, what: str) -> None:
    """Refuses an answer that alone takes more than the memory limit. Raises TooLargeError."""
    if size > room(limit):
        raise TooLargeError(
            f"{what} takes {size_text(size)}, more than the memory limit of {size_text(limit)}; "
            "ask for fewer rows or nodes at once, or raise `memory`"
        )
