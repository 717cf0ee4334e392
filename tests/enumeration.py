"""The oracle: the whole joint, one configuration at a time. For tests and for very small networks."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork, TableFactor
from spinelink.inference.findings import Observed

Array = NDArray[np.float64]


def family_table(compiled: CompiledNetwork, node: int) -> Array:
    """P(node | parents) written out, (parents..., node, batch), a noisy-MAX by its definition: product of cumulative links."""
    factor = compiled.factors[node]
    if isinstance(factor, TableFactor):
        return factor.table
    shape = tuple(compiled.cards[p] for p in factor.parents)
    columns = []
    for combination in product(*(range(c) for c in shape)):
        cumulative = factor.leak.cumsum(axis=0)
        for state, link in zip(combination, factor.links, strict=True):
            cumulative = cumulative * link[state].cumsum(axis=0)
        columns.append(np.diff(cumulative, axis=0, prepend=0.0))
    return np.stack(np.broadcast_arrays(*columns)).reshape(*shape, compiled.cards[node], -1)


def joint_table(compiled: CompiledNetwork, *, limit: float = 2.0**22) -> Array:
    """P(all nodes), one axis a node in file order, then the batch."""
    size = float(np.prod([float(c) for c in compiled.cards]))
    if size > limit:
        raise TooLargeError(
            f"the joint has {size:.3g} configurations; enumeration is for small networks (limit {limit:.3g})"
        )
    whole: Array = np.ones((*(1,) * len(compiled.names), 1))
    for node in compiled.order:
        family = (*compiled.parents[node], node)
        table = family_table(compiled, node)
        ranked = sorted(range(len(family)), key=lambda k: family[k])
        moved = np.moveaxis(table, ranked, range(len(family)))
        shape = tuple(compiled.cards[i] if i in family else 1 for i in range(len(compiled.names)))
        whole = whole * moved.reshape(*shape, -1)
    return whole


def enumerate_marginals(compiled: CompiledNetwork, observed: Observed) -> tuple[Array, list[Array]]:
    """P(evidence), (batch,), and every node's posterior, (states, batch)."""
    whole = joint_table(compiled)
    for node, value in observed.items():
        weight = (
            np.eye(compiled.cards[node])[value][:, np.newaxis] if isinstance(value, int) else value
        )
        shape = tuple(compiled.cards[node] if i == node else 1 for i in range(len(compiled.names)))
        whole = whole * weight.reshape(*shape, -1)
    axes = tuple(range(len(compiled.names)))
    total = whole.sum(axis=axes)
    with np.errstate(invalid="ignore", divide="ignore"):
        return total, [whole.sum(axis=tuple(a for a in axes if a != node)) / total for node in axes]
