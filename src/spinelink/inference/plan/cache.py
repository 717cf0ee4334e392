"""A bounded memory of plans, shared by threads: the least recently used goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from spinelink.inference.limits import DEFAULT

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class CacheKey(Generic[Entry]):
    """Names an entry and says of which type it is. Each kind of entry has a subclass of its own."""


class PlanCache:
    """Plans, and what was decided about them, by structural pattern.

    It travels empty when it is pickled: plans are cheap to make again.
    """

    def __init__(self, capacity: int = DEFAULT.plan_cache_entries) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[CacheKey[Any], object] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: CacheKey[Entry]) -> Entry | None:
        """The entry under this key; None where there is none, or it is gone."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return cast("Entry | None", self._entries.get(key))

    def put(self, key: CacheKey[Entry], value: Entry) -> Entry:
        """Remembers an entry, which is not None, and returns it."""
        with self._lock:
            self._entries[key] = value
            self._entries.move_to_end(key)
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
        return value

    def __len__(self) -> int:
        return len(self._entries)

    def __reduce__(self) -> tuple[object, ...]:
        return (PlanCache, (self._capacity,))
