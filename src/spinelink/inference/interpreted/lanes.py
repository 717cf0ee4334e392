"""A run cut along its batch axis, so that it stays within the memory limit, and held while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed
from spinelink.inference.memory import BYTES
from spinelink.inference.plan.plan import Plan
from spinelink.inference.threads import thread_count

Array = NDArray[np.float64]
Likelihoods = TypeVar("Likelihoods", bound="int | Array | NDArray[np.int64]")


def batch_length(
    compiled: CompiledNetwork, observed: Observed, *, weights: Mapping[int, Array] | None = None
) -> int:
    """How many rows a run has: parameter draws, rows of the evidence, or columns of weights."""
    arrays = [*observed.values(), *(weights or {}).values()]
    return max([compiled.draws, *(int(a.shape[-1]) for a in arrays if not isinstance(a, int))])


def lanes(compiled: CompiledNetwork, plan: Plan, rows: int) -> list[slice]:
    """The rows of a run in as few parts as fit beside those of other threads; at least one row each."""
    share = compiled.limits.share_of_memory * compiled.memory_limit / thread_count(None)
    size = max(1, int(share / (BYTES * plan.held + 1.0)))
    if size >= rows:
        return [slice(0, rows)]
    return [slice(k, min(k + size, rows)) for k in range(0, rows, size)]


def holding(compiled: CompiledNetwork, plan: Plan, rows: int) -> AbstractContextManager[None]:
    """Holds the memory of a run of so many rows."""
    return compiled.resources.gate.hold(BYTES * plan.held * rows, compiled.memory_limit)


def findings_of(observed: Observed, rows: slice | NDArray[np.intp]) -> Observed:
    """The findings of some rows of a batch."""
    return {i: _of(v, rows) for i, v in observed.items()}


def weights_of(
    weights: Mapping[int, Array] | None, rows: slice | NDArray[np.intp]
) -> dict[int, Array]:
    """The weights of some rows of a batch."""
    return {i: _of(w, rows) for i, w in (weights or {}).items()}


def _of(value: Likelihoods, rows: slice | NDArray[np.intp]) -> Likelihoods:
    if isinstance(value, int) or value.shape[-1] == 1:
        return value
    return cast("Likelihoods", value[..., rows])
