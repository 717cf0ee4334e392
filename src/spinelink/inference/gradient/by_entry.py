"""Derivatives of P(findings) and of posteriors with respect to every number of the network, from one upward and one downward pass.

P(findings) is linear in each entry of each table, leak and link, so the reverse pass over the plan gives all first derivatives at once (Darwiche
2003); a posterior P(x | findings) is the quotient of two such sums, and all quotients run side by side, as columns of the batch axis.
Nothing is differenced until the last step: every sum has non-negative terms.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork, Factor, NoisyFactor, TableFactor
from spinelink.inference.findings import Observed, is_soft
from spinelink.inference.interpreted.marginals import ENTRY, UNDERFLOW, pattern_of, plan_for
from spinelink.inference.interpreted.run import InputBuilder, forward, input_adjoints, level_axis
from spinelink.inference.interpreted.semiring import (
    LINEAR,
    LOGARITHMIC,
    Semiring,
    combine,
    transpose,
)
from spinelink.inference.plan.plan import AGREEMENT, CANCELLED, Input, Kind, Plan

Array = NDArray[np.float64]

LIGHT = 2e6  # numbers up to which a run is summed without signs at once


@dataclass(frozen=True, eq=False)
class Derivatives:
    """log P(findings); posteriors of the targets, (targets,); and the derivatives, one array for each array of the network.

    factors: as in `CompiledNetwork`, last axis 1 + targets: column 0 is d log P(findings) / d entry, column k is d P(target k - 1 | findings) / d entry.
    Entries are taken as independent: to move along a distribution that stays normalised, add up its entries' derivatives with their shares.
    """

    log_evidence: float
    posteriors: Array
    factors: tuple[Factor, ...]


def derivatives(
    compiled: CompiledNetwork,
    observed: Observed,
    targets: Sequence[tuple[int, int]] = (),
    *,
    budget: float | None = None,
) -> Derivatives:
    """The derivatives of log P(findings) and of P(node = state | findings) for each (node, state) in `targets`, which are hidden nodes.

    compiled: one set of numbers (batch axis 1). seen: as in `marginals`, one case. Raises TooLargeError where the run exceeds the budget (bytes);
    ValueError where P(findings) is 0 or a target is seen.
    """
    if any(isinstance(observed.get(node), int) for node, _ in targets):
        raise ValueError("a target is seen: its posterior does not depend on any number")
    try:
        return _of_targets(compiled, observed, targets, budget)
    except TooLargeError:
        if len(targets) < 2:
            raise
    halves = [
        derivatives(compiled, observed, part, budget=budget)
        for part in (targets[: len(targets) // 2], targets[len(targets) // 2 :])
    ]
    return _side_by_side(*halves)


def _side_by_side(one: Derivatives, other: Derivatives) -> Derivatives:
    """The same findings, the targets of both."""

    def both(a: Array, b: Array) -> Array:
        return np.concatenate([a, b[..., 1:]], axis=-1)

    def joined(f: Factor, g: Factor) -> Factor:
        if isinstance(f, TableFactor):
            assert isinstance(g, TableFactor)
            return TableFactor(f.parents, both(f.table, g.table))
        assert isinstance(g, NoisyFactor)
        return NoisyFactor(
            f.parents,
            both(f.leak, g.leak),
            tuple(both(a, b) for a, b in zip(f.links, g.links, strict=True)),
        )

    factors = tuple(joined(f, g) for f, g in zip(one.factors, other.factors, strict=True))
    return Derivatives(
        one.log_evidence, np.concatenate([one.posteriors, other.posteriors]), factors
    )


def _of_targets(
    compiled: CompiledNetwork,
    observed: Observed,
    targets: Sequence[tuple[int, int]],
    budget: float | None,
) -> Derivatives:
    weights = {node: np.ones((compiled.cards[node], 1 + len(targets))) for node, _ in targets}
    for k, (node, state) in enumerate(targets, start=1):
        weights[node][:, k] = 0.0
        weights[node][state, k] = 1.0
    return conditional_derivatives(compiled, observed, weights, 1 + len(targets), budget=budget)


def conditional_derivatives(
    compiled: CompiledNetwork,
    observed: Observed,
    weights: Mapping[int, Array],
    columns: int,
    *,
    budget: float | None = None,
) -> Derivatives:
    """The same for P(event | findings), each event a column of likelihoods 0 and 1 of hidden nodes, (states, columns); column 0 is all ones."""
    logs, factors = _pulled(compiled, observed, weights, columns, budget, first_only=True)
    posteriors = np.exp(logs[1:] - logs[0])

    def quotient(slopes: Array) -> Array:
        """Column k > 0 becomes the derivative of the quotient: dP(x, e) / P(e) - P(x | e) dP(e) / P(e)."""
        if slopes.size and slopes.flags.writeable:
            slopes[..., 1:] -= posteriors * slopes[..., :1]
        return slopes

    return Derivatives(float(logs[0]), posteriors, tuple(_mapped(f, quotient) for f in factors))


def log_slopes(
    compiled: CompiledNetwork,
    observed: Observed,
    weights: Mapping[int, Array],
    *,
    budget: float | None = None,
) -> tuple[Array, tuple[Factor, ...]]:
    """Log P(findings and weights), (columns,), and its derivatives by every entry, arrays as in `compiled` with columns as their last axis.

    weights: likelihoods of hidden nodes, (states, columns); columns run side by side. compiled: one set of numbers, or a set for each column.
    Raises TooLargeError where the run exceeds the budget (bytes), ValueError where a column is impossible.
    """
    columns = max(
        [w.shape[-1] for w in weights.values()]
        + [
            a.shape[-1]
            for f in compiled.factors
            for a in ((f.table,) if isinstance(f, TableFactor) else (f.leak, *f.links))
        ],
        default=1,
    )
    return _pulled(compiled, observed, weights, columns, budget, first_only=False)


def _pulled(
    compiled: CompiledNetwork,
    observed: Observed,
    weights: Mapping[int, Array],
    columns: int,
    budget: float | None,
    *,
    first_only: bool,
) -> tuple[Array, tuple[Factor, ...]]:
    """Logarithms of the columns' probabilities P_k, and dP_k / d entry, over P_0 where `first_only`, else over P_k."""
    limit = (compiled.memory_limit if budget is None else budget) / ENTRY / columns
    pattern: dict[int, Kind] = {**dict.fromkeys(weights, "soft"), **pattern_of(observed)}
    kept = compiled.ancestors([*observed, *weights])
    plan: Plan | None = None
    too_large: TooLargeError | None = None
    try:
        plan = plan_for(compiled, pattern, frozenset(kept), (), limit, thorough=False)
    except TooLargeError as error:
        too_large = error
    if plan is None or plan.entries * columns > LIGHT:
        found = _signed(compiled, observed, weights, pattern, kept, columns, limit, first_only)
        if found is not None:
            return found
    if too_large is not None:
        raise too_large
    plan = plan_for(compiled, pattern, frozenset(kept), (), limit)
    ring: Semiring = LINEAR
    run = forward(compiled, plan, observed, weights, ring)
    logs = np.broadcast_to(ring.decode_log(run.result), (columns,))
    against = logs[:1] if first_only else logs
    if not (against >= UNDERFLOW).all():
        ring = LOGARITHMIC
        run = forward(compiled, plan, observed, weights, ring)
        logs = np.broadcast_to(run.result, (columns,))
        against = logs[:1] if first_only else logs
    if not np.isfinite(against).all():
        raise ValueError(
            "the findings cannot occur together: P(findings) is 0 and has no derivative of its logarithm"
        )
    seed = (
        np.zeros(columns) - against
        if ring is LOGARITHMIC
        else np.broadcast_to(np.exp(-against), (columns,))
    )
    puller = _Puller(compiled, observed, weights, ring, columns, kept)
    for spec, adjoint in zip(plan.inputs, input_adjoints(run, ring, seed), strict=True):
        if adjoint is not None:
            puller.pull(spec, adjoint)
    return logs, tuple(
        _mapped(f, np.exp) for f in puller.factors
    ) if ring is LOGARITHMIC else tuple(puller.factors)


def _signed(
    compiled: CompiledNetwork,
    observed: Observed,
    weights: Mapping[int, Array],
    pattern: Mapping[int, Kind],
    kept: Collection[int],
    columns: int,
    limit: float,
    first_only: bool,
) -> tuple[Array, tuple[Factor, ...]] | None:
    """The same by a plan in signed terms; None where it is too large or loses digits.

    P is linear in each input, so an input times its adjoint sums to P again; where signs cancel too much, it does not, or only from much larger terms.
    """
    try:
        plan = plan_for(compiled, pattern, frozenset(kept), (), limit, signed=True)
    except TooLargeError:
        return None
    run = forward(compiled, plan, observed, weights, LINEAR)
    with np.errstate(invalid="ignore"):
        logs = np.broadcast_to(LINEAR.decode_log(run.result), (columns,))
    against = logs[:1] if first_only else logs
    if not (against >= UNDERFLOW).all():
        return None
    seed = np.broadcast_to(np.exp(-against), (columns,))
    puller = _Puller(compiled, observed, weights, LINEAR, columns, kept)
    for k, (spec, adjoint) in enumerate(
        zip(plan.inputs, input_adjoints(run, LINEAR, seed), strict=True)
    ):
        if adjoint is None:
            continue
        terms, axes = run.values[k] * adjoint, tuple(range(len(spec.scope)))
        whole = 1.0 if first_only else seed * run.result
        agrees = np.abs(terms.sum(axis=axes) - seed * run.result) <= AGREEMENT * whole
        if not (agrees & (np.abs(terms).sum(axis=axes) <= CANCELLED * whole)).all():
            return None
        puller.pull(spec, adjoint)
    return logs, tuple(puller.factors)


def _mapped(factor: Factor, change: Callable[[Array], Array]) -> Factor:
    if isinstance(factor, TableFactor):
        return TableFactor(factor.parents, change(factor.table))
    return NoisyFactor(factor.parents, change(factor.leak), tuple(change(a) for a in factor.links))


def expected_counts(
    compiled: CompiledNetwork, observed: Observed, *, budget: float | None = None
) -> Derivatives:
    """How often each entry is expected to have been drawn, given the findings: entry times d log P(findings) / d entry, (entries..., 1).

    For a table these are the posterior probabilities of (parents, node); for a noisy-MAX, of each parent's own contribution: what EM needs.
    Raises as `derivatives`.
    """
    budget = compiled.memory_limit if budget is None else budget
    found = derivatives(compiled, observed, budget=budget)

    def times(factor: Factor, slope: Factor) -> Factor:
        if isinstance(factor, TableFactor):
            assert isinstance(slope, TableFactor)
            return TableFactor(factor.parents, factor.table * slope.table)
        assert isinstance(slope, NoisyFactor)
        return NoisyFactor(
            factor.parents,
            factor.leak * slope.leak,
            tuple(a * b for a, b in zip(factor.links, slope.links, strict=True)),
        )

    counts = tuple(times(f, g) for f, g in zip(compiled.factors, found.factors, strict=True))
    return Derivatives(found.log_evidence, found.posteriors, counts)


class _Puller:
    """Carries the adjoints of a plan's inputs back to the arrays that `InputBuilder` made them from."""

    def __init__(
        self,
        compiled: CompiledNetwork,
        observed: Observed,
        weights: Mapping[int, Array],
        ring: Semiring,
        columns: int,
        kept: Collection[int],
    ) -> None:
        self.compiled, self.observed, self.ring, self.columns = compiled, observed, ring, columns
        self.builder = InputBuilder(compiled, observed, weights, ring)
        self.states = {i: int(v) for i, v in self.builder.states.items()}
        self.weights = weights
        nothing = self.ring.zeros((1,))

        def blank(node: int) -> Factor:
            """Zeros to add to; for what the findings do not depend on, zeros that take no room."""

            def zeros(array: Array) -> Array:
                shape = (*array.shape[:-1], columns)
                return self.ring.zeros(shape) if node in kept else np.broadcast_to(nothing, shape)

            return _mapped(compiled.factors[node], zeros)

        self.factors: list[Factor] = [blank(i) for i in range(len(compiled.names))]

    def pull(self, spec: Input, adjoint: Array) -> None:
        if spec.form == "step":  # no numbers of the network
            return
        if spec.signed:
            self.pull(replace(spec, signed=False), self._of_levels(spec, adjoint))
            return
        factor, into = self.compiled.factors[spec.node], self.factors[spec.node]
        if spec.form == "unary":
            self._unary(spec.node, adjoint)
        elif isinstance(factor, TableFactor):
            assert isinstance(into, TableFactor)
            family = (*factor.parents, spec.node)
            left = [v for v in family if v not in self.states]
            place: list[slice | int] = [self.states.get(v, slice(None)) for v in family]
            self._add(
                into.table[(*place, slice(None))],
                np.moveaxis(adjoint, range(len(left)), [left.index(v) for v in spec.scope]),
            )
        elif spec.form == "contribution":
            assert isinstance(into, NoisyFactor)
            level_last = adjoint if spec.scope[0] == spec.parent else np.moveaxis(adjoint, 0, 1)
            self._rows(spec.node, into.links[factor.parents.index(spec.parent)], level_last)
        elif not spec.scope and spec.form == "constant":
            self._lowest(spec.node, adjoint)
        else:
            self._combined(spec, factor, adjoint)

    def _of_levels(self, spec: Input, adjoint: Array) -> Array:
        """Of exactly each level: it is part of every "at most" from there on."""
        if spec.form == "constant" and spec.node in self.states:
            adjoint = np.concatenate([-adjoint[:1], adjoint[1:]])
        axis = level_axis(spec)
        return np.flip(np.cumsum(np.flip(adjoint, axis), axis=axis), axis)

    def _add(self, into: Array, adjoint: Array) -> None:
        into[...] = self.ring.add(into, np.broadcast_to(adjoint, into.shape))

    def _rows(self, node: int, into: Array, adjoint: Array) -> None:
        """(..., levels, columns) back to (..., states, columns): the transpose of `InputBuilder._levels`."""
        state = self.states.get(node)
        if state is None:
            self._add(into, adjoint)
            return
        for s in range(state):
            self._add(into[..., s, :], adjoint[..., 0, :])
        self._add(into[..., state, :], adjoint[..., 1, :])

    def _combined(self, spec: Input, factor: NoisyFactor, adjoint: Array) -> None:
        """A leak, the links of seen parents and (where the family is written out) those of hidden ones, combined by the maximum."""
        into = self.factors[spec.node]
        assert isinstance(into, NoisyFactor)
        hidden = [k for k, p in enumerate(factor.parents) if p not in self.states]
        if spec.form == "constant":
            hidden = []
        at = {k: axis for axis, k in enumerate(hidden)}
        axes = len(hidden)
        parts: list[tuple[int, Array]] = [(-1, self._aligned(spec.node, factor.leak, None, axes))]
        for k, (p, link) in enumerate(zip(factor.parents, factor.links, strict=True)):
            if p in self.states:
                parts.append((k, self._aligned(spec.node, link[self.states[p]], None, axes)))
            elif k in at:
                parts.append((k, self._aligned(spec.node, link, at[k], axes)))
        whole = adjoint
        if spec.form == "expanded":
            left = [factor.parents[k] for k in hidden] + (
                [] if spec.node in self.states else [spec.node]
            )
            whole = np.moveaxis(adjoint, range(len(left)), [left.index(v) for v in spec.scope])
            if spec.node in self.states:  # only the level that was seen entered
                whole = np.stack([self.ring.zeros(whole.shape), whole], axis=-2)
        others = _all_but_each(self.ring, [part for _, part in parts], axes)
        for (k, _), other in zip(parts, others, strict=True):
            pulled = whole if other is None else transpose(self.ring, whole, other, (axes,))
            pulled = self.ring.total(
                pulled, tuple(axis for axis in range(axes) if k < 0 or at.get(k) != axis)
            )
            if k < 0:
                self._rows(spec.node, into.leak, pulled)
            elif factor.parents[k] in self.states:
                self._rows(spec.node, into.links[k][self.states[factor.parents[k]]], pulled)
            else:
                self._rows(spec.node, into.links[k], pulled)

    def _aligned(self, node: int, rows: Array, axis: int | None, axes: int) -> Array:
        """Levels with the axes (hidden parents..., levels, columns), length 1 for the other parents."""
        levels = self.ring.encode(self.builder.levels(node, rows))
        if axis is None:
            return levels.reshape(*(1,) * axes, *levels.shape)
        return levels.reshape(
            *(1,) * axis, levels.shape[0], *(1,) * (axes - 1 - axis), *levels.shape[1:]
        )

    def _lowest(self, node: int, adjoint: Array) -> None:
        """Seen in the lowest state: a product of the leak's and the seen parents' lowest entries."""
        factor, into = self.compiled.factors[node], self.factors[node]
        assert isinstance(factor, NoisyFactor) and isinstance(into, NoisyFactor)
        places = [into.leak[0]]
        parts = [self.ring.encode(factor.leak[0])]
        for p, link, slope in zip(factor.parents, factor.links, into.links, strict=True):
            if p in self.states:
                places.append(slope[self.states[p], 0])
                parts.append(self.ring.encode(link[self.states[p], 0]))
        self._product(places, parts, adjoint)

    def _unary(self, node: int, adjoint: Array) -> None:
        """The lowest entries of the links to children seen in their lowest state, times likelihoods, which are no numbers of the network."""
        places: list[Array | None] = []
        parts: list[Array] = []
        value = self.observed.get(node)
        for given in (
            value if value is not None and is_soft(value) else None,
            self.weights.get(node),
        ):
            if given is not None:
                places.append(None)
                parts.append(self.ring.encode(given))
        for child, state in self.states.items():
            factor, into = self.compiled.factors[child], self.factors[child]
            if state == 0 and isinstance(factor, NoisyFactor) and node in factor.parents:
                assert isinstance(into, NoisyFactor)
                k = factor.parents.index(node)
                places.append(into.links[k][:, 0])
                parts.append(self.ring.encode(factor.links[k][:, 0]))
        self._product(places, parts, adjoint)

    def _product(self, places: Sequence[Array | None], parts: list[Array], adjoint: Array) -> None:
        for place, other in zip(places, _all_but_each(self.ring, parts, None), strict=True):
            if place is not None:
                self._add(place, adjoint if other is None else self.ring.multiply(adjoint, other))


def _all_but_each(ring: Semiring, parts: list[Array], axis: int | None) -> list[Array | None]:
    """For each part, all the others combined (along a deputy axis, where one is given); None where there are no others."""

    def both(a: Array | None, b: Array | None) -> Array | None:
        if a is None or b is None:
            return b if a is None else a
        return ring.multiply(a, b) if axis is None else combine(ring, a, b, (axis,))

    before: list[Array | None] = [None]
    for part in parts[:-1]:
        before.append(both(before[-1], part))
    after: list[Array | None] = [None]
    for part in reversed(parts[1:]):
        after.append(both(after[-1], part))
    return [both(a, b) for a, b in zip(before, reversed(after), strict=True)]
