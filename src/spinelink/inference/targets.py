"""The targets of one case in as many runs of the kernel as they need.

Posteriors of what is above the findings fall out of one run. Other nodes make it larger. Where it is
too large with them, they are asked for in parts, from the top of the network down, so that parts
share what is above them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.cache import CacheKey
from spinelink.inference.engine import KERNEL
from spinelink.inference.findings import EvidenceBatch, Observed
from spinelink.inference.interpreted.marginals import marginals
from spinelink.inference.plan.patterns import Pattern, pattern_key, pattern_of

Array = NDArray[np.float64]
Groups = tuple[tuple[int, ...], ...] | Literal["leaves apart"]


@dataclass(frozen=True)
class TargetsKey(CacheKey[Groups]):
    """Groups of targets, each of which fits into one run of the kernel."""

    pattern: Pattern
    nodes: tuple[int, ...]
    max_entries: int


class _Runs:
    """Runs of the kernel for one case: what it answered, and what it leaves."""

    def __init__(self, compiled: CompiledNetwork, observed: Observed) -> None:
        self.compiled, self.batch = compiled, EvidenceBatch.of(compiled, [observed])
        self.groups: list[tuple[int, ...]] = []
        self.left: list[int] = []
        self.posterior: dict[int, Array] = {}
        self.log_evidence: Array | None = None

    def fits(self, group: Sequence[int], max_entries: int) -> bool:
        """Answers a group of targets; False where it is too large.

        True too where the kernel leaves it for another reason, as smaller groups would not help.
        """
        answer = KERNEL.solve(self.compiled, self.batch, group, max_entries=max_entries)
        if answer.answered[0]:
            self.groups.append(tuple(group))
            self.posterior.update(answer.marginals.posterior)
            if self.log_evidence is None:
                self.log_evidence = answer.marginals.log_evidence
        elif answer.outgrown[0]:
            return False
        else:
            self.left.extend(group)
        return True


def kernel_marginals(
    compiled: CompiledNetwork,
    observed: Observed,
    *,
    nodes: Sequence[int],
    leaves: Sequence[int],
    max_entries: int,
) -> Marginals | None:
    """Posteriors of the nodes by the kernel; None where the leaves are better answered apart.

    leaves: those of the nodes that nothing depends on. max_entries: workspace of the largest run.
    """
    limits = compiled.limits
    key = TargetsKey(pattern_key(pattern_of(observed)), tuple(nodes), max_entries)
    known = compiled.plans.get(key)
    if known == "leaves apart":
        return None
    runs = _Runs(compiled, observed)
    if isinstance(known, tuple):
        waiting: list[list[int]] = [list(group) for group in known]
        limit = max_entries
    else:
        waiting, limit = _first_runs(runs, observed, nodes=nodes, max_entries=max_entries)
    splits = 0
    while waiting:
        group = waiting.pop()
        if not group or runs.fits(group, limit):
            continue
        splits += 1
        if splits > limits.group_splits and len(leaves) > limits.leaves_in_run:
            compiled.plans.put(key, "leaves apart")
            return None
        if len(group) > 1:
            waiting += [group[len(group) // 2 :], group[: len(group) // 2]]
        elif limit == max_entries or not runs.fits(group, max_entries):
            runs.left += group
    if runs.left or runs.log_evidence is None:
        rest = marginals(compiled, observed, runs.left)
        runs.posterior |= rest.posterior
        if runs.log_evidence is None:
            runs.log_evidence = rest.log_evidence
    elif known is None:
        compiled.plans.put(key, tuple(runs.groups))
    return Marginals(runs.log_evidence, {n: runs.posterior[n] for n in nodes})


def _first_runs(
    runs: _Runs, observed: Observed, *, nodes: Sequence[int], max_entries: int
) -> tuple[list[list[int]], int]:
    """All targets in one run, or else what is above the findings; the groups that are left.

    Also returns the workspace that a group may take.
    """
    compiled, limits = runs.compiled, runs.compiled.limits
    above = compiled.ancestors(observed)
    rank = {n: k for k, n in enumerate(compiled.order)}
    targets = list(dict.fromkeys(nodes))
    inside = [n for n in targets if n in above]
    outside = sorted((n for n in targets if n not in above), key=rank.__getitem__)
    limit = (
        min(limits.kernel_group, max_entries)
        if len(outside) > limits.leaves_in_run
        else max_entries
    )
    if runs.fits([*inside, *outside], limit):
        return [], limit
    if not inside or runs.fits(inside, limit):
        return [outside], limit
    # The findings alone take more: no part is small.
    if runs.fits(inside, max_entries):
        return [outside], max_entries
    runs.left += [*inside, *outside]
    return [], max_entries
