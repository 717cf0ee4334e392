"""The most probable explanation of anybody, or of selected people with the reason for which they came."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed
from spinelink.inference.interpreted.evidence import log_evidence
from spinelink.inference.interpreted.most_probable import (
    Explanation,
    log_posterior,
    most_probable_explanations,
)
from spinelink.inference.reasons import WeightedCase, by_reason


def explanations(
    compiled: CompiledNetwork, observed: Observed, *, best: int, ignore: Iterable[int]
) -> list[tuple[dict[int, int], float]]:
    """The most probable joint states with log P(states | findings), the best first.

    Of selected people the states are those of an explanation together with the reason for which
    they came, and so is the probability.

    Args:
        compiled: The network, with one value for each parameter.
        observed: The findings of one case.
        best: How many; fewer where so many are not possible.
        ignore: Nodes that are summed out where no other node depends on them.

    Raises:
        TooLargeError: The search is not over after its limit of partial assignments.
    """
    cases = by_reason(compiled, observed)
    ignored = list(ignore)
    if cases is None:
        found = most_probable_explanations(compiled, observed, best=best, ignore=ignored)
        return [(e.states, log_posterior(compiled, observed, explanation=e)) for e in found]
    logs = [float((c.log_weight + log_evidence(compiled, c.observed))[0]) for c in cases]
    whole = float(np.logaddexp.reduce(logs))
    together = [
        _with_reason(case, e, observed)
        for case, log in zip(cases, logs, strict=True)
        if np.isfinite(log)
        for e in most_probable_explanations(compiled, case.observed, best=best, ignore=ignored)
    ]
    together.sort(key=lambda found: -found[1])
    distinct: dict[tuple[tuple[int, int], ...], tuple[dict[int, int], float]] = {}
    for states, log in together:
        distinct.setdefault(tuple(sorted(states.items())), (states, log - whole))
    return list(distinct.values())[:best]


def _with_reason(
    case: WeightedCase, explanation: Explanation, observed: Observed
) -> tuple[dict[int, int], float]:
    """An explanation with the finding that the reason adds, and log P of both."""
    added = {i: v for i, v in case.observed.items() if i not in observed and isinstance(v, int)}
    log = float(case.log_weight[0]) + explanation.log_joint
    return {**added, **explanation.states}, log
