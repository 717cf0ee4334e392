"""The joint posterior of a few nodes: they stay as axes of the run's result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.answers import Joint
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed
from spinelink.inference.interpreted.conditioning import conditioned, weighed_joint
from spinelink.inference.interpreted.lanes import batch_length, findings_of, holding, lanes
from spinelink.inference.interpreted.run import forward
from spinelink.inference.interpreted.semiring import LINEAR, LOGARITHMIC
from spinelink.inference.memory import BYTES, check_answer_fits
from spinelink.inference.plan.patterns import pattern_of
from spinelink.inference.plan.plan import Plan
from spinelink.inference.plan.planned import plan_for

Array = NDArray[np.float64]


def joint(compiled: CompiledNetwork, observed: Observed, nodes: Sequence[int]) -> Joint:
    """Joint posterior of a few different nodes. Where the evidence is impossible the table is NaN.

    Raises TooLargeError where the memory limit does not do, not even by conditioning.
    """
    assert len(set(nodes)) == len(nodes), "a node is asked for twice"
    hidden = tuple(n for n in nodes if not isinstance(observed.get(n), int))
    kept = frozenset(compiled.ancestors([*observed, *nodes]))
    try:
        plan = plan_for(compiled, pattern_of(observed), kept=kept, free=hidden)
    except TooLargeError as too_large:
        cases = conditioned(
            compiled, observed, kept=kept, too_large=too_large, hold=frozenset(hidden)
        )
        return weighed_joint([joint(compiled, case, nodes) for case in cases])
    rows = batch_length(compiled, observed)
    what = f"the joint posterior of {len(nodes)} nodes"
    size = BYTES * rows * float(np.prod([float(compiled.cards[n]) for n in nodes]))
    check_answer_fits(2.0 * size, compiled.memory_limit, what=what)
    pieces = lanes(compiled, plan, rows)
    if len(pieces) == 1:
        with holding(compiled, plan, rows):
            log_total, table = _run(compiled, plan, observed=observed)
    else:
        parts = [_piece(compiled, plan, observed=observed, piece=piece) for piece in pieces]
        log_total, table = (np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True))
    cards = [compiled.cards[n] for n in hidden]
    table = np.broadcast_to(table, (*cards, table.shape[-1]))
    return Joint(log_total, _with_observed(compiled, observed, nodes=nodes, table=table))


def _piece(
    compiled: CompiledNetwork, plan: Plan, *, observed: Observed, piece: slice
) -> tuple[Array, Array]:
    """The same for some of the rows."""
    size = piece.stop - piece.start
    with holding(compiled, plan, size):
        log_total, table = _run(
            compiled.of_draws(piece), plan, observed=findings_of(observed, piece)
        )
    return np.broadcast_to(log_total, (size,)), np.broadcast_to(table, (*table.shape[:-1], size))


def _run(compiled: CompiledNetwork, plan: Plan, *, observed: Observed) -> tuple[Array, Array]:
    """Log P(evidence), and the posterior of the free nodes; the rows fit into memory."""
    table = forward(compiled, plan, observed=observed, ring=LINEAR, keep=False).result
    axes = tuple(range(table.ndim - 1))
    with np.errstate(divide="ignore"):
        log_total = np.log(table.sum(axis=axes))
    if (log_total >= compiled.limits.underflow).all():
        return log_total, table / table.sum(axis=axes)
    logs = forward(compiled, plan, observed=observed, ring=LOGARITHMIC, keep=False).result
    log_total = LOGARITHMIC.total(logs, axes)
    with np.errstate(invalid="ignore"):
        return log_total, np.exp(logs - log_total)


def _with_observed(
    compiled: CompiledNetwork, observed: Observed, *, nodes: Sequence[int], table: Array
) -> Array:
    """Puts observed nodes back, as axes in which only one state has probability."""
    for position, node in enumerate(nodes):
        state = observed.get(node)
        if isinstance(state, int):
            shape = (*table.shape[:position], compiled.cards[node], *table.shape[position:])
            spread = np.zeros(shape)
            np.moveaxis(spread, position, 0)[state] = table
            table = spread
    return table
