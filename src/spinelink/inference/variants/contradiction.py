"""Which findings contradict each other: a smallest set with P = 0."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed
from spinelink.inference.interpreted.marginals import log_evidence

TRIALS = 2_000


def smallest_contradiction(
    compiled: CompiledNetwork, observed: Observed, *, budget: float | None = None
) -> tuple[int, ...]:
    """Nodes of a smallest impossible subset of the evidence.

    Findings are dropped one by one while the rest stays impossible (what is left is minimal: every proper subset is possible); then
    smaller sets are searched by size, up to 2,000 of them, so that the answer is smallest and not only minimal.
    """
    budget = compiled.memory_limit if budget is None else budget

    def impossible(nodes: tuple[int, ...]) -> bool:
        return bool(
            np.isneginf(
                log_evidence(compiled, {n: observed[n] for n in nodes}, budget=budget)
            ).any()
        )

    minimal = tuple(observed)
    for node in tuple(observed):
        fewer = tuple(n for n in minimal if n != node)
        if impossible(fewer):
            minimal = fewer
    trials = 0
    for size in range(1, len(minimal)):
        for candidate in combinations(observed, size):
            trials += 1
            if trials > TRIALS:
                return minimal
            if impossible(candidate):
                return candidate
    return minimal
