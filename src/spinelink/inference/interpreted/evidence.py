"""P(evidence) by one run of a plan; on logarithms where plain numbers would underflow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed
from spinelink.inference.interpreted.conditioning import conditioned
from spinelink.inference.interpreted.lanes import (
    batch_length,
    findings_of,
    holding,
    lanes,
    weights_of,
)
from spinelink.inference.interpreted.run import forward, reverse
from spinelink.inference.interpreted.semiring import LINEAR, LOGARITHMIC
from spinelink.inference.plan.patterns import pattern_of
from spinelink.inference.plan.plan import Plan
from spinelink.inference.plan.planned import plan_for

Array = NDArray[np.float64]


def log_evidence(compiled: CompiledNetwork, observed: Observed) -> Array:
    """Log P(evidence), (batch,); minus infinity where the findings cannot occur together.

    Raises TooLargeError where the memory limit does not do, not even by conditioning.
    """
    above = compiled.ancestors(observed)
    try:
        plan = plan_for(compiled, pattern_of(observed), kept=above)
    except TooLargeError as too_large:
        cases = conditioned(compiled, observed, kept=above, too_large=too_large)
        total: Array = np.logaddexp.reduce([log_evidence(compiled, case) for case in cases])
        return total
    return run_plan(compiled, plan, observed=observed, want_marginals=False)[0]


def run_plan(
    compiled: CompiledNetwork,
    plan: Plan,
    *,
    observed: Observed,
    weights: Mapping[int, Array] | None = None,
    want_marginals: bool,
) -> tuple[Array, dict[int, Array]]:
    """Log P(evidence), (batch,), and where asked the posteriors of the plan's nodes.

    weights: extra factors on single nodes, (states, batch). What does not fit into the memory limit
    is run row by row.
    """
    rows = batch_length(compiled, observed, weights=weights)
    pieces = lanes(compiled, plan, rows)
    if len(pieces) == 1:
        with holding(compiled, plan, rows):
            return _run(compiled, plan, observed=observed, weights=weights, back=want_marginals)
    parts = []
    for piece in pieces:
        size = piece.stop - piece.start
        with holding(compiled, plan, size):
            logs, posterior = _run(
                compiled.of_draws(piece),
                plan,
                observed=findings_of(observed, piece),
                weights=weights_of(weights, piece),
                back=want_marginals,
            )
        parts.append(Marginals(logs, posterior).with_rows(size))
    whole = Marginals.concatenated(parts)
    return whole.log_evidence, whole.posterior


def _run(
    compiled: CompiledNetwork,
    plan: Plan,
    *,
    observed: Observed,
    weights: Mapping[int, Array] | None,
    back: bool,
) -> tuple[Array, dict[int, Array]]:
    """See `run_plan`; the rows fit into memory."""
    run = forward(compiled, plan, observed=observed, ring=LINEAR, weights=weights, keep=back)
    log_total = LINEAR.decode_log(run.result)
    if (log_total >= compiled.limits.underflow).all():
        if not back:
            return log_total, {}
        return log_total, {n: np.minimum(v, 1.0) for n, v in reverse(run, LINEAR).items()}
    del run  # the two runs are not held at once
    run = forward(compiled, plan, observed=observed, ring=LOGARITHMIC, weights=weights, keep=back)
    log_total = run.result
    if not back:
        return log_total, {}
    with np.errstate(invalid="ignore"):
        return log_total, {
            n: np.where(np.isfinite(log_total), np.minimum(np.exp(v), 1.0), np.nan)
            for n, v in reverse(run, LOGARITHMIC).items()
        }
