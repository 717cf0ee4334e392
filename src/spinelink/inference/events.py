"""One case with each of many further events, side by side: the probability of each event, and what it makes of a few nodes.

An event sets an upper level for some nodes: node <= state. Below what a run takes anyway, a noisy-MAX at most at a level is a product of one number for each
parent's state (its mechanisms are independent), and so is a table with one hidden parent: weights on variables that are there already. So the events of
most candidates share one plan and run in its lanes; a table with several hidden parents joins the run as a variable.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import cast
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from spinelink.inference import fast
from spinelink.inference.compiled import CompiledNetwork, NoisyFactor
from spinelink.inference.execute import Rows, Seen, is_soft
from spinelink.inference.one_case import CAPACITY, kernel_findings
from spinelink.inference.query import Marginals, marginals, pattern_of

Array = NDArray[np.float64]
Event = Mapping[int, int]
"""Node -> the highest state that it may be in."""

PIECE = 8  # rows at least that one thread takes
EXPANSIONS = (16, 64, 256)  # entries up to which noisy families may be written out

_FLATS: WeakKeyDictionary[CompiledNetwork, dict[int, fast.Flat]] = WeakKeyDictionary()


@dataclass
class _Group:
    """Rows that need the same variables beside those of the case: each with its weights on variables, and a factor."""

    kept: frozenset[int]
    weights: list[dict[int, Array]] = field(default_factory=list)  # by row: variable -> (states,)
    factors: list[float] = field(default_factory=list)
    events: list[int] = field(default_factory=list)


def with_events(
    compiled: CompiledNetwork, seen: Seen, events: Sequence[Event], nodes: Sequence[int], *, threads: int | None = None
) -> Marginals:
    """log P(findings and event), (events,), and posteriors given both, (states, events); not numbers where an event cannot occur.

    compiled: one set of numbers. seen: one case, in which no node of an event has a certain state. nodes: those asked for.
    """
    here = frozenset(compiled.ancestors([*seen, *nodes]))
    groups: dict[frozenset[int], _Group] = {}
    for k, event in enumerate(events):
        more = (
            frozenset(compiled.ancestors([p for n in event for p in compiled.parents[n]] + [n for n in event if _joins(compiled, seen, n)]))
            - here
        )
        group = groups.setdefault(more, _Group(here | more))
        weights, factor = _row(compiled, seen, event, group.kept)
        group.weights.append(weights)
        group.factors.append(factor)
        group.events.append(k)
    jobs = [(group, piece) for group in groups.values() for piece in _pieces(len(group.events), threads)]
    workers = threads or min(os.cpu_count() or 1, 8)
    if len(jobs) > 1 and workers > 1:
        if fast.is_available():
            _flat(compiled, EXPANSIONS[-1])  # loaded once, before the threads part
        with ThreadPoolExecutor(workers) as pool:
            answers = list(pool.map(lambda job: _answer(compiled, seen, job[0], job[1], nodes), jobs))
    else:
        answers = [_answer(compiled, seen, group, piece, nodes) for group, piece in jobs]
    return _gather(compiled, len(events), nodes, jobs, answers)


def _joins(compiled: CompiledNetwork, seen: Seen, node: int) -> bool:
    """Whether what a node says of its parents is no product of weights on each of them."""
    family = compiled.factors[node]
    return not isinstance(family, NoisyFactor) and sum(not isinstance(seen.get(p), int) for p in family.parents) > 1


def _row(compiled: CompiledNetwork, seen: Seen, event: Event, kept: frozenset[int]) -> tuple[dict[int, Array], float]:
    """Weights on variables, and a factor, whose expectation is the event's probability."""
    weights: dict[int, Array] = {}
    factor = 1.0
    for node, level in event.items():
        family = compiled.factors[node]
        if node in kept:
            _weigh(weights, node, (np.arange(compiled.cards[node]) <= level).astype(float))
        elif isinstance(family, NoisyFactor):
            factor *= float(family.leak[: level + 1, 0].sum())
            for p, link in zip(family.parents, family.links, strict=True):
                column = link[:, : level + 1, 0].sum(axis=1)
                if isinstance(state := seen.get(p), int):
                    factor *= float(column[state])
                else:
                    _weigh(weights, p, column)
        else:
            at = tuple(state if isinstance(state := seen.get(p), int) else slice(None) for p in family.parents)
            column = family.table[(*at, slice(None, level + 1), 0)].sum(axis=-1)  # (hidden parent's states), or a number
            if column.ndim:
                _weigh(weights, next(p for p in family.parents if not isinstance(seen.get(p), int)), column)
            else:
                factor *= float(column)
    return weights, factor


def _weigh(weights: dict[int, Array], node: int, column: Array) -> None:
    weights[node] = weights[node] * column if node in weights else column


def _pieces(rows: int, threads: int | None) -> list[slice]:
    size = max(PIECE, -(-rows // (threads or min(os.cpu_count() or 1, 8))))
    return [slice(k, min(k + size, rows)) for k in range(0, rows, size)]


def _answer(compiled: CompiledNetwork, seen: Seen, group: _Group, piece: slice, nodes: Sequence[int]) -> Marginals:
    """log P(findings and weights) and posteriors of the rows of a piece."""
    rows = group.weights[piece]
    touched = sorted({i for w in group.weights for i in w})
    soft = {i: np.array([w.get(i, np.ones(compiled.cards[i])) for w in rows]).T for i in touched}
    for i, value in seen.items():
        if is_soft(value):
            soft[i] = soft[i] * value if i in soft else np.repeat(value, len(rows), axis=1)
    if not fast.is_available():
        return _by_numpy(compiled, seen, soft, nodes, len(rows))
    codes, _ = kernel_findings(compiled, seen)
    flat = _flat(compiled, _expansion(compiled, seen, codes, soft, nodes))
    codes = np.repeat(codes, len(rows), axis=0)
    found = fast.solve(compiled, codes, dict(soft), list(nodes), starts=np.zeros(1, dtype=np.int64), flat=flat, capacity=CAPACITY)
    left = np.flatnonzero(~found.answered)
    if len(left):
        rest = _by_numpy(compiled, seen, {i: w[:, left] for i, w in soft.items()}, nodes, len(left))
        found.log_evidence[left] = rest.log_evidence
        for n in nodes:
            found.of[n][:, left] = rest.of[n]
    return Marginals(found.log_evidence, found.of)


def _by_numpy(compiled: CompiledNetwork, seen: Seen, soft: Mapping[int, Array], nodes: Sequence[int], rows: int) -> Marginals:
    there = {**seen, **{i: cast("Array | Rows", w) for i, w in soft.items()}}
    found = marginals(compiled, there, nodes)
    logs = np.broadcast_to(found.log_evidence, (rows,))
    return Marginals(logs, {n: np.broadcast_to(p, (len(p), rows)) for n, p in found.of.items()})


def _expansion(compiled: CompiledNetwork, seen: Seen, codes: NDArray[np.int64], soft: Mapping[int, Array], nodes: Sequence[int]) -> int:
    """Which noisy families are best written out: what takes fewest multiplications, found out once for a pattern."""
    key = ("events", tuple(sorted(pattern_of(seen).items())), tuple(sorted(soft)), tuple(nodes))
    known = compiled.plans.get(key)
    if isinstance(known, int):
        return known
    one = {i: w[:, :1] for i, w in soft.items()}
    cost = {e: fast.work(compiled, _flat(compiled, e), codes, one, nodes, rows=PIECE, capacity=CAPACITY) for e in EXPANSIONS}
    best = min(EXPANSIONS, key=lambda e: (cost[e], e))
    compiled.plans.put(key, best)
    return best


def _flat(compiled: CompiledNetwork, expand: int) -> fast.Flat:
    kept = _FLATS.setdefault(compiled, {})
    if expand not in kept:
        kept[expand] = fast.flatten(compiled, expand=expand)
    return kept[expand]


def _gather(
    compiled: CompiledNetwork, events: int, nodes: Sequence[int], jobs: Sequence[tuple[_Group, slice]], answers: Sequence[Marginals]
) -> Marginals:
    """The rows in the order of the events."""
    logs = np.full(events, -np.inf)
    of = {n: np.full((compiled.cards[n], events), np.nan) for n in nodes}
    for (group, piece), answer in zip(jobs, answers, strict=True):
        with np.errstate(divide="ignore"):
            logs[group.events[piece]] = answer.log_evidence + np.log(group.factors[piece])
        for n in nodes:
            of[n][:, group.events[piece]] = answer.of[n]
    return Marginals(logs, of)
