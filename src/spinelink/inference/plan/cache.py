"""A bounded memory of plans, shared by threads: the least recently used goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict

CAPACITY = 4096


class PlanCache:
    """Plans by structural pattern. It travels empty when it is pickled: plans are cheap to make again."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[object, object] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object) -> object | None:
        """What was put under this key; None where nothing was, or it is gone."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: object, value: object) -> None:
        """Remembers a value, which is not None."""
        with self._lock:
            self._entries[key] = value
            self._entries.move_to_end(key)
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)

    def __reduce__(self) -> tuple[object, ...]:
        return (PlanCache, (self._capacity,))
