"""Structural patterns of findings: rows that share one run side by side.

A pattern says which nodes are hidden (0), seen in the lowest state of a noisy-MAX (1), seen otherwise (2), or virtual (3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor

Kinds = NDArray[np.uint8]
MISSING = -1


def hard_kind(compiled: CompiledNetwork, node: int, codes: NDArray[np.int64]) -> Kinds:
    """The kinds of one node's states in each row, (rows,)."""
    noisy = isinstance(compiled.factors[node], NoisyFactor)
    return np.where(codes == MISSING, 0, np.where((codes == 0) & noisy, 1, 2)).astype(np.uint8)


def soft_kind(likelihoods: NDArray[np.float64]) -> Kinds:
    """The kinds of one node's likelihoods, (states, rows), in each row."""
    return np.where(np.isnan(likelihoods[0]), 0, 3).astype(np.uint8)


def kinds_of(
    compiled: CompiledNetwork, codes: NDArray[np.int64], soft: Mapping[int, NDArray[np.float64]]
) -> list[Kinds]:
    """The kinds of all nodes that any row is about."""
    hard = [
        hard_kind(compiled, i, codes[:, i])
        for i in range(codes.shape[1])
        if (codes[:, i] != MISSING).any()
    ]
    return [*hard, *(soft_kind(w) for w in soft.values())]


def by_pattern(kinds: Sequence[Kinds], rows: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows in the order of their pattern, and where each pattern begins. kinds: one array for each node, (rows,)."""
    if not kinds or not rows:
        return np.arange(rows), np.zeros(1, dtype=np.intp)
    packed = np.ascontiguousarray(np.stack(kinds, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1])))[:, 0]
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    return order, np.concatenate([[0], np.flatnonzero(ranked[1:] != ranked[:-1]) + 1]).astype(
        np.intp
    )
