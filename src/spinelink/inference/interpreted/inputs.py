"""The inputs of a plan: the compiled factors, sliced at the evidence and shaped as the plan asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor, TableFactor
from spinelink.inference.findings import Array, Observed, States, is_soft, pick, state_of
from spinelink.inference.interpreted.semiring import Semiring, combine
from spinelink.inference.plan.plan import Input


def level_axis(spec: Input) -> int:
    """The axis of a constant's or contribution's levels."""
    return next(k for k, v in enumerate(spec.scope) if v != spec.parent)


class InputBuilder:
    """Slices and shapes the compiled factors as a plan's inputs ask.

    weights: extra factors on single nodes, (states, batch), which are multiplied in.
    """

    def __init__(
        self,
        compiled: CompiledNetwork,
        observed: Observed,
        *,
        weights: Mapping[int, Array],
        ring: Semiring,
    ) -> None:
        self.compiled, self.ring = compiled, ring
        self.states: dict[int, int | States] = {}
        self.unary: dict[int, list[Array]] = {}
        for i, value in observed.items():
            if is_soft(value):
                self.unary.setdefault(i, []).append(value)
            elif (known := state_of(observed, i)) is not None:
                self.states[i] = known
        for i, value in weights.items():
            self.unary.setdefault(i, []).append(value)
        for i, state in self.states.items():
            factor = compiled.factors[i]
            if isinstance(state, int) and state == 0 and isinstance(factor, NoisyFactor):
                for p, link in zip(factor.parents, factor.links, strict=True):
                    if p not in self.states:
                        self.unary.setdefault(p, []).append(link[:, 0])

    def build(self, spec: Input) -> Array:
        """The array of an input, axes (scope..., batch), in the ring's representation.

        The difference form needs plain numbers, which may be negative.
        """
        if spec.difference_form:
            return self._difference_form(spec)
        if spec.form == "step":
            steps = np.eye(self.compiled.cards[spec.node]) - np.eye(
                self.compiled.cards[spec.node], k=-1
            )  # (node, level)
            return (steps if spec.scope[0] == spec.node else steps.T)[..., np.newaxis]
        if spec.form == "unary":
            product = self.ring.encode(np.ones((self.compiled.cards[spec.node], 1)))
            for part in self.unary.get(spec.node, []):
                product = self.ring.multiply(product, self.ring.encode(part))
            return product
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

    def _difference_form(self, spec: Input) -> Array:
        """Cumulative form P(at most level).

        If the node is observed, encode P(= s) = P(<= s) - P(<= s - 1); the minus sign is carried by
        the constant factor.
        """
        exactly = self.build(replace(spec, difference_form=False))
        at_most = np.cumsum(exactly, axis=level_axis(spec))
        if spec.form == "constant" and spec.node in self.states:
            at_most[0] *= -1.0
        return at_most

    def _table(self, spec: Input, factor: TableFactor) -> Array:
        """A table at the observed states, its axes in the plan's order."""
        family = (*factor.parents, spec.node)
        sliced = factor.table
        for axis in reversed([k for k, v in enumerate(family) if v in self.states]):
            sliced = pick(sliced, axis, self.states[family[axis]])
        left = [v for v in family if v not in self.states]
        return np.moveaxis(sliced, [left.index(v) for v in spec.scope], range(len(spec.scope)))

    def levels(self, node: int, rows: Array) -> Array:
        """(..., states, batch) -> (..., levels, batch).

        The levels are "below the observed state" and "exactly it", or all states of a hidden node.
        """
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
        """What the leak and the observed parents contribute, (levels, batch).

        Where the node is observed in its lowest state: one number, (batch,).
        """
        parts = [factor.leak] + [
            pick(link, 0, self.states[p])
            for p, link in zip(factor.parents, factor.links, strict=True)
            if p in self.states
        ]
        if not spec.scope:  # observed in the lowest state
            lowest = self.ring.encode(parts[0][0])
            for part in parts[1:]:
                lowest = self.ring.multiply(lowest, self.ring.encode(part[0]))
            return lowest
        maximum = self.ring.encode(self.levels(spec.node, parts[0]))
        for part in parts[1:]:
            levels = self.ring.encode(self.levels(spec.node, part))
            maximum = combine(self.ring, maximum, levels, (0,))
        return maximum

    def _expanded(self, spec: Input, factor: NoisyFactor) -> Array:
        """A noisy-MAX as an ordinary table."""
        hidden = [
            (p, link)
            for p, link in zip(factor.parents, factor.links, strict=True)
            if p not in self.states
        ]
        table = self._constant(
            Input("constant", spec.node, (spec.node,)), factor
        )  # (levels, batch)
        for _, link in hidden:
            levels = self.ring.encode(self.levels(spec.node, link))  # (parent, levels, batch)
            aligned = levels.reshape(*(1,) * (table.ndim - 2), *levels.shape)
            table = combine(self.ring, table[..., np.newaxis, :, :], aligned, (table.ndim - 1,))
        left = [p for p, _ in hidden]
        if spec.node in self.states:
            table = table[..., -1, :]
        else:
            left.append(spec.node)
        return np.moveaxis(table, [left.index(v) for v in spec.scope], range(len(spec.scope)))
