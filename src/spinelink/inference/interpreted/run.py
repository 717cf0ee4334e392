"""Runs a plan: fills in the numbers, goes forward to P(evidence), and in reverse to every marginal at once.

The reverse pass is the derivative of P(evidence) with respect to every intermediate table (Darwiche 2003); the marginal of a node
falls out where the node is summed out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor, TableFactor
from spinelink.inference.findings import Array, Observed, States, is_soft, pick, state_of
from spinelink.inference.interpreted.semiring import Semiring, combine, transpose
from spinelink.inference.plan.plan import Close, Combine, Input, Plan, SumOut, TakeTop


def level_axis(spec: Input) -> int:
    """The axis of a constant's or contribution's levels."""
    return next(k for k, v in enumerate(spec.scope) if v != spec.parent)


@dataclass(frozen=True, eq=False)
class Forward:
    """Every intermediate factor of a run, by number, each (scope..., batch)."""

    plan: Plan
    values: dict[int, Array]

    @property
    def result(self) -> Array:
        return self.values[self.plan.result]


def forward(
    compiled: CompiledNetwork,
    plan: Plan,
    observed: Observed,
    weights: Mapping[int, Array],
    ring: Semiring,
) -> Forward:
    """weights: extra factors on single nodes, (states, batch), multiplied in (the node must have a unary input)."""
    builder = InputBuilder(compiled, observed, weights, ring)
    values: dict[int, Array] = {k: builder.build(spec) for k, spec in enumerate(plan.inputs)}
    values.setdefault(plan.result, ring.encode(np.ones(1)))
    for step in plan.steps:
        match step:
            case Combine():
                a = values[step.a].reshape(*step.shape_a, -1)
                b = values[step.b].reshape(*step.shape_b, -1)
                values[step.out] = combine(ring, a, b, step.deputy_axes)
            case SumOut():
                values[step.out] = ring.total(values[step.source], (0,))
            case TakeTop():
                values[step.out] = values[step.source][1]
            case Close():
                source = values[step.source]
                if step.diagonal:
                    levels = np.arange(source.shape[0])
                    moved = np.moveaxis(source, step.position + 1, 1)[levels, levels]
                    values[step.out] = np.moveaxis(moved, 0, step.position)
                else:
                    values[step.out] = np.moveaxis(source, 0, step.position)
    return Forward(plan, values)


def reverse(
    run: Forward, ring: Semiring, *, terms: dict[int, Array] | None = None
) -> dict[int, Array]:
    """Posterior of every summed-out node: vertex -> (states, batch), each summing to 1 (in the ring's representation).

    A column is not a number where P(evidence) is 0. terms: takes, of each node, the sum of the absolute terms, (batch,), plain numbers with signs: 1 where
    nothing cancels.
    """
    return _backwards(run, ring, ring.invert(run.result), len(run.plan.inputs), terms)[0]


def input_adjoints(run: Forward, ring: Semiring, seed: Array) -> list[Array | None]:
    """Derivative of seed * result with respect to each input of the plan, (scope..., batch); None for what the result does not take in."""
    adjoint = _backwards(run, ring, seed, 0, None)[1]
    return [adjoint.get(k) for k in range(len(run.plan.inputs))]


def _backwards(
    run: Forward, ring: Semiring, seed: Array, first: int, terms: dict[int, Array] | None
) -> tuple[dict[int, Array], dict[int, Array]]:
    """Marginals of the vertices, and adjoints of the factors numbered `first` and later that no step has made."""
    plan, values = run.plan, run.values
    adjoint: dict[int, Array] = {plan.result: seed}
    marginals: dict[int, Array] = {}
    for step in reversed(plan.steps):
        above = adjoint.pop(step.out)
        match step:
            case Combine():
                a = values[step.a].reshape(*step.shape_a, -1)
                b = values[step.b].reshape(*step.shape_b, -1)
                for own, other_value, absent in (
                    (step.a, b, step.absent_a),
                    (step.b, a, step.absent_b),
                ):
                    if own >= first:
                        adjoint[own] = ring.total(
                            transpose(ring, above, other_value, step.deputy_axes), absent
                        )
            case SumOut():
                source = values[step.source]
                weighted = ring.multiply(source, above[np.newaxis])
                marginals[step.vertex] = ring.total(weighted, tuple(range(1, source.ndim - 1)))
                if terms is not None:
                    terms[step.vertex] = np.abs(weighted).sum(axis=tuple(range(source.ndim - 1)))
                adjoint[step.source] = np.broadcast_to(above[np.newaxis], weighted.shape)
            case TakeTop():
                adjoint[step.source] = np.stack([ring.zeros(above.shape), above])
            case Close():
                adjoint[step.source] = _reopen(above, step, values[step.source].shape[0], ring)
    return marginals, adjoint


def _reopen(above: Array, step: Close, levels: int, ring: Semiring) -> Array:
    if not step.diagonal:
        return np.moveaxis(above, step.position, 0)
    moved = np.moveaxis(above, step.position, 0)  # (node, rest..., batch)
    spread = ring.zeros((levels, *moved.shape))
    index = np.arange(levels)
    spread[index, index] = moved
    return np.moveaxis(spread, 1, step.position + 1)


class InputBuilder:
    """Slices and shapes the compiled factors as a plan's inputs ask."""

    def __init__(
        self,
        compiled: CompiledNetwork,
        observed: Observed,
        weights: Mapping[int, Array],
        ring: Semiring,
    ) -> None:
        self.compiled, self.ring = compiled, ring
        self.states: dict[int, int | States] = {}
        self.unary: dict[int, list[Array]] = {}
        for i, value in observed.items():
            if is_soft(value):
                self.unary.setdefault(i, []).append(value)
            elif (state := state_of(observed, i)) is not None:
                self.states[i] = state
        for i, value in weights.items():
            self.unary.setdefault(i, []).append(value)
        for i, own in self.states.items():
            factor = compiled.factors[i]
            if isinstance(own, int) and own == 0 and isinstance(factor, NoisyFactor):
                for p, link in zip(factor.parents, factor.links, strict=True):
                    if p not in self.states:
                        self.unary.setdefault(p, []).append(link[:, 0])

    def build(self, spec: Input) -> Array:
        """The numbers of an input, axes (scope..., batch); what is signed only as plain numbers."""
        if spec.signed:
            return self._signed(spec)
        if spec.form == "step":
            steps = np.eye(self.compiled.cards[spec.node]) - np.eye(
                self.compiled.cards[spec.node], k=-1
            )  # (node, level)
            return (steps if spec.scope[0] == spec.node else steps.T)[..., np.newaxis]
        if spec.form == "unary":
            parts = [self.ring.encode(a) for a in self.unary.get(spec.node, [])]
            whole = self.ring.encode(np.ones((self.compiled.cards[spec.node], 1)))
            for part in parts:
                whole = self.ring.multiply(whole, part)
            return whole
        factor = self.compiled.factors[spec.node]
        if isinstance(factor, TableFactor):
            return self.ring.encode(self._table(spec, factor))
        if spec.form == "expanded":
            return self._expanded(spec, factor)
        if spec.form == "contribution":
            link = factor.links[factor.parents.index(spec.parent)]
            levels = self.levels(spec.node, link)
            return self.ring.encode(
                levels if spec.scope[0] == spec.parent else np.moveaxis(levels, 1, 0)
            )
        return self._constant(spec, factor)

    def _signed(self, spec: Input) -> Array:
        """At most each level; where the node was seen, a level less what is below it: the signs are those of the constant."""
        at_most = np.cumsum(self.build(replace(spec, signed=False)), axis=level_axis(spec))
        if spec.form == "constant" and spec.node in self.states:
            at_most[0] *= -1.0
        return at_most

    def _table(self, spec: Input, factor: TableFactor) -> Array:
        family = (*factor.parents, spec.node)
        sliced = factor.table
        for axis in reversed([k for k, v in enumerate(family) if v in self.states]):
            sliced = pick(sliced, axis, self.states[family[axis]])
        left = [v for v in family if v not in self.states]
        return np.moveaxis(sliced, [left.index(v) for v in spec.scope], range(len(spec.scope)))

    def levels(self, node: int, rows: Array) -> Array:
        """(..., states, batch) -> (..., levels, batch): below the state seen, exactly it; or every state where none is seen."""
        state = self.states.get(node)
        if state is None:
            return rows
        axis = rows.ndim - 2
        if isinstance(state, int):
            return np.stack([rows[..., :state, :].sum(axis=axis), rows[..., state, :]], axis=axis)
        below = np.concatenate(
            [np.zeros_like(rows[..., :1, :]), np.cumsum(rows, axis=axis)[..., :-1, :]], axis=axis
        )
        return np.stack([pick(below, axis, state), pick(rows, axis, state)], axis=-2)

    def _constant(self, spec: Input, factor: NoisyFactor) -> Array:
        """What the leak and the observed parents contribute: (levels, batch), or a plain number where the lowest state is seen."""
        parts = [factor.leak] + [
            pick(link, 0, self.states[p])
            for p, link in zip(factor.parents, factor.links, strict=True)
            if p in self.states
        ]
        if not spec.scope:  # seen in the lowest state
            lowest = self.ring.encode(parts[0][0])
            for part in parts[1:]:
                lowest = self.ring.multiply(lowest, self.ring.encode(part[0]))
            return lowest
        whole = self.ring.encode(self.levels(spec.node, parts[0]))
        for part in parts[1:]:
            whole = combine(self.ring, whole, self.ring.encode(self.levels(spec.node, part)), (0,))
        return whole

    def _expanded(self, spec: Input, factor: NoisyFactor) -> Array:
        hidden = [
            (p, link)
            for p, link in zip(factor.parents, factor.links, strict=True)
            if p not in self.states
        ]
        whole = self._constant(
            Input("constant", spec.node, (spec.node,)), factor
        )  # (levels, batch)
        for _, link in hidden:
            levels = self.ring.encode(self.levels(spec.node, link))  # (parent, levels, batch)
            aligned = levels.reshape(*(1,) * (whole.ndim - 2), *levels.shape)
            whole = combine(self.ring, whole[..., np.newaxis, :, :], aligned, (whole.ndim - 1,))
        left = [p for p, _ in hidden]
        if spec.node in self.states:
            whole = whole[..., -1, :]
        else:
            left.append(spec.node)
        return np.moveaxis(whole, [left.index(v) for v in spec.scope], range(len(spec.scope)))
