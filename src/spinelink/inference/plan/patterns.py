"""Structural patterns of evidence: rows with one pattern share one plan and run together.

A pattern says which nodes are hidden (0), observed in the lowest state of a noisy-MAX (1), observed
otherwise (2), or have virtual evidence (3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor, TableFactor
from spinelink.inference.findings import HIDDEN, EvidenceBatch, Observed, is_soft
from spinelink.inference.plan.plan import Kind

Kinds = NDArray[np.uint8]
Pattern = tuple[tuple[int, Kind], ...]
"""A pattern as a key: (node, kind), sorted."""


def pattern_of(observed: Observed) -> dict[int, Kind]:
    """The structural pattern of some evidence: node to kind."""
    return {
        i: "soft" if is_soft(v) else "lowest" if isinstance(v, int) and v == 0 else "hard"
        for i, v in observed.items()
    }


def pattern_key(pattern: Mapping[int, Kind]) -> Pattern:
    """A pattern that can be a key: the order of the findings is irrelevant."""
    return tuple(sorted(pattern.items()))


def canonical(compiled: CompiledNetwork, pattern: Mapping[int, Kind]) -> dict[int, Kind]:
    """The pattern whose plan serves this one too: to a table its lowest state is like any other."""
    return {
        i: "hard" if kind == "lowest" and isinstance(compiled.factors[i], TableFactor) else kind
        for i, kind in pattern.items()
    }


def hard_kind(compiled: CompiledNetwork, node: int, *, states: NDArray[np.int64]) -> Kinds:
    """The kinds of one node's observed states in each row, (rows,)."""
    noisy = isinstance(compiled.factors[node], NoisyFactor)
    return np.where(states == HIDDEN, 0, np.where((states == 0) & noisy, 1, 2)).astype(np.uint8)


def soft_kind(likelihoods: NDArray[np.float64]) -> Kinds:
    """The kinds of one node's likelihoods, (states, rows), in each row."""
    return np.where(np.isnan(likelihoods[0]), 0, 3).astype(np.uint8)


def kinds_of(
    compiled: CompiledNetwork, states: NDArray[np.int64], *, soft: Mapping[int, NDArray[np.float64]]
) -> list[Kinds]:
    """The kinds of all nodes that any row is about. states: (rows, nodes)."""
    hard = [
        hard_kind(compiled, i, states=states[:, i])
        for i in np.flatnonzero((states != HIDDEN).any(axis=0)).tolist()
    ]
    return [*hard, *(soft_kind(w) for w in soft.values())]


def by_pattern(kinds: Sequence[Kinds], rows: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows in the order of their pattern, and where each pattern begins.

    kinds: one array for each node, (rows,).
    """
    if not kinds or not rows:
        return np.arange(rows), np.zeros(1, dtype=np.intp)
    packed = np.ascontiguousarray(np.stack(kinds, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1])))[:, 0]
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    changes = np.flatnonzero(ranked[1:] != ranked[:-1]) + 1
    return order, np.concatenate([[0], changes]).astype(np.intp)


def rows_by_pattern(
    compiled: CompiledNetwork, batch: EvidenceBatch
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows of a batch in the order of their pattern, and where each pattern begins."""
    return by_pattern(kinds_of(compiled, batch.states, soft=batch.likelihoods), len(batch))
