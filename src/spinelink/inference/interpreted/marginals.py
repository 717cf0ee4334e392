"""What the engine answers: P(evidence), marginals of any nodes, joints of a few."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import cast

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.answers import Joint, Marginals
from spinelink.inference.arrays import CompiledNetwork, NoisyFactor
from spinelink.inference.findings import Observed, States, is_soft, pick, state_of
from spinelink.inference.interpreted.run import forward, reverse
from spinelink.inference.interpreted.semiring import LINEAR, LOGARITHMIC
from spinelink.inference.plan.plan import AGREEMENT, CANCELLED, Kind, Plan, make_plan

Array = NDArray[np.float64]

ENTRY = 24.0  # bytes a table entry costs over a run: itself, its adjoint, and what is in hand
CANDIDATES = 12  # nodes tried for conditioning
MOST_WORK = 1e11  # table entries over all cases that conditioning may take: some minutes
SOFT_ENTRIES = 2.0**21  # above this, targets are answered in several smaller runs instead of one
UNDERFLOW = (
    -550.0
)  # log P(evidence) below which plain doubles are no longer trusted; log(smallest double) = -744
CLAMP = 4  # a noisy family below everything else, with more entries than this, is answered without its table
SEARCHED = 5e5  # table entries below which a search for a better order is not worth it
HEAVY = 1e6  # products beyond which signed terms are tried
FEW_CLAMPED = 4  # large families below everything else that one run in signed terms may hold
MOST_AT_ONCE = (
    4e6  # entries of one plan for all nodes asked for, times its repetitions, that are not much
)
RARE = 1e-5  # a probability found as 1 - p keeps eleven digits above this; below, it is computed directly


def pattern_of(observed: Observed) -> dict[int, Kind]:
    """The structural pattern of some evidence."""
    return {
        i: "soft" if is_soft(v) else "lowest" if isinstance(v, int) and v == 0 else "hard"
        for i, v in observed.items()
    }


def log_evidence(
    compiled: CompiledNetwork, observed: Observed, *, budget: float | None = None
) -> Array:
    """Log P(evidence), (batch,); minus infinity where the findings cannot occur together."""
    budget = compiled.memory_limit if budget is None else budget
    try:
        plan = _cached_plan(
            compiled, observed, frozenset(compiled.ancestors(observed)), (), budget / ENTRY
        )
    except TooLargeError as too_large:
        cases = conditioned(
            compiled, observed, compiled.ancestors(observed), too_large, budget / ENTRY
        )
        total: Array = np.logaddexp.reduce(
            [log_evidence(compiled, case, budget=budget) for case in cases]
        )
        return total
    return _run(compiled, plan, observed, {}, want_marginals=False)[0]


def joint(
    compiled: CompiledNetwork,
    observed: Observed,
    nodes: Sequence[int],
    *,
    budget: float | None = None,
) -> Joint:
    """Joint posterior of a few nodes. Where the evidence is impossible the table is not a number."""
    budget = compiled.memory_limit if budget is None else budget
    hidden = tuple(dict.fromkeys(n for n in nodes if not isinstance(observed.get(n), int)))
    kept = frozenset(compiled.ancestors([*observed, *nodes]))
    try:
        plan = _cached_plan(compiled, observed, kept, hidden, budget / ENTRY)
    except TooLargeError as too_large:
        cases = conditioned(
            compiled, observed, kept, too_large, budget / ENTRY, keep=frozenset(hidden)
        )
        parts = [joint(compiled, case, nodes, budget=budget) for case in cases]
        weights, total = _shares([part.log_evidence for part in parts])
        return Joint(
            total,
            np.sum(
                [
                    np.where(w > 0.0, w * part.table, 0.0)
                    for w, part in zip(weights, parts, strict=True)
                ],
                axis=0,
            ),
        )
    table = forward(compiled, plan, observed, {}, LINEAR).result
    axes = tuple(range(table.ndim - 1))
    with np.errstate(divide="ignore"):
        log_total = np.log(table.sum(axis=axes))
    if (log_total < UNDERFLOW).any():
        logs = forward(compiled, plan, observed, {}, LOGARITHMIC).result
        log_total = LOGARITHMIC.total(logs, axes)
        with np.errstate(invalid="ignore"):
            table = np.exp(logs - log_total)
    else:
        table = table / table.sum(axis=axes)
    cards = [compiled.cards[n] for n in hidden]
    table = np.broadcast_to(table, (*cards, table.shape[-1]))
    return Joint(log_total, _with_observed(compiled, observed, nodes, hidden, table))


def _with_observed(
    compiled: CompiledNetwork,
    observed: Observed,
    nodes: Sequence[int],
    hidden: tuple[int, ...],
    table: Array,
) -> Array:
    """Puts observed and repeated nodes back as axes in which only one state, or the diagonal, has probability."""
    for position, node in enumerate(nodes):
        state = observed.get(node)
        if isinstance(state, int):
            spread = np.zeros(
                (*table.shape[:position], compiled.cards[node], *table.shape[position:])
            )
            np.moveaxis(spread, position, 0)[state] = table
            table = spread
    order = {n: k for k, n in enumerate(nodes)}
    assert len(order) == len(nodes), "a node is asked for twice"
    return table


def marginals(
    compiled: CompiledNetwork,
    observed: Observed,
    nodes: Iterable[int],
    *,
    budget: float | None = None,
) -> Marginals:
    """Posterior of each node. Where the evidence is impossible log_evidence is minus infinity and the posteriors are not numbers.

    Nodes above a finding come out of one forward and one reverse pass over the ancestors of the findings. Nodes that no finding
    depends on ("barren") join that run where it stays small, else they are answered in groups.
    """
    budget = compiled.memory_limit if budget is None else budget
    wanted = list(dict.fromkeys(nodes))
    if not wanted:
        found = _signed(compiled, observed, [], budget)
        return (
            Marginals(log_evidence(compiled, observed, budget=budget), {})
            if found is None
            else found
        )
    try:
        relevant = compiled.ancestors(observed)
        many = (
            len(_kept(compiled, relevant, [n for n in wanted if n not in relevant])[1])
            > FEW_CLAMPED
        )
        return (None if many else _signed(compiled, observed, wanted, budget)) or _marginals(
            compiled, observed, wanted, budget
        )
    except TooLargeError as too_large:
        return _by_cases(compiled, observed, wanted, budget, too_large)


def _signed(
    compiled: CompiledNetwork, observed: Observed, wanted: list[int], budget: float
) -> Marginals | None:
    """The same from one run in signed terms, where sums without signs are heavy; None where they are not, where it is too large, or where digits are lost.

    Every variable is summed out a second time on the way back: where that does not give P(evidence) again, or only from terms that are much larger, signs have
    cancelled too much.
    """
    pattern = pattern_of(observed)
    hidden = frozenset(n for n in wanted if state_of(observed, n) is None)
    kept = frozenset(compiled.ancestors([*observed, *wanted]))
    rows = max((v.shape[-1] for v in observed.values() if not isinstance(v, int)), default=1)
    key = ("signed", tuple(sorted(pattern.items())), hidden, budget, rows)
    pays = compiled.plans.get(key)
    if not isinstance(pays, bool):
        pays = _pays(compiled, pattern, kept, hidden, budget / ENTRY, rows)
        compiled.plans.put(key, pays)
    if not pays:
        return None
    plan = plan_for(compiled, pattern, kept, (), budget / ENTRY, signed=True, exact=hidden)
    run = forward(compiled, plan, observed, {}, LINEAR)
    with np.errstate(invalid="ignore"):
        log_total = LINEAR.decode_log(run.result)
    agrees = np.broadcast_to(log_total >= UNDERFLOW, log_total.shape)
    terms: dict[int, Array] = {}
    with np.errstate(invalid="ignore"):
        by_vertex = reverse(run, LINEAR, terms=terms)
        for v, p in by_vertex.items():
            agrees = agrees & (np.abs(p.sum(axis=0) - 1.0) <= AGREEMENT) & (terms[v] <= CANCELLED)
        for n in hidden:
            agrees = agrees & (by_vertex[n] >= -AGREEMENT).all(axis=0)
    if not agrees.any():
        return None
    found = {n: np.clip(by_vertex[n], 0.0, 1.0) for n in hidden}
    for n in wanted:
        if (state := state_of(observed, n)) is not None:
            found[n] = np.eye(compiled.cards[n])[:, np.atleast_1d(state)]
    answer = Marginals(np.broadcast_to(log_total, agrees.shape), {n: found[n] for n in wanted})
    return (
        answer
        if agrees.all()
        else _mended(compiled, observed, answer, np.flatnonzero(~agrees), budget)
    )


def _mended(
    compiled: CompiledNetwork,
    observed: Observed,
    answer: Marginals,
    rows: NDArray[np.intp],
    budget: float,
) -> Marginals:
    """Some rows of a batch anew, without signs."""
    part = compiled.map_arrays(lambda a: a if a.shape[-1] == 1 else a[..., rows])
    some: dict[int, int | Array | States] = {
        i: v if isinstance(v, int) or v.shape[-1] == 1 else v[..., rows]
        for i, v in observed.items()
    }
    nodes = list(answer.of)
    again = (
        _marginals(part, some, nodes, budget)
        if nodes
        else Marginals(log_evidence(part, some, budget=budget), {})
    )
    logs = answer.log_evidence.copy()
    logs[rows] = again.log_evidence
    of = {n: np.broadcast_to(p, (len(p), len(logs))).copy() for n, p in answer.of.items()}
    for n in nodes:
        of[n][:, rows] = again.of[n]
    return Marginals(logs, of)


def _pays(
    compiled: CompiledNetwork,
    pattern: Mapping[int, Kind],
    kept: frozenset[int],
    hidden: frozenset[int],
    limit: float,
    rows: int,
) -> bool:
    """Whether sums without signs are heavy, all rows together, and signed terms much lighter."""
    plain = float("inf")
    with suppress(TooLargeError):
        plain = plan_for(compiled, pattern, kept, (), limit, thorough=False).work
    if plain * rows <= HEAVY:
        return False
    try:
        return (
            plan_for(compiled, pattern, kept, (), limit, signed=True, exact=hidden).work
            < plain / 2.0
        )
    except TooLargeError:
        return False


def _by_cases(
    compiled: CompiledNetwork,
    observed: Observed,
    wanted: list[int],
    budget: float,
    too_large: TooLargeError,
) -> Marginals:
    """The same, one node after another set to each of its states and the answers weighed (Pearl 1986: conditioning)."""
    cases = conditioned(
        compiled, observed, compiled.ancestors([*observed, *wanted]), too_large, budget / ENTRY
    )
    parts = [marginals(compiled, case, wanted, budget=budget) for case in cases]
    weights, total = _shares([part.log_evidence for part in parts])
    found = {}
    for n in wanted:
        weighed = [
            np.where(w > 0.0, w * part.of[n], 0.0) for w, part in zip(weights, parts, strict=True)
        ]
        found[n] = (
            np.sum(weighed, axis=0)
            if np.isfinite(total).any()
            else np.full_like(weighed[0], np.nan)
        )
    return Marginals(total, found)


def _shares(logs: list[Array]) -> tuple[list[Array], Array]:
    """Shares of P(evidence) of each case, and log P(evidence)."""
    total = np.logaddexp.reduce(logs)
    safe = np.where(np.isfinite(total), total, 0.0)
    return [np.exp(each - safe) for each in logs], total


def conditioned(
    compiled: CompiledNetwork,
    observed: Observed,
    kept: Iterable[int],
    too_large: TooLargeError,
    limit: float,
    *,
    keep: frozenset[int] = frozenset(),
) -> list[Observed]:
    """The evidence split into cases by the states of one more node, the one that makes the plans smallest in all.

    Raises the error given where no node helps, or so many cases would be needed that the answer is out of reach.
    """
    pattern, kept = pattern_of(observed), sorted(kept)
    before = make_plan(compiled, pattern, kept, limit=float("inf"), thorough=False).entries
    children = [0] * len(compiled.names)
    for i in kept:
        for p in compiled.parents[i]:
            children[p] += 1
    hidden = [i for i in kept if i not in observed and i not in keep]
    sizes = {}
    for node in sorted(hidden, key=lambda i: (-children[i] - len(compiled.parents[i]), i))[
        :CANDIDATES
    ]:
        entries = make_plan(
            compiled, {**pattern, node: "hard"}, kept, limit=float("inf"), thorough=False
        ).entries
        if entries < before:
            sizes[node] = entries * compiled.cards[node]
    if not sizes:
        raise too_large
    chosen = min(sizes, key=lambda n: (sizes[n], n))
    after = sizes[chosen] / compiled.cards[chosen]
    if before > limit:  # as many more nodes as are needed if each helps as much as this one
        depth = np.log(limit / before) / np.log(after / before)
        if depth * np.log(compiled.cards[chosen]) + np.log(limit) > np.log(MOST_WORK):
            raise too_large
    return [{**observed, chosen: state} for state in range(compiled.cards[chosen])]


def largest_plan(
    compiled: CompiledNetwork,
    observed: Observed,
    nodes: Iterable[int],
    *,
    budget: float | None = None,
) -> float:
    """Table entries that one row takes in the run over the ancestors of the findings and of these nodes; the budget's where too large."""
    budget = compiled.memory_limit if budget is None else budget
    kept = frozenset(compiled.ancestors([*observed, *nodes]))
    try:
        return _cached_plan(compiled, observed, kept, (), budget / ENTRY).entries
    except TooLargeError:
        return budget / ENTRY


def _marginals(
    compiled: CompiledNetwork, observed: Observed, wanted: list[int], budget: float
) -> Marginals:
    relevant = compiled.ancestors(observed)
    found: dict[int, Array] = {}
    for n in wanted:
        if (state := state_of(observed, n)) is not None:
            found[n] = np.eye(compiled.cards[n])[:, np.atleast_1d(state)]
    rank = {n: k for k, n in enumerate(compiled.order)}
    barren = sorted((n for n in wanted if n not in relevant), key=rank.__getitem__)
    inside = [n for n in wanted if n in relevant and n not in found]
    total: Array | None = None
    for group in _groups(compiled, observed, relevant, barren, inside, budget):
        log_total, answers = _answer(
            compiled, observed, relevant, group, inside if total is None else [], budget
        )
        total = log_total if total is None else total
        found |= answers
    assert total is not None
    return Marginals(total, {n: found[n] for n in wanted})


def _groups(
    compiled: CompiledNetwork,
    observed: Observed,
    relevant: set[int],
    barren: list[int],
    inside: list[int],
    budget: float,
) -> list[list[int]]:
    """Barren nodes in groups whose plans stay small; the first group also answers the nodes above the findings."""
    pattern = pattern_of(observed)
    key = ("groups", tuple(sorted(pattern.items())), tuple(barren), budget)
    known = compiled.plans.get(key)
    if isinstance(known, list):
        return known
    soft = min(SOFT_ENTRIES, budget / ENTRY)
    settled = False
    done: list[list[int]] = []
    waiting = [barren] if barren else [[]]
    while waiting:
        group = waiting.pop()
        limit = soft if len(group) > 1 else budget / ENTRY
        try:
            plan_for(
                compiled, pattern, _kept(compiled, relevant, group)[0], (), limit, thorough=False
            )
        except TooLargeError:
            if len(group) <= 1:
                raise
            if not settled:
                # A run for one barren node costs about as much as the run for the findings alone, so larger groups pay up to a few times that.
                alone = plan_for(
                    compiled, pattern, frozenset(relevant), (), budget / ENTRY, thorough=False
                ).entries
                soft, settled = min(max(SOFT_ENTRIES, 3.0 * alone), budget / ENTRY), True
                waiting.append(group)
                continue
            half = len(group) // 2
            waiting += [group[half:], group[:half]]
        else:
            done.append(group)
    compiled.plans.put(key, done)
    return done


def is_heavy(compiled: CompiledNetwork, observed: Observed, nodes: Sequence[int]) -> bool:
    """Whether `marginals` has much to do for all the nodes: a large run, or one that is repeated for many families below everything else."""
    pattern = pattern_of(observed)
    key = ("heavy", tuple(sorted(pattern.items())), tuple(nodes))
    known = compiled.plans.get(key)
    if not isinstance(known, bool):
        relevant = compiled.ancestors(observed)
        kept, clamped = _kept(compiled, relevant, [n for n in nodes if n not in relevant])
        try:
            plan = plan_for(compiled, pattern, kept, (), MOST_AT_ONCE, thorough=False)
            known = plan.entries * (1 + len(clamped)) > MOST_AT_ONCE
        except TooLargeError:
            known = True
        compiled.plans.put(key, known)
    return known


def _kept(
    compiled: CompiledNetwork, relevant: set[int], group: list[int]
) -> tuple[frozenset[int], list[int]]:
    """Nodes of the run for a group, and those of the group answered by clamping: large noisy-MAX families below everything else.

    P(node <= k, evidence) needs no table over the parents: it is P(evidence) with one more unary factor on each of them.
    """
    above = {p for n in group for p in compiled.ancestors([n]) if p != n}
    clamped = [n for n in group if n not in above and _is_large(compiled, n)]
    rest = [n for n in group if n not in clamped]
    parents = {p for n in clamped for p in compiled.parents[n]}
    return frozenset(relevant | compiled.ancestors(rest) | compiled.ancestors(parents)), clamped


def _is_large(compiled: CompiledNetwork, node: int) -> bool:
    if not isinstance(compiled.factors[node], NoisyFactor):
        return False
    return (
        float(np.prod([float(compiled.cards[v]) for v in (*compiled.parents[node], node)])) > CLAMP
    )


def _answer(
    compiled: CompiledNetwork,
    observed: Observed,
    relevant: set[int],
    group: list[int],
    inside: list[int],
    budget: float,
) -> tuple[Array, dict[int, Array]]:
    kept, clamped = _kept(compiled, relevant, group)
    plan = _cached_plan(compiled, observed, kept, (), budget / ENTRY)
    log_total, by_node = _run(compiled, plan, observed, {}, want_marginals=True)
    found = {n: by_node[n] for n in [*inside, *group] if n not in clamped}
    if clamped and np.isfinite(log_total).any():
        found |= _clamp(compiled, observed, kept, clamped, log_total, budget)
    elif clamped:
        found |= {n: np.full((compiled.cards[n], 1), np.nan) for n in clamped}
    return log_total, found


def _clamp(
    compiled: CompiledNetwork,
    observed: Observed,
    kept: frozenset[int],
    clamped: list[int],
    log_total: Array,
    budget: float,
) -> dict[int, Array]:
    """Posteriors of barren noisy-MAX nodes: all P(node <= k | evidence) as one batch of extra unary factors."""
    parents = sorted(
        {p for n in clamped for p in compiled.parents[n] if state_of(observed, p) is None}
    )
    pattern: dict[int, Kind] = {**pattern_of(observed), **dict.fromkeys(parents, "soft")}
    plan = plan_for(compiled, pattern, kept, (), budget / ENTRY)
    levels = [(n, k) for n in clamped for k in range(compiled.cards[n] - 1)]
    batch = max(
        log_total.shape[0],
        *(f.leak.shape[-1] for n in clamped if isinstance(f := compiled.factors[n], NoisyFactor)),
    )
    chunk = max(1, int(min(budget / 16, 2.0**24) // (plan.entries * batch + 1)))
    below: dict[tuple[int, int], Array] = {}
    for start in range(0, len(levels), chunk):
        part = levels[start : start + chunk]
        weights, constant = _clamp_weights(compiled, observed, part, parents, batch)
        tiled = {i: _tiled_finding(v, batch, len(part)) for i, v in observed.items()}
        logs, _ = _run(
            _tiled(compiled, batch, len(part)), plan, tiled, weights, want_marginals=False
        )
        with np.errstate(
            invalid="ignore"
        ):  # where a draw makes the findings impossible: not a number
            ratio = (
                np.exp(
                    np.broadcast_to(logs, (batch * len(part),)).reshape(len(part), batch)
                    - log_total
                )
                * constant
            )
        below |= dict(zip(part, ratio, strict=True))
    return {
        n: _differences(
            compiled,
            observed,
            n,
            [below[n, k] for k in range(compiled.cards[n] - 1)],
            log_total,
            budget,
        )
        for n in clamped
    }


def _clamp_weights(
    compiled: CompiledNetwork,
    observed: Observed,
    part: list[tuple[int, int]],
    parents: list[int],
    batch: int,
) -> tuple[dict[int, Array], Array]:
    """Unary factors (states, levels of `part` * batch) on each hidden parent, and the factor from leak and observed parents."""
    weights = {p: np.ones((compiled.cards[p], len(part), batch)) for p in parents}
    constant = np.ones((len(part), batch))
    for position, (node, k) in enumerate(part):
        factor = compiled.factors[node]
        assert isinstance(factor, NoisyFactor)
        constant[position] *= factor.leak[: k + 1].sum(axis=0)
        for p, link in zip(factor.parents, factor.links, strict=True):
            up_to = link[:, : k + 1].sum(axis=1)  # (parent's states, batch)
            if (state := state_of(observed, p)) is not None:
                constant[position] *= pick(up_to, 0, state)
            else:
                weights[p][:, position] *= up_to
    return {p: w.reshape(w.shape[0], -1) for p, w in weights.items()}, constant


def _tiled_finding(value: int | Array | States, batch: int, copies: int) -> int | Array | States:
    if isinstance(value, int):
        return value
    return cast(
        "Array | States", np.tile(np.broadcast_to(value, (*value.shape[:-1], batch)), copies)
    )


def _tiled(compiled: CompiledNetwork, batch: int, copies: int) -> CompiledNetwork:
    """The network with its batch axis repeated, so that draws and clamped levels run side by side."""
    if batch == 1 or copies == 1:
        return compiled
    return compiled.map_arrays(lambda a: a if a.shape[-1] == 1 else np.tile(a, copies))


def _differences(
    compiled: CompiledNetwork,
    observed: Observed,
    node: int,
    below: list[Array],
    log_total: Array,
    budget: float,
) -> Array:
    """P(node = k | evidence) from P(node <= k | evidence); rare states are asked for directly, as a difference would lose digits."""
    steps = [np.zeros_like(below[0]), *below, np.ones_like(below[0])]
    found = np.stack([high - low for low, high in itertools.pairwise(steps)])
    for k in range(1, compiled.cards[node]):
        if (found[k] < RARE).any():
            with np.errstate(invalid="ignore"):  # where a row is impossible: not a number
                found[k] = np.exp(
                    log_evidence(compiled, {**observed, node: k}, budget=budget) - log_total
                )
    return found


def _cached_plan(
    compiled: CompiledNetwork,
    observed: Observed,
    kept: frozenset[int],
    free: tuple[int, ...],
    limit: float,
) -> Plan:
    return plan_for(compiled, pattern_of(observed), kept, free, limit)


def plan_for(
    compiled: CompiledNetwork,
    pattern: Mapping[int, Kind],
    kept: frozenset[int],
    free: tuple[int, ...],
    limit: float,
    *,
    thorough: bool = True,
    signed: bool = False,
    exact: frozenset[int] = frozenset(),
) -> Plan:
    """The plan of a pattern, made once and kept; see `make_plan`."""
    key = (tuple(sorted(pattern.items())), kept, free, signed, exact)
    found = compiled.plans.get(key)
    if isinstance(found, tuple):
        plan, searched = found
        if plan.entries <= limit and (searched or not thorough):
            return cast("Plan", plan)
    plan = make_plan(
        compiled,
        pattern,
        kept,
        free=free,
        limit=limit,
        thorough=thorough,
        signed=signed,
        exact=exact,
    )
    compiled.plans.put(key, (plan, thorough or plan.entries < SEARCHED))
    return plan


def _run(
    compiled: CompiledNetwork,
    plan: Plan,
    observed: Observed,
    weights: Mapping[int, Array],
    *,
    want_marginals: bool,
) -> tuple[Array, dict[int, Array]]:
    """Log P(evidence) and, where asked, the posteriors; on logarithms where plain doubles would not do."""
    run = forward(compiled, plan, observed, weights, LINEAR)
    log_total = LINEAR.decode_log(run.result)
    if (log_total >= UNDERFLOW).all():
        return log_total, {
            n: np.minimum(v, 1.0) for n, v in reverse(run, LINEAR).items()
        } if want_marginals else {}
    run = forward(compiled, plan, observed, weights, LOGARITHMIC)
    log_total = run.result
    if not want_marginals:
        return log_total, {}
    with np.errstate(invalid="ignore"):
        logs = reverse(run, LOGARITHMIC)
        return log_total, {
            n: np.where(np.isfinite(log_total), np.minimum(np.exp(v), 1.0), np.nan)
            for n, v in logs.items()
        }
