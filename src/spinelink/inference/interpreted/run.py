"""Runs a plan: forward to P(evidence), and in reverse to every marginal at once.

The reverse pass is the derivative of P(evidence) with respect to every intermediate table (Darwiche
2003). The marginal of a node falls out where the node is summed out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Array, Observed
from spinelink.inference.interpreted.inputs import InputBuilder
from spinelink.inference.interpreted.semiring import Semiring, combine, transpose
from spinelink.inference.limits import Limits
from spinelink.inference.plan.plan import Plan
from spinelink.inference.plan.steps import Close, Combine, SumOut, TakeTop


@dataclass(frozen=True, eq=False)
class Forward:
    """Every intermediate factor of a run, by number, each (scope..., batch).

    The way back uses them up, but for the inputs and the result.
    """

    plan: Plan
    values: dict[int, Array]
    limits: Limits

    @property
    def result(self) -> Array:
        """P(evidence), (batch,), or the factor over the free nodes, in the ring's representation."""
        return self.values[self.plan.result]


def forward(
    compiled: CompiledNetwork,
    plan: Plan,
    *,
    observed: Observed,
    ring: Semiring,
    weights: Mapping[int, Array] | None = None,
    keep: bool = True,
) -> Forward:
    """Runs the steps of a plan in a ring.

    weights: extra factors on single nodes, (states, batch), which are multiplied in; such a node has
    a unary input. keep: whether the way back follows; else each factor goes once it is used.
    """
    limits = compiled.limits
    builder = InputBuilder(compiled, observed, weights=weights or {}, ring=ring)
    values: dict[int, Array] = {k: builder.build(spec) for k, spec in enumerate(plan.inputs)}
    values.setdefault(plan.result, ring.encode(np.ones(1)))
    for step in plan.steps:
        match step:
            case Combine():
                a = values[step.a].reshape(*step.shape_a, -1)
                b = values[step.b].reshape(*step.shape_b, -1)
                values[step.out] = combine(ring, a, b, step.deputy_axes, limits=limits)
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
        if not keep:
            for used in (step.a, step.b) if isinstance(step, Combine) else (step.source,):
                del values[used]
    return Forward(plan, values, limits)


def reverse(
    run: Forward, ring: Semiring, *, terms: dict[int, Array] | None = None
) -> dict[int, Array]:
    """Posterior of every summed-out node: vertex -> (states, batch), in the ring's representation.

    A column is NaN where P(evidence) is 0. terms: takes the sum of each node's absolute terms,
    (batch,), which is 1 where nothing cancels; for plain numbers only.
    """
    seed, inputs = ring.invert(run.result), len(run.plan.inputs)
    return _backwards(run, ring, seed=seed, first=inputs, terms=terms)[0]


def input_adjoints(run: Forward, ring: Semiring, *, seed: Array) -> list[Array | None]:
    """Derivative of seed * result with respect to each input of the plan, (scope..., batch).

    None for an input that the result does not depend on.
    """
    adjoint = _backwards(run, ring, seed=seed, first=0, terms=None)[1]
    return [adjoint.get(k) for k in range(len(run.plan.inputs))]


def _backwards(
    run: Forward, ring: Semiring, *, seed: Array, first: int, terms: dict[int, Array] | None
) -> tuple[dict[int, Array], dict[int, Array]]:
    """Marginals of the vertices, and adjoints of the inputs numbered `first` and later."""
    plan, values = run.plan, run.values
    adjoint: dict[int, Array] = {plan.result: seed}
    marginals: dict[int, Array] = {}
    for step in reversed(plan.steps):
        above = adjoint.pop(step.out)
        if step.out != plan.result:
            del values[step.out]
        match step:
            case Combine():
                adjoint |= _undo_combine(run, ring, step=step, above=above, first=first)
            case SumOut():
                source = values[step.source]
                marginals[step.vertex] = _marginal(
                    ring, source, above=above, step=step, terms=terms
                )
                adjoint[step.source] = np.broadcast_to(
                    above[np.newaxis], np.broadcast_shapes(source.shape, (1, *above.shape))
                )
            case TakeTop():
                adjoint[step.source] = np.stack([ring.zeros(above.shape), above])
            case Close():
                adjoint[step.source] = _reopen(
                    ring, above, step=step, levels=len(values[step.source])
                )
    return marginals, adjoint


def _undo_combine(
    run: Forward, ring: Semiring, *, step: Combine, above: Array, first: int
) -> dict[int, Array]:
    """The adjoints of the two factors of a product, but for inputs numbered below `first`."""
    a = run.values[step.a].reshape(*step.shape_a, -1)
    b = run.values[step.b].reshape(*step.shape_b, -1)
    return {
        factor: ring.total(
            transpose(ring, above, other, step.deputy_axes, limits=run.limits), absent
        )
        for factor, other, absent in ((step.a, b, step.absent_a), (step.b, a, step.absent_b))
        if factor >= first
    }


def _marginal(
    ring: Semiring, source: Array, *, above: Array, step: SumOut, terms: dict[int, Array] | None
) -> Array:
    """The marginal of a vertex that was summed out, (states, batch)."""
    weighted = ring.multiply(source, above[np.newaxis])
    marginal = ring.total(weighted, tuple(range(1, source.ndim - 1)))
    if terms is not None:
        # Not in place: where no axis is summed, `marginal` is `weighted` itself.
        terms[step.vertex] = np.abs(weighted).sum(axis=tuple(range(source.ndim - 1)))
    return marginal


def _reopen(ring: Semiring, above: Array, *, step: Close, levels: int) -> Array:
    """The adjoint of a complete maximum from that of the node that it became."""
    if not step.diagonal:
        return np.moveaxis(above, step.position, 0)
    moved = np.moveaxis(above, step.position, 0)  # (node, rest..., batch)
    spread = ring.zeros((levels, *moved.shape))
    index = np.arange(levels)
    spread[index, index] = moved
    return np.moveaxis(spread, 1, step.position + 1)
