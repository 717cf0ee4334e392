"""The schedule of one evidence pattern: which factors enter, and in which order they are summed out.

A plan depends on the structure and on which nodes are observed. It does not depend on the numbers,
nor (within a kind) on the observed states. Observed nodes are sliced away. A noisy-MAX observed in
its lowest state falls apart into one unary factor for each parent. A noisy-MAX with many unobserved
parents gets a *deputy*: a vertex that holds the running maximum of its contributions (Zhang and
Poole 1996).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from math import prod
from typing import Literal

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor, TableFactor
from spinelink.inference.limits import BYTES_PER_ENTRY
from spinelink.inference.memory import BYTES, too_large
from spinelink.inference.plan.footprint import held_entries
from spinelink.inference.plan.order import elimination_order
from spinelink.inference.plan.steps import Close, Combine, Step, SumOut, TakeTop

Kind = Literal["lowest", "hard", "soft"]
"""lowest: observed in the first state. hard: in another state. soft: likelihoods of the states."""


@dataclass(frozen=True)
class Input:
    """A factor that the numbers fill in. Axes follow `scope`, which is in elimination order.

    difference_form: a constant or contribution holds P(at most this level) in place of P(exactly
    it). A step takes differences of these, which are the node's states again.
    """

    form: Literal["table", "expanded", "constant", "contribution", "step", "unary"]
    node: int
    scope: tuple[int, ...]
    parent: int = -1
    difference_form: bool = False


@dataclass(frozen=True)
class Plan:
    """Inputs, steps, and how large a run gets.

    entries: array entries over all steps for one case. width: the largest array. work: products.
    held: entries that a run, forwards and back, holds at its peak for one case.
    """

    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]
    result: int
    free: tuple[int, ...]
    entries: float
    width: float
    work: float
    held: float


def make_plan(
    compiled: CompiledNetwork,
    pattern: Mapping[int, Kind],
    *,
    kept: Iterable[int],
    free: tuple[int, ...] = (),
    max_entries: float = float("inf"),
    thorough: bool = True,
    difference_form: bool = False,
    exact: frozenset[int] = frozenset(),
) -> Plan:
    """Plans the sum over all kept nodes that are neither observed nor free.

    Args:
        compiled: The network; its numbers are not read.
        pattern: Which nodes are observed, and how.
        kept: The nodes of the run, with all their ancestors.
        free: Nodes that stay as axes of the result.
        max_entries: Table entries that all steps together may hold.
        thorough: Whether to search on where the elimination order is costly.
        difference_form: A noisy-MAX is a difference of products over a variable of its own (Díez
            and Galán 2003, Int J Intell Syst 18:165), in place of a maximum. That takes far fewer
            entries where many such families share parents, but digits are lost: whoever runs the
            plan must look for that.
        exact: Hidden nodes that enter as a maximum all the same, so that rare states keep digits.

    Raises:
        TooLargeError: The steps together would hold more entries.
    """
    planner = _Planner(compiled, pattern, free=free, difference_form=difference_form, exact=exact)
    planner.enter(sorted(kept))
    return planner.plan(max_entries, thorough=thorough)


class _Planner:
    """Gathers the inputs of a plan, orders its variables, and lists its steps."""

    def __init__(
        self,
        compiled: CompiledNetwork,
        pattern: Mapping[int, Kind],
        *,
        free: tuple[int, ...],
        difference_form: bool,
        exact: frozenset[int],
    ) -> None:
        self.compiled, self.pattern, self.free = compiled, pattern, free
        self.difference_form, self.exact = difference_form, exact
        self.hidden: set[int] = set()
        self.cards: dict[int, int] = {}
        self.closes: dict[int, int] = {}  # deputy -> its node, where the node is hidden
        self.inputs: list[Input] = []

    def enter(self, kept: list[int]) -> None:
        """Every kept node's factor becomes one or more inputs."""
        self.hidden = {i for i in kept if self.pattern.get(i) not in ("lowest", "hard")}
        self.cards = {i: self.compiled.cards[i] for i in self.hidden}
        unary = {i for i, kind in self.pattern.items() if kind == "soft" and i in self.hidden}
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
        differences = self.difference_form and not (own and i in self.exact)
        small = size <= self.compiled.limits.expanded_family
        if not hidden_parents or (len(hidden_parents) == 1 if differences else small):
            self.inputs.append(Input("expanded", i, hidden_parents + own))
            return
        deputy = len(self.compiled.names) * (2 if differences else 1) + i
        self.cards[deputy] = self.compiled.cards[i] if own else 2
        if own and differences:
            self.inputs.append(Input("step", i, (i, deputy)))
        elif own:
            self.closes[deputy] = i
        self.inputs.append(Input("constant", i, (deputy,), difference_form=differences))
        self.inputs += [
            Input("contribution", i, (p, deputy), p, differences) for p in hidden_parents
        ]

    def plan(self, max_entries: float, *, thorough: bool) -> Plan:
        """Orders the variables and lists the steps. Raises TooLargeError."""
        scopes: list[tuple[int, ...]] = [f.scope for f in self.inputs] + list(self.closes.items())
        before = {node: deputy for deputy, node in self.closes.items()}
        # Variables of the difference form, which are numbered after these, are like any other.
        deputies = range(len(self.compiled.names), 2 * len(self.compiled.names))
        # Two factors with a deputy of K levels in common take 2 K - 1 products of slices, not K.
        weights = {v: 2 * card - 1 if v in deputies else card for v, card in self.cards.items()}
        order = elimination_order(
            list(self.cards),
            scopes,
            cards=weights,
            before=before,
            free=frozenset(self.free),
            thorough=thorough,
            limits=self.compiled.limits,
        )
        rank = {v: k for k, v in enumerate(order + self.free)}
        inputs = tuple(
            replace(f, scope=tuple(sorted(f.scope, key=rank.__getitem__))) for f in self.inputs
        )
        build = _Steps(self.cards, rank, deputies=deputies)
        pool = {build.add(f.scope) for f in inputs}
        for v in order:
            holding = [f for f in pool if v in build.scopes[f]]
            pool.difference_update(holding)
            pool.add(build.eliminate(v, holding, self.closes))
        result = build.fold(sorted(pool, key=build.size)) if pool else build.add(())
        most = max_entries * BYTES_PER_ENTRY
        if build.entries > max_entries:
            raise too_large(build.entries * BYTES_PER_ENTRY, most, width=build.width)
        held = held_entries(
            build.steps,
            inputs=len(inputs),
            sizes={k: build.size(k) for k in build.scopes},
        )
        if held * BYTES > most:
            raise too_large(held * BYTES, most, width=build.width)
        return Plan(
            inputs,
            tuple(build.steps),
            result,
            self.free,
            build.entries,
            build.width,
            build.work,
            held,
        )


class _Steps:
    """Grows the list of steps. Factors are numbered as they arise."""

    def __init__(
        self,
        cards: Mapping[int, int],
        rank: Mapping[int, int],
        *,
        deputies: range,
    ) -> None:
        self.cards, self.rank, self.deputies = cards, rank, deputies
        self.scopes: dict[int, tuple[int, ...]] = {}
        self.steps: list[Step] = []
        self.numbers = count()
        self.entries = self.width = self.work = 0.0

    def add(self, scope: tuple[int, ...]) -> int:
        """The number of a new factor over a scope."""
        number = next(self.numbers)
        self.scopes[number] = scope
        return number

    def size(self, factor: int) -> float:
        """Entries of a factor."""
        return self._size_of(self.scopes[factor])

    def _size_of(self, scope: Iterable[int]) -> float:
        size = 1.0
        for v in scope:
            size *= self.cards[v]
        return size

    def eliminate(self, v: int, holding: list[int], closes: Mapping[int, int]) -> int:
        """Combines the factors that hold a vertex, and sums it out; returns the number of the result."""
        product = self.fold(sorted(holding, key=lambda f: (self.size(f), f)))
        scope = self.scopes[product]
        assert scope[0] == v
        if v not in self.deputies:
            out = self.add(scope[1:])
            self.steps.append(SumOut(product, out, v))
        elif v not in closes:
            out = self.add(scope[1:])
            self.steps.append(TakeTop(product, out))
        else:
            node = closes[v]
            rest = scope[1:]
            diagonal = node in rest
            after = rest if diagonal else tuple(sorted((*rest, node), key=self.rank.__getitem__))
            out = self.add(after)
            self.steps.append(Close(product, out, after.index(node), diagonal))
        return out

    def fold(self, factors: list[int]) -> int:
        """Combines the factors, smallest first."""
        product = factors[0]
        for other in factors[1:]:
            product = self._combine(product, other)
        return product

    def _combine(self, a: int, b: int) -> int:
        scope_a, scope_b = self.scopes[a], self.scopes[b]
        union = tuple(sorted({*scope_a, *scope_b}, key=self.rank.__getitem__))
        out = self.add(union)
        size = self._size_of(union)
        self.entries += size
        self.width = max(self.width, size)
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
