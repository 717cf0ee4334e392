"""Conditioning: what is too large for one run is answered by cases (Pearl 1986, Artif Intell 29:241).

One more node is set to each of its states, and the answers are weighed by the probability of each
case. Cases that are still too large are split again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.answers import Joint, Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.cache import CacheKey
from spinelink.inference.findings import Observed
from spinelink.inference.interpreted.lanes import batch_length
from spinelink.inference.memory import BYTES
from spinelink.inference.plan.patterns import Pattern, canonical, pattern_key, pattern_of
from spinelink.inference.plan.plan import Kind, Plan, make_plan

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cases:
    """How a run that is too large is split.

    nodes: set one after the other; none where no split helps. work: table entries over all cases,
    for one row, about; a step counts as `limits.entries_per_step` at least.
    """

    nodes: tuple[int, ...]
    work: float


@dataclass(frozen=True)
class CasesKey(CacheKey[Cases]):
    """The cases of a run."""

    pattern: Pattern
    kept: frozenset[int]
    hold: frozenset[int]
    max_entries: float


def conditioned(
    compiled: CompiledNetwork,
    observed: Observed,
    *,
    kept: Iterable[int],
    too_large: TooLargeError,
    hold: frozenset[int] = frozenset(),
) -> list[Observed]:
    """The evidence split into cases by the states of one more node.

    The node is the one that makes the plans of all cases smallest. kept: the nodes of the run. hold:
    nodes that are not to be split. Raises the error given where no node helps. Where all cases and
    rows together are more than `limits.conditioning_entries`, the error says so, before any runs.
    """
    cases = cases_of(compiled, observed, kept=frozenset(kept), hold=hold)
    if not cases.nodes:
        raise too_large
    check_work(compiled, cases.work * batch_length(compiled, observed), too_large=too_large)
    chosen = cases.nodes[0]
    return [{**observed, chosen: state} for state in range(compiled.cards[chosen])]


def check_work(compiled: CompiledNetwork, work: float, *, too_large: TooLargeError) -> None:
    """Refuses what would take too long by cases. Raises TooLargeError."""
    limit = compiled.limits.conditioning_entries
    if work > limit:
        raise TooLargeError(
            f"{too_large}; case by case it takes about {work:.2g} table entries, and the limit "
            f"is {limit:.2g} (`conditioning_entries`)"
        ) from too_large


def cases_of(
    compiled: CompiledNetwork,
    observed: Observed,
    *,
    kept: frozenset[int],
    hold: frozenset[int] = frozenset(),
) -> Cases:
    """The nodes that are set until a run of each case fits, and the work of all cases; cached.

    Nothing is run. The search ends where the work is out of reach.
    """
    pattern = canonical(compiled, pattern_of(observed))
    key = CasesKey(pattern_key(pattern), kept, hold, compiled.max_entries)
    known = compiled.plans.get(key)
    if known is not None:
        return known
    return compiled.plans.put(key, _cases(compiled, pattern, kept=sorted(kept), hold=hold))


def _cases(
    compiled: CompiledNetwork, pattern: Mapping[int, Kind], *, kept: list[int], hold: frozenset[int]
) -> Cases:
    """See `cases_of`."""
    nodes: list[int] = []
    count, allowed, each = 1.0, compiled.max_entries, compiled.limits.entries_per_step
    plan = make_plan(compiled, pattern, kept=kept, thorough=False)
    while True:
        split = _best_split(compiled, pattern, kept=kept, hold=hold, before=plan.entries)
        if split is None:
            return Cases((), float("inf"))
        gain = split[1].entries / plan.entries
        node, plan = split
        nodes.append(node)
        count *= compiled.cards[node]
        pattern = {**pattern, node: "hard"}
        if plan.entries <= allowed:
            if BYTES * plan.held <= compiled.memory_limit:
                return Cases(tuple(nodes), count * (plan.entries + each * len(plan.steps)))
            continue
        # As many more nodes as are needed if each helps as much as this one.
        more = np.log(allowed / plan.entries) / np.log(gain)
        work = np.log(count * (allowed + each * len(plan.steps))) + more * np.log(
            compiled.cards[node]
        )
        if work > np.log(compiled.limits.conditioning_entries):
            return Cases(tuple(nodes), float(np.exp(min(work, 700.0))))


def _best_split(
    compiled: CompiledNetwork,
    pattern: Mapping[int, Kind],
    *,
    kept: list[int],
    hold: frozenset[int],
    before: float,
) -> tuple[int, Plan] | None:
    """The node that makes the plans of all its cases smallest, and the plan of one; None where none helps.

    before: entries of the plan without it.
    """
    children = [0] * len(compiled.names)
    for i in kept:
        for p in compiled.parents[i]:
            children[p] += 1
    hidden = [i for i in kept if i not in pattern and i not in hold]
    hidden.sort(key=lambda i: (-children[i] - len(compiled.parents[i]), i))
    plans = {
        i: make_plan(compiled, {**pattern, i: "hard"}, kept=kept, thorough=False)
        for i in hidden[: compiled.limits.conditioning_candidates]
    }
    smaller = {i: plan for i, plan in plans.items() if plan.entries < before}
    if not smaller:
        return None
    best = min(smaller, key=lambda i: (smaller[i].entries * compiled.cards[i], i))
    return best, smaller[best]


def weighed_marginals(parts: Sequence[Marginals]) -> Marginals:
    """The marginals of all cases together."""
    weights, total = _shares([part.log_evidence for part in parts])
    possible = np.isfinite(total).any()
    posterior = {}
    for n in parts[0].posterior:
        weighed = [
            np.where(w > 0.0, w * part.posterior[n], 0.0)
            for w, part in zip(weights, parts, strict=True)
        ]
        posterior[n] = np.sum(weighed, axis=0) if possible else np.full_like(weighed[0], np.nan)
    return Marginals(total, posterior)


def weighed_joint(parts: Sequence[Joint]) -> Joint:
    """The joint posterior of all cases together."""
    weights, total = _shares([part.log_evidence for part in parts])
    weighed = [
        np.where(w > 0.0, w * part.table, 0.0) for w, part in zip(weights, parts, strict=True)
    ]
    return Joint(total, np.sum(weighed, axis=0))


def _shares(logs: list[Array]) -> tuple[list[Array], Array]:
    """Shares of P(evidence) of each case, and log P(evidence)."""
    total = np.logaddexp.reduce(logs)
    safe = np.where(np.isfinite(total), total, 0.0)
    return [np.exp(log - safe) for log in logs], total
