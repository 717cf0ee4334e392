"""The schedule of one evidence pattern: which factors enter, and in which order they are combined and summed out.

A plan depends on the structure and on which findings are seen, not on the numbers nor (within a kind) on the states seen. Observed
nodes are sliced away; a noisy-MAX seen in its lowest state falls apart into one unary factor per parent; a noisy-MAX with many
unobserved parents gets a *deputy*: a vertex that holds the running maximum of its contributions (Zhang and Poole 1996).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from math import prod
from typing import Literal

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork, NoisyFactor, TableFactor
from spinelink.inference.plan.order import elimination_order

Kind = Literal["lowest", "hard", "soft"]
"""lowest: seen in the first state. hard: seen in another state. soft: a likelihood over the states."""

EXPAND = 256  # a noisy family with at most so many entries enters as an ordinary table: fewer, smaller steps


# In signed terms every variable is summed out again on the way back, and must give P(evidence) to this, and from terms no larger than so many times it in all.
AGREEMENT, CANCELLED = 1e-12, 1e5


@dataclass(frozen=True)
class Input:
    """A factor that the numbers fill in. Axes follow `scope`, which is in elimination order.

    signed: of a constant or contribution, P(at most this level) in place of P(exactly it); a step makes differences of these, a node's states, again.
    """

    form: Literal["table", "expanded", "constant", "contribution", "step", "unary"]
    node: int
    scope: tuple[int, ...]
    parent: int = -1
    signed: bool = False


@dataclass(frozen=True)
class Combine:
    """out = a combined with b, over the union of their scopes."""

    a: int
    b: int
    out: int
    shape_a: tuple[int, ...]
    shape_b: tuple[int, ...]
    deputy_axes: tuple[int, ...]
    absent_a: tuple[int, ...]
    absent_b: tuple[int, ...]


@dataclass(frozen=True)
class SumOut:
    """Sums the first axis, which belongs to `vertex`."""

    source: int
    out: int
    vertex: int


@dataclass(frozen=True)
class TakeTop:
    """Takes the top level of the first axis: the maximum reached the observed state."""

    source: int
    out: int


@dataclass(frozen=True)
class Close:
    """The first axis, a complete maximum, becomes the node itself, at `position`; where the node is there already, their diagonal."""

    source: int
    out: int
    position: int
    diagonal: bool


Step = Combine | SumOut | TakeTop | Close


@dataclass(frozen=True)
class Plan:
    """Inputs, steps, and how large it gets. `entries`: array entries over all steps for one case; `width`: the largest array; `work`: products."""

    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]
    result: int
    free: tuple[int, ...]
    entries: float
    width: float
    work: float


def make_plan(
    compiled: CompiledNetwork,
    pattern: Mapping[int, Kind],
    kept: Iterable[int],
    *,
    free: tuple[int, ...] = (),
    limit: float = 2.0**28,
    thorough: bool = True,
    signed: bool = False,
    exact: frozenset[int] = frozenset(),
) -> Plan:
    """Plans the sum over all kept nodes that are neither observed nor free.

    signed: a noisy-MAX is a difference of products over a variable of its own (Díez and Galán 2003, Int J Intell Syst 18:165), in place of a maximum: far
    fewer entries where many such families share parents, but digits are lost, which whoever runs the plan must look for. exact: hidden nodes that enter as a maximum all the same, so that their rare states keep their digits.
    Raises TooLargeError where the steps together would hold more than `limit` entries.
    """
    return _Planner(compiled, pattern, sorted(kept), free, signed, exact).plan(limit, thorough)


class _Planner:
    def __init__(
        self,
        compiled: CompiledNetwork,
        pattern: Mapping[int, Kind],
        kept: list[int],
        free: tuple[int, ...],
        signed: bool,
        exact: frozenset[int],
    ) -> None:
        self.compiled, self.pattern, self.free, self.signed, self.exact = (
            compiled,
            pattern,
            free,
            signed,
            exact,
        )
        self.hidden = {i for i in kept if pattern.get(i) not in ("lowest", "hard")}
        self.cards: dict[int, int] = {i: compiled.cards[i] for i in self.hidden}
        self.closes: dict[int, int] = {}  # deputy -> its node, where the node is hidden
        self.inputs: list[Input] = []
        unary: set[int] = {i for i, kind in pattern.items() if kind == "soft" and i in self.hidden}
        for i in kept:
            self._enter(i, unary)
        self.inputs += [Input("unary", i, (i,)) for i in sorted(unary)]

    def _enter(self, i: int, unary: set[int]) -> None:
        factor = self.compiled.factors[i]
        hidden_parents = tuple(p for p in factor.parents if p in self.hidden)
        own = (i,) if i in self.hidden else ()
        if isinstance(factor, TableFactor):
            self.inputs.append(Input("table", i, hidden_parents + own))
            return
        assert isinstance(factor, NoisyFactor)
        if self.pattern.get(i) == "lowest":
            # No cause may have reached any level: the parents part company.
            unary.update(hidden_parents)
            self.inputs.append(Input("constant", i, ()))
            return
        size = 1
        for v in hidden_parents + own:
            size *= self.cards[v]
        signed = self.signed and not (own and i in self.exact)
        if not hidden_parents or (len(hidden_parents) == 1 if signed else size <= EXPAND):
            self.inputs.append(Input("expanded", i, hidden_parents + own))
            return
        deputy = len(self.compiled.names) * (2 if signed else 1) + i
        self.cards[deputy] = self.compiled.cards[i] if own else 2
        if own and signed:
            self.inputs.append(Input("step", i, (i, deputy)))
        elif own:
            self.closes[deputy] = i
        self.inputs.append(Input("constant", i, (deputy,), signed=signed))
        self.inputs += [Input("contribution", i, (p, deputy), p, signed) for p in hidden_parents]

    def plan(self, limit: float, thorough: bool) -> Plan:
        scopes: list[tuple[int, ...]] = [f.scope for f in self.inputs] + list(self.closes.items())
        before = {node: deputy for deputy, node in self.closes.items()}
        # Two factors with a deputy of K levels in common take 2 K - 1 products of slices, not K.
        deputies = range(
            len(self.compiled.names), 2 * len(self.compiled.names)
        )  # those of signed terms are variables like any other
        weights = {v: 2 * card - 1 if v in deputies else card for v, card in self.cards.items()}
        order = elimination_order(
            list(self.cards), scopes, weights, before, frozenset(self.free), thorough=thorough
        )
        rank = {v: k for k, v in enumerate(order + self.free)}
        inputs = tuple(
            replace(f, scope=tuple(sorted(f.scope, key=rank.__getitem__))) for f in self.inputs
        )
        build = _Steps(self.cards, rank, deputies, limit)
        pool = {build.add(f.scope) for f in inputs}
        for v in order:
            holding = [f for f in pool if v in build.scopes[f]]
            pool.difference_update(holding)
            pool.add(build.eliminate(v, holding, self.closes))
        result = build.fold(sorted(pool, key=build.size)) if pool else build.add(())
        return Plan(
            inputs, tuple(build.steps), result, self.free, build.entries, build.width, build.work
        )


class _Steps:
    """Grows the list of steps; factors are numbered as they arise, scopes kept beside."""

    def __init__(
        self, cards: Mapping[int, int], rank: Mapping[int, int], deputies: range, limit: float
    ) -> None:
        self.cards, self.rank, self.deputies, self.limit = cards, rank, deputies, limit
        self.scopes: dict[int, tuple[int, ...]] = {}
        self.steps: list[Step] = []
        self.numbers = count()
        self.entries = self.width = self.work = 0.0

    def add(self, scope: tuple[int, ...]) -> int:
        number = next(self.numbers)
        self.scopes[number] = scope
        return number

    def size(self, factor: int) -> float:
        return self._size_of(self.scopes[factor])

    def _size_of(self, scope: Iterable[int]) -> float:
        size = 1.0
        for v in scope:
            size *= self.cards[v]
        return size

    def eliminate(self, v: int, holding: list[int], closes: Mapping[int, int]) -> int:
        whole = self.fold(sorted(holding, key=lambda f: (self.size(f), f)))
        scope = self.scopes[whole]
        assert scope[0] == v
        if v not in self.deputies:
            out = self.add(scope[1:])
            self.steps.append(SumOut(whole, out, v))
        elif v not in closes:
            out = self.add(scope[1:])
            self.steps.append(TakeTop(whole, out))
        else:
            node = closes[v]
            rest = scope[1:]
            diagonal = node in rest
            after = rest if diagonal else tuple(sorted((*rest, node), key=self.rank.__getitem__))
            out = self.add(after)
            self.steps.append(Close(whole, out, after.index(node), diagonal))
        return out

    def fold(self, factors: list[int]) -> int:
        """Combines the factors, smallest first."""
        whole = factors[0]
        for other in factors[1:]:
            whole = self._combine(whole, other)
        return whole

    def _combine(self, a: int, b: int) -> int:
        scope_a, scope_b = self.scopes[a], self.scopes[b]
        union = tuple(sorted({*scope_a, *scope_b}, key=self.rank.__getitem__))
        out = self.add(union)
        size = self._size_of(union)
        self.entries += size
        self.width = max(self.width, size)
        if self.entries > self.limit:
            raise TooLargeError(
                f"the exact answer needs more than {self.limit:.3g} numbers at once (an intermediate table has {size:.3g} entries over "
                f"{len(union)} variables); raise the memory budget, or observe more of the network"
            )
        shared = tuple(
            k for k, v in enumerate(union) if v in self.deputies and v in scope_a and v in scope_b
        )
        self.work += size * prod(
            (2 * self.cards[union[k]] - 1) / self.cards[union[k]] for k in shared
        )
        self.steps.append(
            Combine(
                a,
                b,
                out,
                tuple(self.cards[v] if v in scope_a else 1 for v in union),
                tuple(self.cards[v] if v in scope_b else 1 for v in union),
                shared,
                tuple(k for k, v in enumerate(union) if v not in scope_a),
                tuple(k for k, v in enumerate(union) if v not in scope_b),
            )
        )
        return out
