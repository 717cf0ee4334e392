"""One run in difference form: a noisy-MAX as a difference of products (Díez and Galán 2003).

That is much lighter where many large families share parents, but differences lose digits. Every
variable is summed out a second time on the way back. Where that does not give P(evidence) again, or
only from terms that are much larger, too much has cancelled, and the row is run in the plain form.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.cache import CacheKey
from spinelink.inference.findings import Observed, state_of
from spinelink.inference.interpreted.lanes import batch_length, findings_of, holding, lanes
from spinelink.inference.interpreted.run import forward, reverse
from spinelink.inference.interpreted.semiring import LINEAR
from spinelink.inference.limits import Limits
from spinelink.inference.plan.patterns import Pattern, pattern_key, pattern_of
from spinelink.inference.plan.plan import Plan
from spinelink.inference.plan.planned import plan_for

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DifferenceFormKey(CacheKey[bool]):
    """Whether the difference form is preferred."""

    pattern: Pattern
    hidden: frozenset[int]
    rows: int
    max_entries: float


def difference_form(
    compiled: CompiledNetwork, observed: Observed, nodes: list[int]
) -> tuple[Marginals, NDArray[np.intp]] | None:
    """Marginals from one run in difference form, and the rows in which too many digits cancelled.

    Where the plain form is a large run, a row may keep fewer digits (`limits.fewer_digits`). None
    where the plain form is cheap, the run is too large, or no row kept its digits.
    """
    hidden = frozenset(n for n in nodes if state_of(observed, n) is None)
    if not _prefers_difference_form(compiled, observed, nodes=nodes, hidden=hidden):
        return None
    plan = plan_for(
        compiled,
        pattern_of(observed),
        kept=compiled.ancestors([*observed, *nodes]),
        difference_form=True,
        exact=hidden,
    )
    rows = batch_length(compiled, observed)
    pieces = lanes(compiled, plan, rows)
    large = _plain_work(compiled, observed, nodes=nodes) > compiled.limits.plain_again
    limits = compiled.limits.with_fewer_digits if large else compiled.limits
    parts = []
    for piece in pieces:
        size = piece.stop - piece.start
        with holding(compiled, plan, size):
            part, agrees = _run(
                compiled if len(pieces) == 1 else compiled.of_draws(piece),
                plan,
                observed=observed if len(pieces) == 1 else findings_of(observed, piece),
                nodes=nodes,
                hidden=hidden,
                limits=limits,
            )
        if len(pieces) > 1:
            part, agrees = part.with_rows(size), np.broadcast_to(agrees, (size,))
        parts.append((part, agrees))
    agreeing = np.concatenate([agrees for _, agrees in parts])
    if not agreeing.any():
        return None
    answer = parts[0][0] if len(parts) == 1 else Marginals.concatenated([p for p, _ in parts])
    return answer, np.flatnonzero(~agreeing)


def _run(
    compiled: CompiledNetwork,
    plan: Plan,
    *,
    observed: Observed,
    nodes: list[int],
    hidden: frozenset[int],
    limits: Limits,
) -> tuple[Marginals, NDArray[np.bool_]]:
    """Marginals, and the rows whose digits hold; the rows fit into memory."""
    run = forward(compiled, plan, observed=observed, ring=LINEAR)
    terms: dict[int, Array] = {}
    with np.errstate(invalid="ignore"):
        log_total = LINEAR.decode_log(run.result)
        agrees = log_total >= limits.underflow
        by_vertex = reverse(run, LINEAR, terms=terms)
        for v, p in by_vertex.items():
            agrees = agrees & (np.abs(p.sum(axis=0) - 1.0) <= limits.agreement)
            agrees = agrees & (terms[v] <= limits.cancellation)
        for n in hidden:
            agrees = agrees & (by_vertex[n] >= -limits.agreement).all(axis=0)
    posterior = {
        n: np.clip(by_vertex[n], 0.0, 1.0)
        if (state := state_of(observed, n)) is None
        else np.eye(compiled.cards[n])[:, np.atleast_1d(state)]
        for n in nodes
    }
    return Marginals(np.broadcast_to(log_total, agrees.shape), posterior), agrees


def _prefers_difference_form(
    compiled: CompiledNetwork, observed: Observed, *, nodes: list[int], hidden: frozenset[int]
) -> bool:
    """True if the plain form is heavy, all rows together, and the difference form much lighter."""
    rows = max((v.shape[-1] for v in observed.values() if not isinstance(v, int)), default=1)
    pattern = pattern_of(observed)
    key = DifferenceFormKey(pattern_key(pattern), hidden, rows, compiled.max_entries)
    known = compiled.plans.get(key)
    if known is not None:
        return known
    kept, limits = frozenset(compiled.ancestors([*observed, *nodes])), compiled.limits
    plain, differences = _plain_work(compiled, observed, nodes=nodes), float("inf")
    if plain * rows > limits.difference_form_products:
        with suppress(TooLargeError):
            differences = plan_for(
                compiled, pattern, kept=kept, difference_form=True, exact=hidden
            ).work
    return compiled.plans.put(
        key, differences < float("inf") and differences * limits.difference_form_gain < plain
    )


def _plain_work(compiled: CompiledNetwork, observed: Observed, *, nodes: list[int]) -> float:
    """Products of one row in the plain form; infinity where that does not fit into memory."""
    kept = frozenset(compiled.ancestors([*observed, *nodes]))
    with suppress(TooLargeError):
        return plan_for(compiled, pattern_of(observed), kept=kept, thorough=False).work
    return float("inf")
