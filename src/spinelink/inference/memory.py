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


class MemoryGate:
    """Lets runs begin as long as all of them together stay within a limit.

    One run that is larger than the limit begins where no other is under way. A gate travels empty
    when it is pickled.
    """

    def __init__(self) -> None:
        self._held = 0
        self._free = threading.Condition()

    @contextmanager
    def hold(self, size: float, limit: float) -> Iterator[None]:
        """Holds so many bytes, out of `limit`, for as long as the block runs."""
        whole = int(size) + 1  # integers, so that what was held is given back exactly
        with self._free:
            self._free.wait_for(lambda: self._held == 0 or self._held + whole <= limit)
            self._held += whole
        try:
            yield
        finally:
            with self._free:
                self._held -= whole
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
        f"the exact answer takes more than {size_text(size)} at once (its largest table has "
        f"{width:.3g} numbers), and the memory limit is {size_text(limit)}; raise the memory limit "
        "(`memory`), or observe more of the network"
    )


def check_answer_fits(size: float, limit: float, *, what: str) -> None:
    """Refuses an answer that alone takes more than the memory limit. Raises TooLargeError."""
    if size > limit:
        raise TooLargeError(
            f"{what} takes {size_text(size)}, more than the memory limit of {size_text(limit)}; "
            "ask for fewer rows or nodes at once, or raise `memory`"
        )
