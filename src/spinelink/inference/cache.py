"""A memory of plans, bounded by bytes and shared by threads: the least recently used goes first."""

from __future__ import annotations

import pickle
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

    capacity: bytes that all entries may take with their keys, as `size_of` counts them. It travels
    empty when it is pickled: plans are cheap to make again.
    """

    def __init__(self, capacity: float = DEFAULT.plan_cache_bytes) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[CacheKey[Any], object] = OrderedDict()
        self._sizes: dict[CacheKey[Any], int] = {}
        self._taken = 0
        self._lock = threading.Lock()

    def get(self, key: CacheKey[Entry]) -> Entry | None:
        """The entry under this key; None where there is none, or it is gone."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return cast("Entry | None", self._entries.get(key))

    def put(self, key: CacheKey[Entry], value: Entry) -> Entry:
        """Remembers an entry, which is not None, and returns it; one that is too large is forgotten."""
        size = size_of((key, value))
        with self._lock:
            self._taken += size - self._sizes.get(key, 0)
            self._entries[key], self._sizes[key] = value, size
            self._entries.move_to_end(key)
            while self._taken > self._capacity:
                oldest, _ = self._entries.popitem(last=False)
                self._taken -= self._sizes.pop(oldest)
        return value

    @property
    def taken(self) -> int:
        """Bytes that all entries take, about."""
        return self._taken

    def __len__(self) -> int:
        return len(self._entries)

    def __reduce__(self) -> tuple[object, ...]:
        return (PlanCache, (self._capacity,))


BYTES_PER_PICKLED = 10
"""Plans take 5 to 8 times as many bytes in memory as pickled, entries that are mostly key up to 17 times."""


def size_of(value: object) -> int:
    """Bytes of an entry with everything that it holds, about: from what it takes pickled, which is quick."""
    return BYTES_PER_PICKLED * len(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
