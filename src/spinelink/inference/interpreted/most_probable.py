"""The most probable explanation: the single most probable state of many nodes together (Pearl 1988).

Mini-bucket elimination gives an upper bound for every partial assignment, and depth-first branch and
bound follows it (Kask and Dechter 2001, Artif Intell 129:91). Where no bucket had to be split and no
family was too large to expand, the bound is exact and the search walks straight to the answer. A
noisy-MAX with too many hidden parents to expand is bounded by a product of pairwise factors (Jaakkola
and Jordan 1999, JAIR 10:291: log(1 - exp(-x)) <= a x - f*(a)), and scored exactly once its parents
are set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork, NoisyFactor
from spinelink.inference.findings import Observed
from spinelink.inference.interpreted.evidence import log_evidence
from spinelink.inference.interpreted.inputs import InputBuilder
from spinelink.inference.interpreted.semiring import LOGARITHMIC
from spinelink.inference.memory import BYTES, room
from spinelink.inference.plan.order import elimination_order
from spinelink.inference.plan.patterns import pattern_of
from spinelink.inference.plan.plan import Input

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Explanation:
    """States by node, and log P(states, evidence)."""

    states: dict[int, int]
    log_joint: float


def most_probable_explanations(
    compiled: CompiledNetwork,
    observed: Observed,
    *,
    best: int = 1,
    ignore: Iterable[int] = (),
) -> list[Explanation]:
    """The most probable joint states of all unobserved nodes, the best first.

    Args:
        compiled: The network, with one value for each parameter.
        observed: The findings of one case.
        best: How many; fewer where so many are not possible. The search is cut off below the last of
            the best found so far.
        ignore: Nodes that are summed out where no other node depends on them.

    Raises:
        TooLargeError: The search is not over after 100,000 partial assignments with the tightest
            bounds.
    """
    limits = compiled.limits
    factors = _factors(compiled, observed, _kept(compiled, observed, ignore=frozenset(ignore)))
    cards = {v: compiled.cards[v] for v in factors.hidden}
    scopes = [f.scope for f in factors.tables]
    order = elimination_order(sorted(cards), scopes, cards=cards, before={}, limits=limits)
    for entries in limits.bucket_entries:
        # Every bucket's message is kept for the search.
        most = min(
            entries,
            compiled.memory_limit / BYTES,
            room(compiled.memory_limit) / (BYTES * max(1, len(cards))),
        )
        buckets = _buckets(factors, order, cards=cards, max_entries=most)
        search = _Search(buckets, factors, order=order, cards=cards, best=best)
        explanations = search.run(limits.search_visits)
        if explanations is not None:
            return explanations
    raise TooLargeError(
        f"the most probable explanation was not proved within {limits.search_visits:,} partial "
        "assignments; observe more of the network"
    )


def _kept(compiled: CompiledNetwork, observed: Observed, *, ignore: frozenset[int]) -> list[int]:
    """All nodes but those of `ignore` below which nothing is kept."""
    kept = set(range(len(compiled.names)))
    needed: set[int] = set()
    for node in reversed(compiled.order):
        if node in ignore and node not in observed and node not in needed:
            kept.discard(node)
        else:
            needed.update(compiled.parents[node])
    return sorted(kept)


@dataclass(frozen=True)
class _Table:
    """A factor on logarithms over a scope."""

    scope: tuple[int, ...]
    values: Array

    def at(self, states: Mapping[int, int]) -> float:
        return float(self.values[tuple(states[v] for v in self.scope)])


@dataclass(frozen=True)
class _Lazy:
    """A large noisy family: pairwise upper bounds, and what scores it exactly once all is known."""

    scope: frozenset[int]
    bounds: tuple[_Table, ...]
    node: int
    levels: tuple[tuple[int, Array], ...]
    constant: Array
    own_state: int | None

    def correction(self, states: Mapping[int, int]) -> float:
        """Exact minus bound, at most 0."""
        parts = [self.constant] + [rows[states[p]] for p, rows in self.levels]
        level = self.own_state if self.own_state is not None else states[self.node]
        there = np.array([p[level] for p in parts])
        upto = np.array([p[: level + 1].sum() for p in parts])
        with np.errstate(divide="ignore", invalid="ignore"):
            # P(max = k) = product of P(each <= k) times (1 - product of P(each < k | each <= k)), without cancelling.
            ratio = np.log1p(-there / upto) if level else np.array([-np.inf])
            exact = float(np.log(upto).sum() + np.log(-np.expm1(ratio.sum())))
        return exact - sum(t.at(states) for t in self.bounds)


@dataclass
class _Factors:
    hidden: set[int]
    tables: list[_Table] = field(default_factory=list)
    lazy: list[_Lazy] = field(default_factory=list)
    constant: float = 0.0


def _factors(compiled: CompiledNetwork, observed: Observed, kept: list[int]) -> _Factors:
    builder = InputBuilder(compiled, observed, weights={}, ring=LOGARITHMIC)
    found = _Factors({i for i in kept if not isinstance(observed.get(i), int)})
    pattern = pattern_of(observed)
    for i in kept:
        factor = compiled.factors[i]
        scope = tuple(p for p in factor.parents if p in found.hidden) + (
            (i,) if i in found.hidden else ()
        )
        if isinstance(factor, NoisyFactor):
            if pattern.get(i) == "lowest":
                found.constant += float(builder.build(Input("constant", i, ()))[..., 0])
            elif (
                float(np.prod([float(compiled.cards[v]) for v in scope]))
                > compiled.limits.bounded_family
            ):
                lazy = _lazy(compiled, observed, node=i, factor=factor, hidden=found.hidden)
                found.lazy.append(lazy)
                found.tables += lazy.bounds
            else:
                found.tables.append(
                    _Table(scope, builder.build(Input("expanded", i, scope))[..., 0])
                )
        else:
            found.tables.append(_Table(scope, builder.build(Input("table", i, scope))[..., 0]))
    found.tables += [
        _Table((i,), builder.build(Input("unary", i, (i,)))[..., 0])
        for i in sorted(builder.unary)
        if i in found.hidden
    ]
    return found


def _lazy(
    compiled: CompiledNetwork,
    observed: Observed,
    *,
    node: int,
    factor: NoisyFactor,
    hidden: set[int],
) -> _Lazy:
    """A noisy family with its upper bound.

    log P(max = k) = sum log C_k + log(1 - exp(-x_k)) <= sum log C_k + a_k x_k - f*(a_k), with
    x_k = sum log C_k / C_(k-1).
    """
    links = list(zip(factor.parents, factor.links, strict=True))
    constant = factor.leak[:, 0]
    for p, link in links:
        state = observed.get(p)
        if isinstance(state, int):
            constant = np.diff(constant.cumsum() * link[state, :, 0].cumsum(), prepend=0.0).clip(
                min=0.0
            )
    levels = tuple((p, link[..., 0]) for p, link in links if p in hidden)
    state = observed.get(node)
    own_state = state if isinstance(state, int) else None
    wanted = [own_state] if own_state is not None else list(range(compiled.cards[node]))
    rows = [(None, constant[np.newaxis])] + [(p, rows) for p, rows in levels]
    bounds = []
    slopes = [_slope(k, [r for _, r in rows]) for k in wanted]
    for parent, table in rows:
        cumulative = table.cumsum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(cumulative)
            columns = []
            for k, slope in zip(wanted, slopes, strict=True):
                x = (
                    np.where(np.isneginf(logs[:, k]), 0.0, logs[:, k] - logs[:, k - 1])
                    if k and slope > 0.0
                    else 0.0
                )
                columns.append(
                    logs[:, k] + slope * x - (_conjugate(slope) if parent is None else 0.0)
                )
        stacked = np.stack(columns, axis=1)  # (parent's states, levels wanted)
        scope = (() if parent is None else (parent,)) + (() if own_state is not None else (node,))
        shape = (() if parent is None else (len(table),)) + (
            () if own_state is not None else (len(wanted),)
        )
        bounds.append(_Table(scope, stacked.reshape(shape)))
    inside = frozenset({p for p, _ in levels} | ({node} if own_state is None else set()))
    return _Lazy(inside, tuple(bounds), node, levels, constant, own_state)


def _slope(level: int, rows: list[Array]) -> float:
    """A slope that is tight where about one parent is active; 0 (the bound 1) where a parent alone makes the level certain."""
    if level == 0:
        return 0.0
    strongest = []
    for table in rows:
        cumulative = table.cumsum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            x = np.where(
                cumulative[:, level] > 0,
                np.log(cumulative[:, level]) - np.log(cumulative[:, level - 1]),
                0.0,
            )
        if not np.isfinite(x).all():
            return 0.0
        strongest.append(float(x.max()))
    peak = float(np.clip(max(strongest), 1e-12, 30.0))
    return float(np.exp(-peak) / -np.expm1(-peak))


def _conjugate(slope: float) -> float:
    """f*(a) = (a + 1) log(a + 1) - a log a."""
    return (slope + 1.0) * float(np.log(slope + 1.0)) - (
        slope * float(np.log(slope)) if slope > 0.0 else 0.0
    )


@dataclass
class _Bucket:
    """What is settled once this node has a state: own factors, and messages from nodes eliminated before it."""

    factors: list[_Table] = field(default_factory=list)
    messages: list[tuple[int, _Table]] = field(default_factory=list)


def _buckets(
    factors: _Factors, order: tuple[int, ...], *, cards: Mapping[int, int], max_entries: float
) -> dict[int, _Bucket]:
    rank = {v: k for k, v in enumerate(order)}
    buckets = {v: _Bucket() for v in (*order, -1)}  # -1: messages that depend on nothing more
    for table in factors.tables:
        if table.scope:
            buckets[min(table.scope, key=rank.__getitem__)].factors.append(table)
    for v in order:
        inside = [*buckets[v].factors, *(m for _, m in buckets[v].messages)]
        for group in _split(inside, cards, max_entries):
            table = _add_up(group, cards)
            axis = table.scope.index(v)
            message = _Table(
                table.scope[:axis] + table.scope[axis + 1 :], table.values.max(axis=axis)
            )
            to = min(message.scope, key=rank.__getitem__) if message.scope else -1
            buckets[to].messages.append((v, message))
    return buckets


def _split(
    tables: list[_Table], cards: Mapping[int, int], max_entries: float
) -> list[list[_Table]]:
    """Groups whose common table stays within the limit, largest factors first."""
    groups: list[tuple[set[int], list[_Table]]] = []
    for table in sorted(tables, key=lambda t: -t.values.size):
        for scope, group in groups:
            if float(np.prod([float(cards[v]) for v in scope | set(table.scope)])) <= max_entries:
                scope |= set(table.scope)
                group.append(table)
                break
        else:
            groups.append((set(table.scope), [table]))
    return [group for _, group in groups]


def _add_up(tables: list[_Table], cards: Mapping[int, int]) -> _Table:
    scope = tuple(sorted({v for t in tables for v in t.scope}))
    whole: Array = np.zeros(())
    for table in tables:
        moved = (
            np.transpose(table.values, np.argsort(table.scope))
            if len(table.scope) > 1
            else table.values
        )
        whole = whole + moved.reshape(tuple(cards[v] if v in table.scope else 1 for v in scope))
    return _Table(scope, whole)


class _Search:
    """Depth-first over the nodes in reverse order of elimination, the most promising state first."""

    def __init__(
        self,
        buckets: dict[int, _Bucket],
        factors: _Factors,
        *,
        order: tuple[int, ...],
        cards: Mapping[int, int],
        best: int,
    ) -> None:
        self.buckets, self.order, self.cards = buckets, order[::-1], cards
        self.constant = factors.constant + sum(
            float(t.values) for t in factors.tables if not t.scope
        )
        self.constant += sum(float(m.values) for _, m in buckets[-1].messages)
        rank = {v: k for k, v in enumerate(self.order)}
        self.settled: dict[int, list[_Lazy]] = {v: [] for v in order}
        for lazy in factors.lazy:
            self.settled[max(lazy.scope, key=rank.__getitem__)].append(lazy)
        # Messages that a node sent stop counting once the node itself has a state.
        self.sent: dict[int, list[_Table]] = {v: [] for v in order}
        for bucket in buckets.values():
            for origin, message in bucket.messages:
                self.sent[origin].append(message)
        self.wanted = best
        self.found: list[Explanation] = []

    @property
    def worst(self) -> float:
        """What an assignment must exceed to be among the best."""
        return self.found[-1].log_joint if len(self.found) == self.wanted else -np.inf

    def run(self, most_visits: int) -> list[Explanation] | None:
        """The best assignments; None where they were not proved within the visits allowed."""
        start = self.constant
        states: dict[int, int] = {}
        stack: list[tuple[int, int, float]] = [(0, -1, start)]
        visits = 0
        while stack:
            depth, state, bound = stack.pop()
            if bound <= self.worst:
                continue
            if depth:
                states = {v: states[v] for v in self.order[: depth - 1]}
                states[self.order[depth - 1]] = state
            if depth == len(self.order):
                self.found = sorted(
                    [*self.found, Explanation(dict(states), float(bound))],
                    key=lambda e: -e.log_joint,
                )[: self.wanted]
                continue
            visits += 1
            if visits > most_visits:
                return None
            v = self.order[depth]
            options = [(self._bound(v, s, states, bound), s) for s in range(self.cards[v])]
            stack += [(depth + 1, s, b) for b, s in sorted(options) if b > self.worst]
        return self.found

    def _bound(self, v: int, state: int, states: dict[int, int], before: float) -> float:
        states[v] = state
        bucket = self.buckets[v]
        total = (
            before
            + sum(t.at(states) for t in bucket.factors)
            + sum(m.at(states) for _, m in bucket.messages)
        )
        total -= sum(m.at(states) for m in self.sent[v])
        if np.isfinite(total):
            total += sum(lazy.correction(states) for lazy in self.settled[v])
        del states[v]
        return -np.inf if np.isnan(total) else total


def log_posterior(
    compiled: CompiledNetwork, observed: Observed, *, explanation: Explanation
) -> float:
    """Log P(states | evidence)."""
    return explanation.log_joint - float(log_evidence(compiled, observed)[0])
