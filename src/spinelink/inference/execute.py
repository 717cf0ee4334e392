"""Runs a plan: fills in the numbers, goes forward to P(evidence), and in reverse to every marginal at once.

The reverse pass is the derivative of P(evidence) with respect to every intermediate table (Darwiche 2003); the marginal of a node
falls out where the node is summed out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.compiled import CompiledNetwork, NoisyFactor, TableFactor
from spinelink.inference.plan import Close, Combine, Input, Plan, SumOut, TakeTop
from spinelink.inference.semiring import Semiring, combine, transpose

Array = NDArray[np.float64]
Seen = Mapping[int, "int | Array"]
"""Node -> index of the state seen, or likelihoods (states, batch)."""


@dataclass(frozen=True, eq=False)
class Forward:
    """Every intermediate factor of a run, by number, each (scope..., batch)."""

    plan: Plan
    values: dict[int, Array]

    @property
    def result(self) -> Array:
        return self.values[self.plan.result]


def forward(compiled: CompiledNetwork, plan: Plan, seen: Seen, weights: Mapping[int, Array], ring: Semiring) -> Forward:
    """weights: extra factors on single nodes, (states, batch), multiplied in (the node must have a unary input)."""
    builder = InputBuilder(compiled, seen, weights, ring)
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


def reverse(run: Forward, ring: Semiring) -> dict[int, Array]:
    """Posterior of every summed-out node: vertex -> (states, batch), each summing to 1 (in the ring's representation).

    A column is not a number where P(evidence) is 0.
    """
    plan, values = run.plan, run.values
    inputs = len(plan.inputs)
    adjoint: dict[int, Array] = {plan.result: ring.invert(run.result)}
    marginals: dict[int, Array] = {}
    for step in reversed(plan.steps):
        above = adjoint.pop(step.out)
        match step:
            case Combine():
                a = values[step.a].reshape(*step.shape_a, -1)
                b = values[step.b].reshape(*step.shape_b, -1)
                for own, _other, other_value, absent in ((step.a, step.b, b, step.absent_a), (step.b, step.a, a, step.absent_b)):
                    if own >= inputs:  # nobody reads the adjoints of inputs here
                        adjoint[own] = ring.total(transpose(ring, above, other_value, step.deputy_axes), absent)
            case SumOut():
                source = values[step.source]
                weighted = ring.multiply(source, above[np.newaxis])
                marginals[step.vertex] = ring.total(weighted, tuple(range(1, source.ndim - 1)))
                adjoint[step.source] = np.broadcast_to(above[np.newaxis], weighted.shape)
            case TakeTop():
                adjoint[step.source] = np.stack([ring.zeros(above.shape), above])
            case Close():
                adjoint[step.source] = _reopen(above, step, values[step.source].shape[0], ring)
    return marginals


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

    def __init__(self, compiled: CompiledNetwork, seen: Seen, weights: Mapping[int, Array], ring: Semiring) -> None:
        self.compiled, self.ring = compiled, ring
        self.states: dict[int, int] = {i: s for i, s in seen.items() if isinstance(s, int)}
        self.unary: dict[int, list[Array]] = {}
        for i, value in seen.items():
            if not isinstance(value, int):
                self.unary.setdefault(i, []).append(value)
        for i, value in weights.items():
            self.unary.setdefault(i, []).append(value)
        for i, state in self.states.items():
            factor = compiled.factors[i]
            if state == 0 and isinstance(factor, NoisyFactor):
                for p, link in zip(factor.parents, factor.links, strict=True):
                    if p not in self.states:
                        self.unary.setdefault(p, []).append(link[:, 0])

    def build(self, spec: Input) -> Array:
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
            levels = self._levels(spec.node, link)
            return self.ring.encode(levels if spec.scope[0] == spec.parent else np.moveaxis(levels, 1, 0))
        return self._constant(spec, factor)

    def _table(self, spec: Input, factor: TableFactor) -> Array:
        family = (*factor.parents, spec.node)
        sliced = factor.table[tuple(self.states.get(v, slice(None)) for v in family)]
        left = [v for v in family if v not in self.states]
        return np.moveaxis(sliced, [left.index(v) for v in spec.scope], range(len(spec.scope)))

    def _levels(self, node: int, rows: Array) -> Array:
        """(..., states, batch) -> (..., levels, batch): below the state seen, exactly it; or every state where none is seen."""
        state = self.states.get(node)
        if state is None:
            return rows
        return np.stack([rows[..., :state, :].sum(axis=-2), rows[..., state, :]], axis=-2)

    def _constant(self, spec: Input, factor: NoisyFactor) -> Array:
        """What the leak and the observed parents contribute: (levels, batch), or a plain number where the lowest state is seen."""
        parts = [factor.leak] + [link[self.states[p]] for p, link in zip(factor.parents, factor.links, strict=True) if p in self.states]
        if not spec.scope and self.states[spec.node] == 0:
            lowest = self.ring.encode(parts[0][0])
            for part in parts[1:]:
                lowest = self.ring.multiply(lowest, self.ring.encode(part[0]))
            return lowest
        whole = self.ring.encode(self._levels(spec.node, parts[0]))
        for part in parts[1:]:
            whole = combine(self.ring, whole, self.ring.encode(self._levels(spec.node, part)), (0,))
        return whole

    def _expanded(self, spec: Input, factor: NoisyFactor) -> Array:
        hidden = [(p, link) for p, link in zip(factor.parents, factor.links, strict=True) if p not in self.states]
        whole = self._constant(Input("constant", spec.node, (spec.node,)), factor)  # (levels, batch)
        for _, link in hidden:
            levels = self.ring.encode(self._levels(spec.node, link))  # (parent, levels, batch)
            aligned = levels.reshape(*(1,) * (whole.ndim - 2), *levels.shape)
            whole = combine(self.ring, whole[..., np.newaxis, :, :], aligned, (whole.ndim - 1,))
        left = [p for p, _ in hidden]
        if spec.node in self.states:
            whole = whole[..., -1, :]
        else:
            left.append(spec.node)
        return np.moveaxis(whole, [left.index(v) for v in spec.scope], range(len(spec.scope)))
