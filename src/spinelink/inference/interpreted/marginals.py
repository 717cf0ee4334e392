"""Posteriors of any nodes, by one or a few runs of a plan.

Nodes above a finding come out of one forward and one reverse pass over the ancestors of the
findings. Nodes that no finding depends on ("barren") join that run where it stays small, else they
are answered in groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.cache import CacheKey
from spinelink.inference.findings import Array, Observed, state_of
from spinelink.inference.interpreted.conditioning import (
    cases_of,
    conditioned,
    weighed_marginals,
)
from spinelink.inference.interpreted.difference_form import difference_form
from spinelink.inference.interpreted.evidence import log_evidence, run_plan
from spinelink.inference.interpreted.lanes import findings_of
from spinelink.inference.interpreted.leaves import kept_and_leaves, leaf_marginals
from spinelink.inference.plan.patterns import Pattern, pattern_key, pattern_of
from spinelink.inference.plan.planned import plan_for


@dataclass(frozen=True)
class GroupsKey(CacheKey[list[list[int]]]):
    """Barren nodes in groups, each of which one run answers."""

    pattern: Pattern
    barren: tuple[int, ...]
    max_entries: float


@dataclass(frozen=True)
class HeavyKey(CacheKey[bool]):
    """Whether all nodes together are much to ask."""

    pattern: Pattern
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class SmallGroupsKey(CacheKey[list[list[int]]]):
    """Nodes in groups, each of which is one small run with the findings; none where that is not so."""

    pattern: Pattern
    nodes: tuple[int, ...]


def marginals(compiled: CompiledNetwork, observed: Observed, nodes: Iterable[int]) -> Marginals:
    """Posterior of each node, by the interpreted engine.

    Args:
        compiled: The network, with one value for each parameter or a batch of draws.
        observed: The findings, for one case or for a batch of one structural pattern.
        nodes: The nodes asked for; none: P(evidence) only.

    Returns:
        Where the evidence is impossible log_evidence is minus infinity and the posteriors are NaN.

    Raises:
        TooLargeError: The memory limit does not do, not even by conditioning.
    """
    targets = list(dict.fromkeys(nodes))
    try:
        relevant = compiled.ancestors(observed)
        barren = [n for n in targets if n not in relevant]
        leaves = kept_and_leaves(compiled, relevant, group=barren)[1]
        if len(leaves) <= compiled.limits.leaf_families_at_once:
            answer = difference_form(compiled, observed, targets)
            if answer is not None:
                return _recompute_rows(compiled, observed, answer=answer[0], rows=answer[1])
        return _plain(compiled, observed, targets)
    except TooLargeError as too_large:
        if not targets:
            raise  # `log_evidence` has tried by cases
        # Targets are asked for in groups: where the findings alone are too large, these decide.
        kept = compiled.ancestors(observed)
        if _fits(compiled, observed, kept=kept):
            kept = compiled.ancestors([*observed, *targets])
        cases = conditioned(compiled, observed, kept=kept, too_large=too_large)
        return weighed_marginals([marginals(compiled, case, targets) for case in cases])


def _fits(compiled: CompiledNetwork, observed: Observed, *, kept: Iterable[int]) -> bool:
    """Whether one run over the nodes kept fits into the memory limit."""
    try:
        plan_for(compiled, pattern_of(observed), kept=kept)
    except TooLargeError:
        return False
    return True


def _recompute_rows(
    compiled: CompiledNetwork, observed: Observed, *, answer: Marginals, rows: NDArray[np.intp]
) -> Marginals:
    """Recompute the given rows with the subtraction-free plan and merge them into `answer`."""
    if not len(rows):
        return answer
    part = findings_of(observed, rows)
    again = _plain(compiled.of_draws(rows), part, list(answer.posterior))
    return answer.replaced(rows, again)


def _plain(compiled: CompiledNetwork, observed: Observed, nodes: list[int]) -> Marginals:
    """The posteriors by subtraction-free plans, barren nodes in groups."""
    if not nodes:
        return Marginals(log_evidence(compiled, observed), {})
    relevant = compiled.ancestors(observed)
    posterior: dict[int, Array] = {
        n: np.eye(compiled.cards[n])[:, np.atleast_1d(state)]
        for n in nodes
        if (state := state_of(observed, n)) is not None
    }
    rank = {n: k for k, n in enumerate(compiled.order)}
    barren = sorted((n for n in nodes if n not in relevant), key=rank.__getitem__)
    inside = [n for n in nodes if n in relevant and n not in posterior]
    log_total: Array | None = None
    for group in _groups(compiled, observed, barren):
        logs, answers = _answer(
            compiled, observed, group=group, inside=inside if log_total is None else []
        )
        log_total = logs if log_total is None else log_total
        posterior |= answers
    assert log_total is not None
    return Marginals(log_total, {n: posterior[n] for n in nodes})


def _groups(compiled: CompiledNetwork, observed: Observed, barren: list[int]) -> list[list[int]]:
    """Barren nodes in groups whose plans stay small; the first also answers what is above findings."""
    pattern, relevant = pattern_of(observed), frozenset(compiled.ancestors(observed))
    key = GroupsKey(pattern_key(pattern), tuple(barren), compiled.max_entries)
    known = compiled.plans.get(key)
    if known is not None:
        return known
    comfortable = min(compiled.limits.group_entries, compiled.max_entries)
    settled = False
    done: list[list[int]] = []
    waiting = [barren]
    while waiting:
        group = waiting.pop()
        limit = comfortable if len(group) > 1 else compiled.max_entries
        kept = kept_and_leaves(compiled, relevant, group=group)[0]
        try:
            # What cannot be made smaller deserves a longer search before it is refused.
            plan_for(compiled, pattern, kept=kept, max_entries=limit, thorough=len(group) <= 1)
        except TooLargeError:
            if len(group) <= 1:
                raise
            if not settled:
                # A run for one barren node costs about as much as that for the findings alone, so
                # larger groups pay up to a few times that.
                alone = plan_for(compiled, pattern, kept=relevant, thorough=False).entries
                comfortable = min(
                    max(compiled.limits.group_entries, 3.0 * alone), compiled.max_entries
                )
                settled = True
                waiting.append(group)
                continue
            half = len(group) // 2
            waiting += [group[half:], group[:half]]
        else:
            done.append(group)
    return compiled.plans.put(key, done)


def _answer(
    compiled: CompiledNetwork, observed: Observed, *, group: list[int], inside: list[int]
) -> tuple[Array, dict[int, Array]]:
    """One run: log P(evidence), and posteriors of a group of barren nodes and of nodes above findings."""
    kept, leaves = kept_and_leaves(compiled, compiled.ancestors(observed), group=group)
    plan = plan_for(compiled, pattern_of(observed), kept=kept)
    log_total, by_node = run_plan(compiled, plan, observed=observed, want_marginals=True)
    posterior = {n: by_node[n] for n in [*inside, *group] if n not in leaves}
    if leaves:
        posterior |= leaf_marginals(
            compiled, observed, kept=kept, leaves=leaves, log_total=log_total
        )
    return log_total, posterior


def is_heavy(compiled: CompiledNetwork, observed: Observed, *, nodes: Sequence[int]) -> bool:
    """Whether `marginals` has much to do for all the nodes.

    That is one large run, or one that is repeated for many large leaves.
    """
    pattern = pattern_of(observed)
    key = HeavyKey(pattern_key(pattern), tuple(nodes))
    known = compiled.plans.get(key)
    if known is not None:
        return known
    limit, relevant = compiled.limits.entries_at_once, compiled.ancestors(observed)
    kept, leaves = kept_and_leaves(
        compiled, relevant, group=[n for n in nodes if n not in relevant]
    )
    try:
        plan = plan_for(compiled, pattern, kept=kept, max_entries=limit, thorough=False)
        heavy = plan.entries * (1 + len(leaves)) > limit
    except TooLargeError:
        heavy = True
    return compiled.plans.put(key, heavy)


def is_small(
    compiled: CompiledNetwork,
    observed: Observed,
    *,
    nodes: Sequence[int],
    most: float | None = None,
) -> bool:
    """Whether one run for the findings and all the nodes is small, in either form.

    most: table entries; what fits into the kernel where None.
    """
    most = compiled.limits.kernel_case if most is None else min(most, compiled.max_entries)
    return _size(compiled, observed, nodes=nodes, most=most) is not None


def small_groups(
    compiled: CompiledNetwork, observed: Observed, *, nodes: Sequence[int]
) -> list[list[int]] | None:
    """The nodes in groups, each of which is one small run with the findings.

    None where a run fits into the kernel for no group, as one node or the findings are too much.
    """
    rank = {n: k for k, n in enumerate(compiled.order)}
    ordered = sorted(dict.fromkeys(nodes), key=rank.__getitem__)
    key = SmallGroupsKey(pattern_key(pattern_of(observed)), tuple(ordered))
    known = compiled.plans.get(key)
    if known is not None:
        return known or None
    most = compiled.limits.kernel_case
    alone = _size(compiled, observed, nodes=[], most=most)
    done: list[list[int]] = []
    most_nodes = compiled.limits.nodes_in_run
    pieces = [ordered[k : k + most_nodes] for k in range(0, len(ordered), most_nodes)]
    waiting = [] if alone is None else pieces
    # A node below the findings costs about as much as these, so groups pay up to a few times that.
    comfortable = min(max(compiled.limits.group_entries, 3.0 * (alone or 0.0)), most)
    while waiting:
        group = waiting.pop()
        limit = comfortable if len(group) > 1 else most
        if _size(compiled, observed, nodes=group, most=limit) is not None:
            done.append(group)
        elif len(group) > 1:
            waiting += [group[len(group) // 2 :], group[: len(group) // 2]]
        else:
            done, waiting = [], []
    return compiled.plans.put(key, done) or None


def _size(
    compiled: CompiledNetwork, observed: Observed, *, nodes: Sequence[int], most: float
) -> float | None:
    """Table entries of one run for findings and nodes, in the smaller form; None where none fits."""
    kept, pattern = compiled.ancestors([*observed, *nodes]), pattern_of(observed)
    hidden = frozenset(n for n in nodes if state_of(observed, n) is None)
    sizes = []
    with suppress(TooLargeError):
        plain = plan_for(compiled, pattern, kept=kept, max_entries=most, thorough=False).entries
        if plain <= compiled.limits.searched_entries:
            return plain
        sizes.append(plain)
    with suppress(TooLargeError):
        plan = plan_for(
            compiled,
            pattern,
            kept=kept,
            max_entries=most,
            thorough=False,
            difference_form=True,
            exact=hidden,
        )
        sizes.append(plan.entries)
    return min(sizes, default=None)


def largest_plan(compiled: CompiledNetwork, observed: Observed, *, nodes: Iterable[int]) -> float:
    """Table entries that one row takes in the run over the findings, the nodes, and what is above.

    Where that is too large: as many as the memory limit allows.
    """
    kept = compiled.ancestors([*observed, *nodes])
    try:
        return plan_for(compiled, pattern_of(observed), kept=kept).entries
    except TooLargeError:
        return compiled.max_entries


def by_cases(
    compiled: CompiledNetwork, observed: Observed, *, nodes: Iterable[int]
) -> tuple[float, TooLargeError] | None:
    """Table entries of one row that must be answered by cases, about, and why it must.

    None where the findings alone fit into the memory limit. Raises TooLargeError where no cases help.
    """
    pattern, above = pattern_of(observed), frozenset(compiled.ancestors(observed))
    hidden = frozenset(n for n in nodes if state_of(observed, n) is None)
    kept = compiled.ancestors([*observed, *hidden])
    try:
        plan_for(compiled, pattern, kept=above)
    except TooLargeError as too_large:
        with suppress(TooLargeError):
            plan_for(compiled, pattern, kept=kept, difference_form=True, exact=hidden)
            return None
        cases = cases_of(compiled, observed, kept=above)
        if not cases.nodes:
            raise
        return cases.work, too_large
    return None
