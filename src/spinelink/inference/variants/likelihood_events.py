"""One case with each of many events: P(event), and what it makes of a few nodes.

An event sets an upper level for some nodes: node <= state. Below what a run holds anyway, P(noisy-MAX
<= level) is a product of one number for each parent's state, as its mechanisms are independent. So is
a table with one hidden parent. These are weights on variables that are there already, or are in turn
summed out. So the events of most candidates are sums of rows that share one plan and run together. A
table with several hidden parents joins the run as a variable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork, NoisyFactor
from spinelink.inference.batches import batch_marginals
from spinelink.inference.findings import EvidenceBatch, Observed
from spinelink.inference.reasons import as_weights, by_reason, mixed

Array = NDArray[np.float64]
Event = Mapping[int, int]
"""Node -> the highest state that it may be in."""

Weights = Mapping[int, Array]
"""Variable -> (states,)."""

NOBODY: list[tuple[float, dict[int, Array]]] = [(1.0, {})]
"""In place of reasons where nobody is selected."""


@dataclass
class _Group:
    """Rows that need the same variables beside those of the case.

    terms: (event, row, factor), as an event is a sum of rows.
    """

    rows: list[Weights] = field(default_factory=list)
    terms: list[tuple[int, int, float]] = field(default_factory=list)
    _places: dict[tuple[tuple[int, bytes], ...], int] = field(default_factory=dict)

    def add(self, event: int, factor: float, weights: Weights) -> None:
        """Adds a term to an event; equal rows are run once."""
        content = tuple((i, weights[i].tobytes()) for i in sorted(weights))
        place = self._places.setdefault(content, len(self.rows))
        if place == len(self.rows):
            self.rows.append(weights)
        self.terms.append((event, place, factor))


def with_events(
    compiled: CompiledNetwork,
    observed: Observed,
    events: Sequence[Event],
    *,
    nodes: Sequence[int],
    over: Sequence[int] = (),
    threads: int | None = None,
) -> Marginals:
    """One case with each of many events.

    Args:
        compiled: The network, with one value for each parameter.
        observed: The findings of one case, in which no node of an event has a certain state.
            Selected people are a sum over their reasons, each of which is weights too.
        events: For each event, its nodes and the highest state of each.
        nodes: The nodes asked for.
        over: More nodes that a run is to hold, as many events need them.
        threads: See `batch_marginals`.

    Returns:
        log P(findings and event), (events,), and posteriors given both, (states, events), NaN where
        an event cannot occur.
    """
    together = as_weights(compiled, observed)
    base, reasons = (observed, NOBODY) if together is None else together
    here = frozenset(compiled.ancestors([*base, *nodes, *over]))
    groups: dict[frozenset[int], _Group] = {}
    for k, event in enumerate(events):
        weights = {n: _at_most(compiled, n, level=level) for n, level in event.items()}
        for rate, masks in reasons:
            both = {**weights, **{n: mask * weights.get(n, 1.0) for n, mask in masks.items()}}
            if not all(w.any() for w in both.values()):
                continue
            kept, terms = terms_of(compiled, base, weights=both, here=here)
            for factor, row in terms:
                groups.setdefault(kept, _Group()).add(k, rate * factor, row)
    answer = batch_marginals(
        compiled,
        _batch(compiled, base, list(groups.values())),
        nodes=nodes,
        threads=threads,
        heavy=True,
        max_entries=compiled.limits.kernel_case,
    )
    sums, lost = _sums(len(events), list(groups.values()), answer=answer)
    again = np.flatnonzero(lost > compiled.limits.reasons_lost)
    cases = by_reason(compiled, observed) if len(again) else None
    if cases is None:
        return sums
    left = [events[k] for k in again.tolist()]
    parts = [
        (c.log_weight, _given_reason(compiled, c.observed, left, nodes, over, threads))
        for c in cases
    ]
    apart = mixed(parts, {n: compiled.cards[n] for n in nodes}).with_rows(len(left))
    return apart if len(left) == len(events) else sums.replaced(again, apart)


def _given_reason(
    compiled: CompiledNetwork,
    observed: Observed,
    events: Sequence[Event],
    nodes: Sequence[int],
    over: Sequence[int],
    threads: int | None,
) -> Marginals:
    """The same where a reason is certain, which may be about a node of an event."""
    certain = {i: v for i, v in observed.items() if isinstance(v, int)}
    left = [{n: s for n, s in event.items() if n not in certain} for event in events]
    answer = with_events(compiled, observed, left, nodes=nodes, over=over, threads=threads)
    logs = np.broadcast_to(answer.log_evidence, (len(events),)).copy()
    for k, event in enumerate(events):
        if any(n in certain and certain[n] > level for n, level in event.items()):
            logs[k] = -np.inf
    return Marginals(logs, answer.posterior)


def _batch(
    compiled: CompiledNetwork, observed: Observed, groups: Sequence[_Group]
) -> EvidenceBatch:
    """The rows of all groups, one group after the other; rows of a group share a pattern."""
    size = sum(len(group.rows) for group in groups)
    case = EvidenceBatch.of(compiled, [observed])
    likelihoods = {i: np.repeat(w, size, axis=1) for i, w in case.likelihoods.items()}
    begin = 0
    for group in groups:
        rows = slice(begin, begin + len(group.rows))
        for i in {i for weights in group.rows for i in weights}:
            states = compiled.cards[i]
            weights = np.array([w.get(i, np.ones(states)) for w in group.rows]).T
            column = likelihoods.setdefault(i, np.full((states, size), np.nan))[:, rows]
            column[:] = weights * np.where(np.isnan(column), 1.0, column)
        begin = rows.stop
    return EvidenceBatch(np.repeat(case.states, size, axis=0), likelihoods)


def _at_most(compiled: CompiledNetwork, node: int, *, level: int) -> Array:
    return (np.arange(compiled.cards[node]) <= level).astype(float)


def terms_of(
    compiled: CompiledNetwork, observed: Observed, *, weights: Weights, here: frozenset[int]
) -> tuple[frozenset[int], list[tuple[float, Weights]]]:
    """The variables of a run, and weights on them whose sum has the expectation of those given.

    here: variables that the run holds anyway. What it does not hold is summed out from below: a
    weight on such a node becomes weights on its parents. Where that takes too many terms, the run
    holds the node too. Returns the variables, and terms: a factor and weights.
    """
    kept = set(here)
    terms: list[tuple[float, Weights]] = [(1.0, weights)]
    place = {n: k for k, n in enumerate(compiled.order)}
    while barren := {n for _, weights in terms for n in weights} - kept:
        node = max(barren, key=place.__getitem__)
        summed = (
            None
            if _joins(compiled, observed, node=node)
            else [t for term in terms for t in _sum_out(compiled, observed, node=node, term=term)]
        )
        if summed is None or len(summed) > compiled.limits.terms_per_event:
            kept |= compiled.ancestors([node])
        else:
            terms = summed
    return frozenset(kept), terms


def _joins(compiled: CompiledNetwork, observed: Observed, *, node: int) -> bool:
    """True if the node's likelihood does not factorise over its hidden parents.

    That is so for a table with two or more of them: the node must be kept as a variable.
    """
    family = compiled.factors[node]
    return (
        not isinstance(family, NoisyFactor)
        and sum(not isinstance(observed.get(p), int) for p in family.parents) > 1
    )


def _sum_out(
    compiled: CompiledNetwork, observed: Observed, *, node: int, term: tuple[float, Weights]
) -> list[tuple[float, Weights]]:
    """A term without the node.

    A weight on a noisy-MAX is a sum over levels of its steps times P(node <= level), each a product
    over the parents.
    """
    factor, weights = term
    if node not in weights:
        return [term]
    family = compiled.factors[node]
    rest = {n: w for n, w in weights.items() if n != node}
    weight = weights[node]
    if isinstance(family, NoisyFactor):
        terms: list[tuple[float, Weights]] = []
        for level, step in enumerate(weight - np.append(weight[1:], 0.0)):
            if step == 0.0:
                continue
            if level == len(weight) - 1:  # at most the highest level: certain
                terms.append((factor * float(step), dict(rest)))
                continue
            product, there = float(step) * float(family.leak[: level + 1, 0].sum()), dict(rest)
            for p, link in zip(family.parents, family.links, strict=True):
                column = link[:, : level + 1, 0].sum(axis=1)
                product *= _weigh(there, observed, parent=p, column=column)
            terms.append((factor * product, there))
        return [(f, w) for f, w in terms if f != 0.0]
    at = tuple(
        state if isinstance(state := observed.get(p), int) else slice(None) for p in family.parents
    )
    column = family.table[(*at, slice(None), 0)] @ weight  # (hidden parent's states), or a number
    there = dict(rest)
    if column.ndim:
        hidden = next(p for p in family.parents if not isinstance(observed.get(p), int))
        _weigh(there, observed, parent=hidden, column=column)
    else:
        factor *= float(column)
    return [(factor, there)] if factor != 0.0 else []


def _weigh(weights: dict[int, Array], observed: Observed, *, parent: int, column: Array) -> float:
    """Puts a weight on a parent, in place; returns a factor, where the parent's state is known."""
    if isinstance(state := observed.get(parent), int):
        return float(column[state])
    weights[parent] = weights[parent] * column if parent in weights else column
    return 1.0


def _sums(events: int, groups: Sequence[_Group], *, answer: Marginals) -> tuple[Marginals, Array]:
    """Each event as the sum of its rows. answer: of the groups' rows, one group after the other.

    Also returns how many times larger the absolute terms of each event are than their sum, (events,).
    """
    starts = np.cumsum([0, *(len(group.rows) for group in groups)])
    terms = [
        (event, start + row, factor)
        for group, start in zip(groups, starts, strict=False)
        for event, row, factor in group.terms
    ]
    event = np.array([t[0] for t in terms], dtype=np.intp)
    row = np.array([t[1] for t in terms], dtype=np.intp)
    factor = np.array([t[2] for t in terms])
    logs = answer.log_evidence[row]
    largest = np.full(events, -np.inf)
    np.maximum.at(largest, event, logs)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.nan_to_num(factor * np.exp(logs - largest[event]))
        total = np.bincount(event, shares, events)
        possible = total > 0.0
        absolute = np.bincount(event, np.abs(shares), events)
        lost = np.where(possible, absolute / total, np.where(absolute > 0.0, np.inf, 1.0))
        posterior = {
            n: np.array(
                [np.bincount(event, shares * state, events) for state in np.nan_to_num(p[:, row])]
            )
            / total
            for n, p in answer.posterior.items()
        }
        logs = np.where(possible, np.log(total) + largest, -np.inf)
        return Marginals(logs, posterior), lost
