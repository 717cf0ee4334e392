"""Makes the records that a run of the compiled kernel works in."""

from __future__ import annotations

import numpy as np

from spinelink.inference.kernel.records import (
    FACTOR,
    MOST_AXES,
    OPERATION,
    VERTEX,
    Bits,
    Block,
    Buckets,
    Flags,
    Graph,
    Ints,
    KernelLimits,
    Ordering,
    Pattern,
    Tape,
    Targets,
    Workspace,
)
from spinelink.inference.limits import Limits


def kernel_limits(limits: Limits) -> KernelLimits:
    """The thresholds that the compiled functions read."""
    return KernelLimits(
        int(limits.kernel_lanes),
        int(limits.kernel_least_lanes),
        int(limits.kernel_room),
        float(limits.kernel_heavy),
        float(limits.kernel_entries_per_restart),
        float(limits.kernel_restarts),
        float(limits.agreement),
        float(limits.cancellation),
        float(limits.kernel_smallest),
    )


def workspace_bytes(cards: Ints, links: int, *, lanes: int, pairs: int) -> float:
    """Bytes that `workspace` takes for the same arguments."""
    nodes = len(cards)
    variables, largest = 2 * nodes, max(2, int(cards.max(initial=2)))
    most = _most_factors(nodes, links)
    tape = most * (FACTOR.itemsize + OPERATION.itemsize + 8 * (5 * MOST_AXES + 3)) + 32 * pairs
    graph = variables * (2 * variables // 8 + 64)
    block = 8 * lanes * (int(cards.sum()) + variables * largest + largest + 8)
    return float(tape + graph + block)


def _most_factors(nodes: int, links: int) -> int:
    """Factors that a tape may hold."""
    return 2 * (2 * nodes + links) + 2 * (2 * nodes) + 8


def workspace(cards: Ints, links: int, *, lanes: int, pairs: int) -> Workspace:
    """Arrays to work in.

    Args:
        cards: The number of states of each node.
        links: How many arrows the network has.
        lanes: Most rows computed together.
        pairs: Most pairs of levels over all operations of a tape.
    """
    nodes = len(cards)
    variables = 2 * nodes
    most = _most_factors(nodes, links)
    return Workspace(
        Pattern(_flags(nodes), _flags(nodes), _ints(nodes), _flags(nodes), _flags(nodes)),
        Tape(
            np.zeros(most, dtype=FACTOR),
            _ints(most, MOST_AXES + 1),
            np.zeros(most, dtype=OPERATION),
            _ints(most, MOST_AXES, 4),
            np.empty((pairs, 4), dtype=np.int64),
            np.zeros(variables, dtype=VERTEX),
        ),
        _graph(nodes, variables),
        Ordering(_ints(variables), _ints(variables), _ints(variables)),
        Buckets(_ints(variables), _ints(most), _ints(MOST_AXES + 1), _ints(MOST_AXES + 1, 3)),
        _block(cards, variables, lanes=lanes),
        Targets(_flags(nodes), _flags(nodes)),
    )


def _graph(nodes: int, variables: int) -> Graph:
    words = (variables + 63) // 64
    return Graph(
        edges=_bits(variables, words),
        near=_bits(variables, words),
        cards=_ints(variables),
        after=_ints(variables),
        closes=_ints(nodes),
        scores=np.empty(variables),
        clusters=np.empty(variables),
        fills=_ints(variables),
        alive=_ints(variables),
        around=_bits(words),
        touched=_bits(words),
    )


def _block(cards: Ints, variables: int, *, lanes: int) -> Block:
    largest = max(2, int(cards.max(initial=2)))
    return Block(
        constant=np.empty(lanes),
        total=np.empty(lanes),
        draw=_ints(lanes),
        unary=np.empty((int(cards.sum()), lanes)),
        base=_ints(lanes),
        start=np.empty((lanes, largest)),
        levels=np.empty(largest),
        counter=_ints(MOST_AXES + 1),
        source_step=_ints(MOST_AXES + 1),
        terms=np.empty(lanes),
        marginal=np.empty((variables * largest, lanes)),
    )


def _ints(*shape: int) -> Ints:
    return np.zeros(shape, dtype=np.int64)


def _flags(size: int) -> Flags:
    return np.zeros(size, dtype=np.uint8)


def _bits(*shape: int) -> Bits:
    return np.zeros(shape, dtype=np.uint64)
