"""What the compiled functions take: records of arrays and scalars, and the names of their codes.

numba takes a NamedTuple of arrays as one argument. Tables of integers are structured arrays, so
their columns have names. Nothing here loads numba.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.uint8]
Bits = NDArray[np.uint64]

ANSWERED, OUTGROWN, UNDERFLOWN, DISAGREED = range(4)
"""Status of a row: done; too little workspace; P(findings) too small for doubles; digits lost."""

DIRECT, DIFFERENCE, DIFFERENCE_BUT_TARGETS = range(3)
"""Form of large noisy-MAX families: subtraction-free; differences; differences but for targets."""

UNOBSERVED, LOWEST, OBSERVED, VIRTUAL = range(4)
"""How a node is observed; `LOWEST`: a noisy-MAX in its first state, whose parents then separate."""

TABLE, CONTRIBUTION, UNARY, FIRST_CONTRIBUTION, TERM, FIRST_TERM, STEP = range(7)
"""What an input is. The first contribution takes in the leak and observed parents; terms and steps
belong to the difference form."""

TERMS = -2
"""In place of the node that a deputy becomes: the deputy is a variable of the difference form."""

MOST_AXES = 24
"""Axes that a factor may have."""

A, B, OUT, LENGTH = range(4)
"""Columns of strides: in the factors a, b and out; the length of the axis."""

FRESH = 3
"""Column of pairs of levels, after A, B and OUT: whether the pair is the first to reach its place."""


def _integers(*names: str) -> np.dtype[np.void]:
    return np.dtype([(name, np.int64) for name in names])


FACTOR = _integers("place", "size", "axes", "wants", "form", "node", "slot", "next")
"""Where its values begin; how many; its axes; whether a target is summed out below it; what it is;
its node and the slot of its parent; the next factor in its bucket."""

OPERATION = _integers("a", "b", "out", "vertex", "plain", "pairs")
"""out = a times b, with a vertex summed out (or -1); plain axes; where its pairs begin."""

VERTEX = _integers("states", "deputy", "closes", "wanted")
"""A variable, by its place in the order; whether it is a deputy; the node that it becomes (or -1);
whether its marginal is wanted."""


class Findings(NamedTuple):
    """The findings of all rows; one row where they are the same in all.

    states: (rows, nodes), -1 where there is none. likelihoods: (rows, states of all nodes), empty
    without virtual evidence. assessed: (rows, nodes), which nodes have likelihoods.
    """

    states: Ints
    likelihoods: Array
    assessed: Flags


class Request(NamedTuple):
    """What is asked of the rows; those from starts[g] to starts[g + 1] have one pattern."""

    starts: Ints
    targets: Ints
    form: int
    max_entries: int


class CountRequest(NamedTuple):
    """What is to be counted. weights: (rows,). information: 1 where squares are wanted."""

    starts: Ints
    weights: Array
    information: int
    form: int
    max_entries: int


class KernelLimits(NamedTuple):
    """The thresholds of `Limits` that the compiled functions read."""

    lanes: int
    least_lanes: int
    room: int
    heavy: float
    entries_per_restart: float
    restarts: float
    agreement: float
    cancellation: float
    smallest: float


class Outputs(NamedTuple):
    """log P(findings), (rows,); posteriors, (rows, states of all targets); status, (rows,)."""

    log_evidence: Array
    posterior: Array
    status: Ints


class Sums(NamedTuple):
    """Sums over rows of expected counts of flat entries.

    columns: where each distribution begins, and where the last one ends. The other arrays have one
    value an entry: counts; their squares; count times its distribution's sum; that sum squared.
    """

    columns: Ints
    totals: Array
    squares: Array
    products: Array
    wholes: Array


class CountOutputs(NamedTuple):
    """Sums over the flat tables and links; log P(findings) and status of each row."""

    tables: Sums
    links: Sums
    log_evidence: Array
    status: Ints


class Pattern(NamedTuple):
    """The nodes under one structural pattern, (nodes,) each.

    needed: whether the node matters. observed: how it is observed. local: its variable, -1 if it has
    none. touched: whether it has a factor of its own alone. absorbed: whether its table takes that in.
    """

    needed: Flags
    observed: Flags
    local: Ints
    touched: Flags
    absorbed: Flags


class Tape(NamedTuple):
    """Factors (inputs first), their axes, the operations with strides and pairs, and variables."""

    factors: NDArray[np.void]
    scopes: Ints
    operations: NDArray[np.void]
    strides: Ints
    pairs: Ints
    vertices: NDArray[np.void]


class Graph(NamedTuple):
    """Variables that share a factor, as bit sets, and what a greedy order reads.

    after: what must be gone before a variable may go, or -1. closes: by deputy. around, touched: the
    neighbours of the variable removed last, and the variables whose scores change.
    """

    edges: Bits
    near: Bits
    cards: Ints
    after: Ints
    closes: Ints
    scores: Array
    clusters: Array
    fills: Ints
    alive: Ints
    around: Bits
    touched: Bits


class Ordering(NamedTuple):
    """The best order so far, the order tried last, and each variable's place in the best."""

    order: Ints
    trial: Ints
    rank: Ints


class Buckets(NamedTuple):
    """Scratch of the tape's builder: first factor by variable; factors to multiply; axes."""

    first: Ints
    held: Ints
    union: Ints
    steps: Ints


class Block(NamedTuple):
    """What belongs to the rows computed together, lanes last, and scratch.

    constant: what leaves the sum. total: what the tape gives. draw: the column of sampled parameters.
    unary: (states of all nodes, lanes). start: (lanes, levels), leak and observed parents. marginal:
    (variables times most states, lanes). terms: absolute terms of a marginal.
    """

    constant: Array
    total: Array
    draw: Ints
    unary: Array
    base: Ints
    start: Array
    levels: Array
    counter: Ints
    source_step: Ints
    terms: Array
    marginal: Array


class Targets(NamedTuple):
    """Whether a node is a target, and whether it is one or above one, (nodes,)."""

    asked: Flags
    above: Flags


class Workspace(NamedTuple):
    """All arrays to work in."""

    pattern: Pattern
    tape: Tape
    graph: Graph
    ordering: Ordering
    buckets: Buckets
    block: Block
    targets: Targets


class Task(NamedTuple):
    """The group to plan: its first row of findings, how many rows, form, doubles a row may take."""

    head: int
    rows: int
    form: int
    max_entries: int


class Sizes(NamedTuple):
    """How many inputs, variables of nodes, and variables in all a pattern has."""

    factors: int
    hidden: int
    vertices: int


class Plan(NamedTuple):
    """How many inputs and operations a tape has, and their values in all; 0 if there is no room."""

    inputs: int
    operations: int
    entries: int


class Span(NamedTuple):
    """Rows computed together: the first, and how many."""

    begin: int
    lanes: int


class Cells(NamedTuple):
    """Values of all factors and their adjoints, lanes last."""

    values: Array
    adjoint: Array


class Family(NamedTuple):
    """A noisy-MAX family in one row: its node, the row's states, the node's state or -1, the draw."""

    node: int
    row: Ints
    observed: int
    draw: int


class Operand(NamedTuple):
    """One factor in an operation: its cells, where it begins, its column of strides and pairs."""

    cells: Array
    place: int
    column: int


class Steps(NamedTuple):
    """Axes and pairs of an operation. store: 1 where the first product is stored, not added."""

    strides: Ints
    pairs: Ints
    plain: int
    begin: int
    end: int
    store: int


class Join(NamedTuple):
    """Factors a and b to be multiplied into out, and the variable to be summed out, or -1."""

    a: int
    b: int
    out: int
    vertex: int


class Axis(NamedTuple):
    """An axis with pairs of levels.

    levels: its length. deputy: whether it is a deputy's. eliminated: whether it is summed out.
    closes: whether the deputy then becomes a node.
    """

    levels: int
    deputy: int
    eliminated: bool
    closes: bool


class Check(NamedTuple):
    """The form of a run, and what its backward pass must agree to."""

    form: int
    agreement: float
    cancellation: float


class Patient(NamedTuple):
    """One row of a block: its states, its lane, how many lanes there are, and its weight."""

    row: Ints
    lane: int
    lanes: int
    weight: float


class Gather(NamedTuple):
    """Where counts are added up (tables, links), and scratch.

    posterior: joint mass by node and state. parts, ahead: (components, levels). slope, mass, behind:
    (levels,). states_of, nobody: (nodes,); `nobody` is all -1, so that every parent counts as observed.
    """

    tables: Array
    links: Array
    posterior: Array
    parts: Array
    ahead: Array
    slope: Array
    mass: Array
    behind: Array
    states_of: Ints
    nobody: Ints
