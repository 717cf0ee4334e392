"""Conditioning: what is too large for one run is answered by cases (Pearl 1986, Artif Intell 29:241).

One more node is set to each of its states, and the answers are weighed by the probability of each
case. Cases that are still too large are split again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.answers import Joint, Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed
from spinelink.inference.plan.patterns import pattern_of
from spinelink.inference.plan.plan import Kind, make_plan

Array = NDArray[np.float64]


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
    nodes that are not to be split. Raises the error given where no node helps, or so many cases
    would be needed that the answer is out of reach.
    """
    kept, limits = sorted(kept), compiled.limits
    before = _entries(compiled, pattern_of(observed), kept)
    children = [0] * len(compiled.names)
    for i in kept:
        for p in compiled.parents[i]:
            children[p] += 1
    hidden = [i for i in kept if i not in observed and i not in hold]
    sizes = {}
    for node in sorted(hidden, key=lambda i: (-children[i] - len(compiled.parents[i]), i))[
        : limits.conditioning_candidates
    ]:
        entries = _entries(compiled, {**pattern_of(observed), node: "hard"}, kept)
        if entries < before:
            sizes[node] = entries * compiled.cards[node]
    if not sizes:
        raise too_large
    chosen = min(sizes, key=lambda n: (sizes[n], n))
    after, allowed = sizes[chosen] / compiled.cards[chosen], compiled.max_entries
    if before > allowed:  # as many more nodes as are needed if each helps as much as this one
        depth = np.log(allowed / before) / np.log(after / before)
        work = depth * np.log(compiled.cards[chosen]) + np.log(allowed)
        if work > np.log(limits.conditioning_entries):
            raise too_large
    return [{**observed, chosen: state} for state in range(compiled.cards[chosen])]


def _entries(compiled: CompiledNetwork, pattern: dict[int, Kind], kept: list[int]) -> float:
    return make_plan(compiled, pattern, kept=kept, thorough=False).entries


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
