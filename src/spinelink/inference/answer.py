"""Posteriors for one case, by NumPy or by the compiled kernel; what the kernel cannot take NumPy answers."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork, EngineName
from spinelink.inference.findings import Observed, is_soft
from spinelink.inference.interpreted.marginals import is_heavy, marginals, pattern_of
from spinelink.inference.kernel import flat as fast
from spinelink.inference.variants.likelihood_events import with_events

Array = NDArray[np.float64]

GROUP_CAPACITY = (
    1 << 18
)  # doubles that one run for several nodes may take; beyond, they are asked for in halves
CAPACITY = fast.CASE_CAPACITY
FEW_LEAVES = 4  # nodes that nothing depends on: more are asked for as events where they do not fit into a few runs
MOST_SPLITS = 6  # groups cut in two, after which what is left are too many runs
RARE = 1e-4  # probability of a state below which a difference keeps too few digits: it is asked for directly


def case_marginals(
    compiled: CompiledNetwork,
    observed: Observed,
    nodes: Sequence[int],
    *,
    engine: EngineName = "numpy",
) -> Marginals:
    """Log P(findings), (1,), and posteriors of the nodes, (states, 1), as `query.marginals`; compiled: one set of numbers."""
    leaves = [n for n in dict.fromkeys(nodes) if n in compiled.leaves and n not in observed]
    if engine == "numpy" or not nodes:
        apart = len(leaves) > FEW_LEAVES and is_heavy(compiled, observed, nodes)
        return (
            _with_leaves(compiled, observed, nodes, leaves, engine)
            if apart
            else marginals(compiled, observed, nodes)
        )
    codes, soft = fast.kernel_findings(compiled, observed)
    key = ("kernel groups", tuple(sorted(pattern_of(observed).items())), tuple(nodes))
    known = compiled.plans.get(key)
    groups: list[list[int]] = []
    left: list[int] = []
    found: dict[int, Array] = {}
    logs: Array | None = None

    def ask(group: list[int], capacity: int) -> bool:
        """Whether the kernel answered; True too where the answer is left to NumPy, as smaller groups would not help."""
        nonlocal logs
        answer = fast.solve(compiled, codes, soft, group, capacity=capacity)
        if answer.answered[0]:
            groups.append(group)
            found.update(answer.of)
            logs = answer.log_evidence if logs is None else logs
            return True
        if answer.outgrown[0]:
            return False
        left.extend(group)
        return True

    if known == "leaves apart":
        return _with_leaves(compiled, observed, nodes, leaves, engine)
    if isinstance(known, tuple):
        waiting = list(known)
        limit = CAPACITY
    else:
        # Posteriors of what is above the findings fall out of one run; other nodes make it larger: where it is too large with them, they are asked for
        # in parts, from the top of the network down, so that parts share what is above them.
        above = compiled.ancestors(observed)
        rank = {n: k for k, n in enumerate(compiled.order)}
        inside = [n for n in dict.fromkeys(nodes) if n in above]
        outside = sorted((n for n in dict.fromkeys(nodes) if n not in above), key=rank.__getitem__)
        waiting = []
        limit = GROUP_CAPACITY if len(outside) > FEW_LEAVES else CAPACITY
        if not ask([*inside, *outside], limit):
            waiting = [outside]
            if inside and not ask(inside, limit):
                limit = CAPACITY  # the findings alone take more: no part is small
                if not ask(inside, limit):
                    left += [*inside, *waiting.pop()]
    splits = 0
    while waiting:
        group = waiting.pop()
        if not group or ask(group, limit):
            continue
        splits += 1
        if splits > MOST_SPLITS and len(leaves) > FEW_LEAVES:
            compiled.plans.put(key, "leaves apart")
            return _with_leaves(compiled, observed, nodes, leaves, engine)
        if len(group) > 1:
            waiting += [group[len(group) // 2 :], group[: len(group) // 2]]
        elif limit == CAPACITY or not ask(group, CAPACITY):
            left += group
    if left:
        rest = marginals(compiled, observed, left)
        found |= rest.of
        logs = rest.log_evidence if logs is None else logs
    elif known is None:
        compiled.plans.put(key, tuple(groups))
    assert logs is not None
    return Marginals(logs, {n: found[n] for n in nodes})


def _with_leaves(
    compiled: CompiledNetwork,
    observed: Observed,
    nodes: Sequence[int],
    leaves: Sequence[int],
    engine: EngineName,
) -> Marginals:
    """The other nodes as ever; leaves as events of what is above them, all in one run, but for those with rare states, of which differences keep few digits."""
    rest = case_marginals(
        compiled,
        observed,
        [n for n in nodes if n not in leaves] or [compiled.order[0]],
        engine=engine,
    )
    levels = [(n, level) for n in leaves for level in range(compiled.cards[n] - 1)]
    found = with_events(
        compiled,
        observed,
        [{n: level} for n, level in levels],
        [],
        over=[p for n in leaves for p in compiled.parents[n]],
        kernel=engine == "fast",
    )
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # not numbers where the findings cannot occur
        below = np.exp(found.log_evidence - rest.log_evidence[0])
    of, at = dict(rest.of), 0
    for n in leaves:
        end = at + compiled.cards[n] - 1
        of[n] = np.diff(below[at:end], prepend=0.0, append=1.0)[:, np.newaxis]
        at = end
    again = [n for n in leaves if not (of[n] > RARE).all()]
    for k in range(0, len(again), FEW_LEAVES):
        of |= case_marginals(compiled, observed, again[k : k + FEW_LEAVES], engine=engine).of
    return Marginals(rest.log_evidence, {n: of[n] for n in nodes})


def with_more_findings(
    compiled: CompiledNetwork,
    observed: Observed,
    more: Sequence[Mapping[int, int]],
    nodes: Sequence[int],
    *,
    threads: int | None = None,
) -> Marginals:
    """One case with each of many further sets of findings (node -> state), side by side: log P(findings), (sets,), and posteriors, (states, sets).

    By the compiled kernel where it is installed; what it leaves, or all, by NumPy. A soft finding about the same node counts with the likelihood of its
    state. Posteriors are not numbers where a set cannot occur.
    """
    found = _side_by_side(compiled, [{**observed, **each} for each in more], nodes, threads)
    for k, each in enumerate(more):
        for node, state in each.items():
            finding = observed.get(node)
            if finding is not None and is_soft(
                finding
            ):  # what was half seen still counts: the likelihood of the state that is now certain
                with np.errstate(divide="ignore"):
                    found.log_evidence[k] += np.log(finding[state, 0])
    return found


def with_some_findings(
    compiled: CompiledNetwork,
    observed: Observed,
    subsets: Sequence[Collection[int]],
    nodes: Sequence[int],
) -> Marginals:
    """One case with only some of its findings, for many subsets side by side: log P(findings), (subsets,), and posteriors, (states, subsets)."""
    return _side_by_side(compiled, [{i: observed[i] for i in subset} for subset in subsets], nodes)


def _side_by_side(
    compiled: CompiledNetwork,
    cases: Sequence[Observed],
    nodes: Sequence[int],
    threads: int | None = None,
) -> Marginals:
    """Cases of one network, each with findings of its own, by the compiled kernel where it is installed; what it leaves, or all, by NumPy."""
    logs = np.full(len(cases), -np.inf)
    of = {n: np.full((compiled.cards[n], len(cases)), np.nan) for n in nodes}
    if fast.is_available() and len(cases) > 1:
        codes = np.full((len(cases), len(compiled.names)), -1, dtype=np.int64)
        soft: dict[int, Array] = {}
        for k, observed in enumerate(cases):
            for i, value in observed.items():
                if is_soft(value):
                    soft.setdefault(i, np.full((compiled.cards[i], len(cases)), np.nan))[:, k] = (
                        value[:, 0]
                    )
                else:
                    codes[k, i] = int(np.asarray(value))
        workers = threads or min(os.cpu_count() or 1, 8)
        pieces = [
            np.arange(k, len(cases), 4 * workers) for k in range(min(4 * workers, len(cases)))
        ]
        fast.flat_of(compiled)  # made once, before the threads part

        def run(piece: NDArray[np.intp]) -> fast.FastAnswer:
            return fast.solve(
                compiled,
                codes[piece],
                {i: w[:, piece] for i, w in soft.items()},
                list(nodes),
                capacity=CAPACITY,
            )

        with ThreadPoolExecutor(workers) as pool:
            for piece, answer in zip(pieces, pool.map(run, pieces), strict=True):
                done = answer.answered
                logs[piece[done]] = answer.log_evidence[done]
                for n in nodes:
                    of[n][:, piece[done]] = answer.of[n][:, done]
    for k in np.flatnonzero(~np.isfinite(logs)).tolist():
        single = marginals(compiled, cases[k], nodes)
        logs[k] = float(single.log_evidence[0])
        for n in nodes:
            of[n][:, k] = single.of[n][:, 0]
    return Marginals(logs, of)
