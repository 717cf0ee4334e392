"""The backward pass from the inputs of a plan to the entries of the network's arrays.

`InputBuilder` makes the inputs of a plan from tables, leaks and links: it slices them at observed
states, sums levels and multiplies. `Pullback` is the transpose of that. It takes the derivative by
each input and adds it to the derivatives by the entries that the input was made from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork, Factor, NoisyFactor, TableFactor, map_factor
from spinelink.inference.findings import Observed, is_soft
from spinelink.inference.interpreted.inputs import InputBuilder, level_axis
from spinelink.inference.interpreted.semiring import Semiring, combine, transpose
from spinelink.inference.plan.plan import Input

Array = NDArray[np.float64]
LEAK = -1
"""Stands for the leak among the parents of a noisy-MAX."""


@dataclass(frozen=True, eq=False)
class Batch:
    """What a gradient run differentiates: P(findings and weights), one probability for each column.

    observed: one case. weights: likelihoods of hidden nodes, (states, columns). columns: how many
    probabilities are computed together.
    """

    compiled: CompiledNetwork
    observed: Observed
    weights: Mapping[int, Array]
    columns: int

    @cached_property
    def relevant(self) -> frozenset[int]:
        """The nodes on which the probabilities depend."""
        return frozenset(self.compiled.ancestors([*self.observed, *self.weights]))


class Pullback:
    """Collects derivatives by entries from derivatives by inputs, in one semiring.

    factors: the derivatives by entries so far, arrays as in the network, last axis: columns.
    """

    def __init__(self, batch: Batch, ring: Semiring) -> None:
        self.batch, self.ring = batch, ring
        self.builder = InputBuilder(
            batch.compiled, batch.observed, weights=batch.weights, ring=ring
        )
        self.states = {i: int(v) for i, v in self.builder.states.items()}
        self.factors: list[Factor] = [self._zeros(i) for i in range(len(batch.compiled.names))]

    def _zeros(self, node: int) -> Factor:
        """Zeros to add to; for a node that does not matter, zeros that take no memory."""

        def zeros(array: Array) -> Array:
            shape = (*array.shape[:-1], self.batch.columns)
            if node in self.batch.relevant:
                return self.ring.zeros(shape)
            return np.broadcast_to(self.ring.zeros((1,)), shape)

        return map_factor(zeros, self.batch.compiled.factors[node])

    def backward(self, spec: Input, adjoint: Array) -> None:
        """Adds what one input contributes; adjoint: the derivative by it, (scope..., columns)."""
        if spec.difference_form:
            spec, adjoint = (
                replace(spec, difference_form=False),
                self._from_cumulative(spec, adjoint),
            )
        factor, slopes = self.batch.compiled.factors[spec.node], self.factors[spec.node]
        if spec.form == "step":  # holds no entries of the network
            return
        if spec.form == "unary":
            self._unary(spec.node, adjoint)
        elif isinstance(factor, TableFactor):
            assert isinstance(slopes, TableFactor)
            self._table(spec, adjoint, slopes=slopes)
        elif spec.form == "contribution":
            level_last = adjoint if spec.scope[0] == spec.parent else np.moveaxis(adjoint, 0, 1)
            link = self._noisy_slopes(spec.node).links[factor.parents.index(spec.parent)]
            self._add_levels(spec.node, link, adjoint=level_last)
        elif spec.form == "constant" and not spec.scope:
            self._lowest(spec.node, adjoint)
        else:
            self._maximum(spec, adjoint)

    def _from_cumulative(self, spec: Input, adjoint: Array) -> Array:
        """Adjoint of P(exactly each level), given that of P(at most each level)."""
        if spec.form == "constant" and spec.node in self.states:
            adjoint = np.concatenate([-adjoint[:1], adjoint[1:]])
        axis = level_axis(spec)
        return np.flip(np.cumsum(np.flip(adjoint, axis), axis=axis), axis)

    def _noisy_slopes(self, node: int) -> NoisyFactor:
        slopes = self.factors[node]
        assert isinstance(slopes, NoisyFactor)
        return slopes

    def _add(self, into: Array, adjoint: Array) -> None:
        into[...] = self.ring.add(into, np.broadcast_to(adjoint, into.shape))

    def _add_levels(self, node: int, into: Array, *, adjoint: Array) -> None:
        """(..., levels, columns) to (..., states, columns): transpose of `InputBuilder.levels`."""
        state = self.states.get(node)
        if state is None:
            self._add(into, adjoint)
            return
        for s in range(state):
            self._add(into[..., s, :], adjoint[..., 0, :])
        self._add(into[..., state, :], adjoint[..., 1, :])

    def _table(self, spec: Input, adjoint: Array, *, slopes: TableFactor) -> None:
        """A table, sliced at the observed states of its family."""
        family = (*slopes.parents, spec.node)
        hidden = [v for v in family if v not in self.states]
        sliced: list[slice | int] = [self.states.get(v, slice(None)) for v in family]
        order = [hidden.index(v) for v in spec.scope]
        self._add(
            slopes.table[(*sliced, slice(None))], np.moveaxis(adjoint, range(len(hidden)), order)
        )

    def _maximum(self, spec: Input, adjoint: Array) -> None:
        """The maximum of a leak, of links of observed parents and, if expanded, of hidden ones."""
        factor, slopes = self._noisy(spec.node), self._noisy_slopes(spec.node)
        hidden = (
            []
            if spec.form == "constant"
            else [k for k, p in enumerate(factor.parents) if p not in self.states]
        )
        axis_of = {k: axis for axis, k in enumerate(hidden)}
        members = [LEAK] + [
            k for k, p in enumerate(factor.parents) if p in self.states or k in axis_of
        ]
        parts = [
            self._aligned(spec.node, self._rows(factor, k), axis=axis_of.get(k), axes=len(hidden))
            for k in members
        ]
        aligned = self._levels_last(spec, adjoint, hidden=[factor.parents[k] for k in hidden])
        deputy = (len(hidden),)
        for k, others in zip(members, _all_but_each(self.ring, parts, axes=deputy), strict=True):
            slope = aligned if others is None else transpose(self.ring, aligned, others, deputy)
            summed = tuple(axis for axis in range(len(hidden)) if axis_of.get(k) != axis)
            slope = self.ring.total(slope, summed)
            self._add_levels(spec.node, self._rows(slopes, k), adjoint=slope)

    def _noisy(self, node: int) -> NoisyFactor:
        factor = self.batch.compiled.factors[node]
        assert isinstance(factor, NoisyFactor)
        return factor

    def _rows(self, factor: NoisyFactor, k: int) -> Array:
        """The leak, the row of an observed parent's link, or all rows of a hidden parent's link."""
        if k == LEAK:
            return factor.leak
        state = self.states.get(factor.parents[k])
        return factor.links[k] if state is None else factor.links[k][state]

    def _aligned(self, node: int, rows: Array, *, axis: int | None, axes: int) -> Array:
        """Levels with axes (hidden parents..., levels, columns), of length 1 for other parents."""
        levels = self.ring.encode(self.builder.levels(node, rows))
        if axis is None:
            return levels.reshape(*(1,) * axes, *levels.shape)
        return levels.reshape(
            *(1,) * axis, levels.shape[0], *(1,) * (axes - 1 - axis), *levels.shape[1:]
        )

    def _levels_last(self, spec: Input, adjoint: Array, *, hidden: list[int]) -> Array:
        """The adjoint with axes (hidden parents..., levels, columns)."""
        if spec.form != "expanded":
            return adjoint
        observed = spec.node in self.states
        axes = hidden if observed else [*hidden, spec.node]
        moved = np.moveaxis(adjoint, range(len(axes)), [axes.index(v) for v in spec.scope])
        if observed:  # only the observed level is part of the input
            moved = np.stack([self.ring.zeros(moved.shape), moved], axis=-2)
        return moved

    def _lowest(self, node: int, adjoint: Array) -> None:
        """Observed in the lowest state: the product of the lowest entries of leak and links."""
        factor, slopes = self._noisy(node), self._noisy_slopes(node)
        members = [LEAK, *(k for k, p in enumerate(factor.parents) if p in self.states)]
        self._product(
            [self._rows(slopes, k)[0] for k in members],
            [self.ring.encode(self._rows(factor, k)[0]) for k in members],
            adjoint=adjoint,
        )

    def _unary(self, node: int, adjoint: Array) -> None:
        """Likelihoods of a node, times the lowest entries of links to children in the lowest state.

        Likelihoods are no entries of the network, so nothing is added for them.
        """
        value = self.batch.observed.get(node)
        likelihoods = [
            given
            for given in (
                value if value is not None and is_soft(value) else None,
                self.batch.weights.get(node),
            )
            if given is not None
        ]
        into: list[Array | None] = [None] * len(likelihoods)
        parts = [self.ring.encode(given) for given in likelihoods]
        for child, state in self.states.items():
            factor = self.batch.compiled.factors[child]
            if state == 0 and isinstance(factor, NoisyFactor) and node in factor.parents:
                k = factor.parents.index(node)
                into.append(self._noisy_slopes(child).links[k][:, 0])
                parts.append(self.ring.encode(factor.links[k][:, 0]))
        self._product(into, parts, adjoint=adjoint)

    def _product(self, into: Sequence[Array | None], parts: list[Array], *, adjoint: Array) -> None:
        for slopes, others in zip(into, _all_but_each(self.ring, parts), strict=True):
            if slopes is not None:
                self._add(
                    slopes, adjoint if others is None else self.ring.multiply(adjoint, others)
                )


def _all_but_each(
    ring: Semiring, parts: list[Array], *, axes: tuple[int, ...] = ()
) -> list[Array | None]:
    """For each part the product of all others (along deputy axes: their maximum); None for none."""

    def both(a: Array | None, b: Array | None) -> Array | None:
        if a is None or b is None:
            return b if a is None else a
        return combine(ring, a, b, axes)

    before: list[Array | None] = [None]
    for part in parts[:-1]:
        before.append(both(before[-1], part))
    after: list[Array | None] = [None]
    for part in reversed(parts[1:]):
        after.append(both(after[-1], part))
    return [both(a, b) for a, b in zip(before, reversed(after), strict=True)]
