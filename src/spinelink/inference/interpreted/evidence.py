"""P(evidence) by one run of a plan; on logarithms where plain numbers would underflow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed
from spinelink.inference.interpreted.conditioning import conditioned
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

    weights: extra factors on single nodes, (states, batch).
    """
    run = forward(compiled, plan, observed=observed, ring=LINEAR, weights=weights)
    log_total = LINEAR.decode_log(run.result)
    if (log_total >= compiled.limits.underflow).all():
        if not want_marginals:
            return log_total, {}
        return log_total, {n: np.minimum(v, 1.0) for n, v in reverse(run, LINEAR).items()}
    run = forward(compiled, plan, observed=observed, ring=LOGARITHMIC, weights=weights)
    log_total = run.result
    if not want_marginals:
        return log_total, {}
    with np.errstate(invalid="ignore"):
        return log_total, {
            n: np.where(np.isfinite(log_total), np.minimum(np.exp(v), 1.0), np.nan)
            for n, v in reverse(run, LOGARITHMIC).items()
        }
