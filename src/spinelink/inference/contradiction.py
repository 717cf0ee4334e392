"""Which findings contradict each other: a smallest set with P = 0."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from spinelink.inference.answer import log_evidence
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed


def smallest_contradiction(compiled: CompiledNetwork, observed: Observed) -> tuple[int, ...]:
    """Nodes of a smallest impossible subset of the evidence.

    Findings are dropped one by one while the rest stays impossible. What is left is minimal: every
    proper subset is possible. Then smaller sets are searched by size, up to a number of trials, so
    that the answer is smallest and not only minimal. How everybody was selected always holds, and
    is no part of the answer. Raises TooLargeError.
    """

    def impossible(nodes: tuple[int, ...]) -> bool:
        return bool(
            np.isneginf(
                log_evidence(compiled, compiled.within({n: observed[n] for n in nodes}))
            ).any()
        )

    findings = tuple(n for n in observed if n not in compiled.selected)
    minimal = findings
    for node in findings:
        fewer = tuple(n for n in minimal if n != node)
        if impossible(fewer):
            minimal = fewer
    trials = 0
    for size in range(1, len(minimal)):
        for candidate in combinations(findings, size):
            trials += 1
            if trials > compiled.limits.contradiction_trials:
                return minimal
            if impossible(candidate):
                return candidate
    return minimal
