"""A thread that computes what takes longer, once nobody has clicked for a moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

PAUSE = 0.6
"""Seconds without a request after which the computation begins."""


class Background:
    """Runs one computation again and again, on request; several requests are answered by one run.

    compute: called without arguments; what it raises is dropped, so it shows its own errors.
    """

    def __init__(self, compute: Callable[[], object]) -> None:
        self._compute = compute
        self._wake = threading.Condition()
        self._asked = self._answered = 0
        self._closed = False
        self.thread: threading.Thread | None = None

    def ask(self) -> None:
        """Requests a run; the first request starts the thread."""
        with self._wake:
            if self.thread is None:
                self.thread = threading.Thread(
                    target=self._work, name="spinelink explorer", daemon=True
                )
                self.thread.start()
            self._asked += 1
            self._wake.notify_all()

    def wait(self, timeout: float) -> bool:
        """Waits until all requests are answered. Returns False after `timeout` seconds."""
        with self._wake:
            return self._wake.wait_for(lambda: self._answered == self._asked, timeout)

    def close(self) -> None:
        """Ends the thread after the run in progress."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._answered < self._asked or self._closed)
                # While clicks come, they have the machine to themselves.
                while not self._closed and self._wake.wait(PAUSE):
                    pass
                if self._closed:
                    return
                asked = self._asked
            with suppress(Exception):
                self._compute()
            with self._wake:
                self._answered = asked
                self._wake.notify_all()
