"""One case with each of many further events, side by side: the probability of each event, and what it makes of a few nodes.

An event sets an upper level for some nodes: node <= state. Below what a run takes anyway, a noisy-MAX at most at a level is a product of one number for each
parent's state (its mechanisms are independent), and so is a table with one hidden parent: weights on variables that are there already, or are in turn summed
out. So the events of most candidates are sums of rows that share one plan and run in its lanes; a table with several hidden parents joins the run as a variable.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork, NoisyFactor
from spinelink.inference.findings import Observed, States, is_soft
from spinelink.inference.interpreted.marginals import marginals
from spinelink.inference.kernel import flat as fast

Array = NDArray[np.float64]
Event = Mapping[int, int]
"""Node -> the highest state that it may be in."""

PIECE = 8  # rows at least that one thread takes
MOST_TERMS = 16  # rows that one event may take

Weights = Mapping[int, Array]
"""Variable -> (states,)."""


@dataclass
class _Group:
    """Rows that need the same variables beside those of the case."""

    rows: list[Weights] = field(default_factory=list)
    terms: list[tuple[int, int, float]] = field(
        default_factory=list
    )  # (event, row, factor): an event is a sum of rows
    _places: dict[tuple[tuple[int, bytes], ...], int] = field(
        default_factory=dict
    )  # by what a row holds: equal rows run once

    def add(self, event: int, factor: float, weights: Weights) -> None:
        place = self._places.setdefault(
            tuple((i, weights[i].tobytes()) for i in sorted(weights)), len(self.rows)
        )
        if place == len(self.rows):
            self.rows.append(weights)
        self.terms.append((event, place, factor))


def with_events(
    compiled: CompiledNetwork,
    observed: Observed,
    events: Sequence[Event],
    nodes: Sequence[int],
    *,
    over: Sequence[int] = (),
    threads: int | None = None,
    kernel: bool | None = None,
) -> Marginals:
    """Log P(findings and event), (events,), and posteriors given both, (states, events); not numbers where an event cannot occur.

    compiled: one set of numbers. seen: one case, in which no node of an event has a certain state. nodes: those asked for. over: more
    nodes that a run is to hold, as many events need them. kernel: whether the compiled kernel answers; where it is installed, if None.
    """
    kernel = fast.is_available() if kernel is None else kernel
    here = frozenset(compiled.ancestors([*observed, *nodes, *over]))
    groups: dict[frozenset[int], _Group] = {}
    for k, event in enumerate(events):
        kept, terms = terms_of(
            compiled,
            observed,
            {n: _at_most(compiled, n, level) for n, level in event.items()},
            here,
        )
        for factor, weights in terms:
            groups.setdefault(kept, _Group()).add(k, factor, weights)
    jobs = [
        (group.rows, piece)
        for group in groups.values()
        for piece in _pieces(len(group.rows), threads)
    ]
    workers = threads or min(os.cpu_count() or 1, 8)
    if len(jobs) > 1 and workers > 1:
        if kernel:
            fast.flat_of(compiled)  # made once, before the threads part
        with ThreadPoolExecutor(workers) as pool:
            answers = list(
                pool.map(
                    lambda job: _answer(compiled, observed, job[0], job[1], nodes, kernel), jobs
                )
            )
    else:
        answers = [_answer(compiled, observed, rows, piece, nodes, kernel) for rows, piece in jobs]
    return _sums(compiled, len(events), nodes, list(groups.values()), answers)


def _at_most(compiled: CompiledNetwork, node: int, level: int) -> Array:
    return (np.arange(compiled.cards[node]) <= level).astype(float)


def terms_of(
    compiled: CompiledNetwork, observed: Observed, weights: Weights, here: frozenset[int]
) -> tuple[frozenset[int], list[tuple[float, Weights]]]:
    """The variables of a run, and factors times weights on them whose sum has the expectation of the weights given.

    here: variables that the run holds anyway. What it does not hold is summed out from below: a weight on such a node becomes one on its parents; where that
    takes more than MOST_TERMS terms, the run holds the node too.
    """
    kept = set(here)
    terms: list[tuple[float, Weights]] = [(1.0, weights)]
    place = {n: k for k, n in enumerate(compiled.order)}
    while barren := {n for _, weights in terms for n in weights} - kept:
        node = max(barren, key=place.__getitem__)
        summed = (
            None
            if _joins(compiled, observed, node)
            else [t for term in terms for t in _sum_out(compiled, observed, node, *term)]
        )
        if summed is None or len(summed) > MOST_TERMS:
            kept |= compiled.ancestors([node])
        else:
            terms = summed
    return frozenset(kept), terms


def _joins(compiled: CompiledNetwork, observed: Observed, node: int) -> bool:
    """Whether what a node says of its parents is no sum of products of weights on each of them."""
    family = compiled.factors[node]
    return (
        not isinstance(family, NoisyFactor)
        and sum(not isinstance(observed.get(p), int) for p in family.parents) > 1
    )


def _sum_out(
    compiled: CompiledNetwork, observed: Observed, node: int, factor: float, weights: Weights
) -> list[tuple[float, Weights]]:
    """A term without the node. A weight on a noisy-MAX is a sum over levels of its steps times P(node <= level), each a product over the parents."""
    family = compiled.factors[node]
    rest = {n: w for n, w in weights.items() if n != node}
    weight = weights[node]
    if isinstance(family, NoisyFactor):
        found = []
        for level, step in enumerate(weight - np.append(weight[1:], 0.0)):
            if step == 0.0:
                continue
            each, there = (
                factor * float(step) * float(family.leak[: level + 1, 0].sum()),
                dict(rest),
            )
            for p, link in zip(family.parents, family.links, strict=True):
                each *= _weigh(there, observed, p, link[:, : level + 1, 0].sum(axis=1))
            found.append((each, there))
        return [(f, w) for f, w in found if f != 0.0]
    at = tuple(
        state if isinstance(state := observed.get(p), int) else slice(None) for p in family.parents
    )
    column = family.table[(*at, slice(None), 0)] @ weight  # (hidden parent's states), or a number
    there = dict(rest)
    if column.ndim:
        _weigh(
            there,
            observed,
            next(p for p in family.parents if not isinstance(observed.get(p), int)),
            column,
        )
    else:
        factor *= float(column)
    return [(factor, there)] if factor != 0.0 else []


def _weigh(weights: dict[int, Array], observed: Observed, parent: int, column: Array) -> float:
    """Puts a weight on a parent; where its state is known, gives what it is as a factor."""
    if isinstance(state := observed.get(parent), int):
        return float(column[state])
    weights[parent] = weights[parent] * column if parent in weights else column
    return 1.0


def _pieces(rows: int, threads: int | None) -> list[slice]:
    size = max(PIECE, -(-rows // (threads or min(os.cpu_count() or 1, 8))))
    return [slice(k, min(k + size, rows)) for k in range(0, rows, size)]


def _answer(
    compiled: CompiledNetwork,
    observed: Observed,
    all_rows: Sequence[Weights],
    piece: slice,
    nodes: Sequence[int],
    kernel: bool,
) -> Marginals:
    """Log P(findings and weights) and posteriors of the rows of a piece."""
    rows = all_rows[piece]
    touched = sorted({i for w in all_rows for i in w})
    soft = {i: np.array([w.get(i, np.ones(compiled.cards[i])) for w in rows]).T for i in touched}
    for i, value in observed.items():
        if is_soft(value):
            soft[i] = soft[i] * value if i in soft else np.repeat(value, len(rows), axis=1)
    return with_weights(compiled, observed, soft, nodes, kernel=kernel)


def with_weights(
    compiled: CompiledNetwork,
    observed: Observed,
    soft: Mapping[int, Array],
    nodes: Sequence[int],
    *,
    kernel: bool | None = None,
) -> Marginals:
    """Log P(findings and weights) and posteriors, rows side by side. soft: node -> weights (states, rows), which take the place of a soft finding on it."""
    rows = max((w.shape[1] for w in soft.values()), default=1)
    if not (fast.is_available() if kernel is None else kernel):
        return _by_numpy(compiled, observed, soft, nodes, rows)
    codes, _ = fast.kernel_findings(compiled, observed)
    codes = np.repeat(codes, rows, axis=0)
    found = fast.solve(
        compiled,
        codes,
        dict(soft),
        list(nodes),
        starts=np.zeros(1, dtype=np.int64),
        capacity=fast.CASE_CAPACITY,
    )
    left = np.flatnonzero(~found.answered)
    if len(left):
        rest = _by_numpy(
            compiled, observed, {i: w[:, left] for i, w in soft.items()}, nodes, len(left)
        )
        found.log_evidence[left] = rest.log_evidence
        for n in nodes:
            found.of[n][:, left] = rest.of[n]
    return Marginals(found.log_evidence, found.of)


def _by_numpy(
    compiled: CompiledNetwork,
    observed: Observed,
    soft: Mapping[int, Array],
    nodes: Sequence[int],
    rows: int,
) -> Marginals:
    there = {**observed, **{i: cast("Array | States", w) for i, w in soft.items()}}
    found = marginals(compiled, there, nodes)
    logs = np.broadcast_to(found.log_evidence, (rows,))
    return Marginals(logs, {n: np.broadcast_to(p, (len(p), rows)) for n, p in found.of.items()})


def _sums(
    compiled: CompiledNetwork,
    events: int,
    nodes: Sequence[int],
    groups: Sequence[_Group],
    answers: Sequence[Marginals],
) -> Marginals:
    """Each event as the sum of its rows. answers: of the groups' rows, one group after the other."""
    starts = np.cumsum([0, *(len(group.rows) for group in groups)])
    terms = [
        (k, start + row, factor)
        for group, start in zip(groups, starts, strict=False)
        for k, row, factor in group.terms
    ]
    of_event, row, factors = (
        (np.array(each) for each in zip(*terms, strict=True))
        if terms
        else (np.empty(0, int), np.empty(0, int), np.empty(0))
    )
    logs = np.concatenate([np.empty(0), *(a.log_evidence for a in answers)])[row]
    largest = np.full(events, -np.inf)
    np.maximum.at(largest, of_event, logs)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.nan_to_num(factors * np.exp(logs - largest[of_event]))
        total = np.bincount(of_event, shares, events)
        found = {}
        for n in nodes:
            there = np.nan_to_num(
                np.concatenate(
                    [np.empty((compiled.cards[n], 0)), *(a.of[n] for a in answers)], axis=1
                )[:, row]
            )
            found[n] = (
                np.array([np.bincount(of_event, shares * each, events) for each in there]) / total
            )
        return Marginals(np.where(total > 0.0, np.log(total) + largest, -np.inf), found)
