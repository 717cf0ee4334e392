"""Posteriors of large noisy-MAX leaves, without their tables.

P(leaf <= k, evidence) is P(evidence) with one more unary factor on each parent of the leaf. All
leaves and levels are one batch of such factors over one plan.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import cast

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor
from spinelink.inference.findings import Observed, States, pick, state_of
from spinelink.inference.interpreted.evidence import log_evidence, run_plan
from spinelink.inference.memory import BYTES
from spinelink.inference.plan.patterns import pattern_of
from spinelink.inference.plan.plan import Kind
from spinelink.inference.plan.planned import plan_for

Array = NDArray[np.float64]

LARGEST_RUN = 2.0**24
"""Entries of one run over many leaves and levels."""


def kept_and_leaves(
    compiled: CompiledNetwork, relevant: Iterable[int], *, group: list[int]
) -> tuple[frozenset[int], list[int]]:
    """Nodes of the run for a group of targets, and those of the group answered without a table.

    relevant: the findings and what is above them.
    """
    above = {p for n in group for p in compiled.above(n) if p != n}
    leaves = [n for n in group if n not in above and _is_large(compiled, n)]
    tops = [n for n in group if n not in leaves] + [p for n in leaves for p in compiled.parents[n]]
    return frozenset(relevant).union(*(compiled.above(n) for n in tops)), leaves


def _is_large(compiled: CompiledNetwork, node: int) -> bool:
    family = (*compiled.parents[node], node)
    entries = float(np.prod([float(compiled.cards[v]) for v in family]))
    return isinstance(compiled.factors[node], NoisyFactor) and entries > compiled.limits.leaf_family


def leaf_marginals(
    compiled: CompiledNetwork,
    observed: Observed,
    *,
    kept: frozenset[int],
    leaves: list[int],
    log_total: Array,
) -> dict[int, Array]:
    """Posteriors of noisy-MAX leaves, (states, batch). log_total: log P(evidence), (batch,)."""
    if not np.isfinite(log_total).any():
        return {n: np.full((compiled.cards[n], 1), np.nan) for n in leaves}
    parents = sorted(
        {p for n in leaves for p in compiled.parents[n] if state_of(observed, p) is None}
    )
    pattern: dict[int, Kind] = {**pattern_of(observed), **dict.fromkeys(parents, "soft")}
    plan = plan_for(compiled, pattern, kept=kept)
    levels = [(n, k) for n in leaves for k in range(compiled.cards[n] - 1)]
    batch = max(
        log_total.shape[0],
        *(f.leak.shape[-1] for n in leaves if isinstance(f := compiled.factors[n], NoisyFactor)),
    )
    # A level more is a row more of the run, of the weights and, under many draws, of the network.
    weighed = float(sum(compiled.cards[p] for p in parents))
    each = plan.held + weighed + (compiled.numbers if batch > 1 else 0)
    entries = min(compiled.memory_limit / (2.0 * BYTES), LARGEST_RUN)
    at_once = max(1, int(entries // (each * batch + 1)))
    at_most: dict[tuple[int, int], Array] = {}
    for start in range(0, len(levels), at_once):
        part = levels[start : start + at_once]
        weights, constant = _leaf_weights(
            compiled, observed, levels=part, parents=parents, batch=batch
        )
        logs, _ = run_plan(
            _tiled(compiled, batch, copies=len(part)),
            plan,
            observed={i: _tiled_finding(v, batch, copies=len(part)) for i, v in observed.items()},
            weights=weights,
            want_marginals=False,
        )
        logs = np.broadcast_to(logs, (batch * len(part),)).reshape(len(part), batch)
        with np.errstate(invalid="ignore"):  # NaN where a draw makes the findings impossible
            at_most |= dict(zip(part, np.exp(logs - log_total) * constant, strict=True))
    return {
        n: _differences(
            compiled,
            observed,
            node=n,
            at_most=[at_most[n, k] for k in range(compiled.cards[n] - 1)],
            log_total=log_total,
        )
        for n in leaves
    }


def _leaf_weights(
    compiled: CompiledNetwork,
    observed: Observed,
    *,
    levels: list[tuple[int, int]],
    parents: list[int],
    batch: int,
) -> tuple[dict[int, Array], Array]:
    """Unary factors on each hidden parent, (states, levels * batch); leak and observed parents.

    levels: (leaf, highest state). The second part is a factor for each level, (levels, batch).
    """
    weights = {p: np.ones((compiled.cards[p], len(levels), batch)) for p in parents}
    constant = np.ones((len(levels), batch))
    for position, (node, k) in enumerate(levels):
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


def _tiled_finding(value: int | Array | States, batch: int, *, copies: int) -> int | Array | States:
    if isinstance(value, int):
        return value
    rows = np.broadcast_to(value, (*value.shape[:-1], batch))
    return cast("Array | States", np.tile(rows, copies))


def _tiled(compiled: CompiledNetwork, batch: int, *, copies: int) -> CompiledNetwork:
    """The network with its batch axis repeated, so that draws and levels run together."""
    if batch == 1 or copies == 1:
        return compiled
    return compiled.map_arrays(lambda a: a if a.shape[-1] == 1 else np.tile(a, copies))


def _differences(
    compiled: CompiledNetwork,
    observed: Observed,
    *,
    node: int,
    at_most: list[Array],
    log_total: Array,
) -> Array:
    """P(node = k | evidence) from P(node <= k | evidence), (states, batch).

    Rare states are computed directly, as a difference would lose digits.
    """
    steps = [np.zeros_like(at_most[0]), *at_most, np.ones_like(at_most[0])]
    posterior = np.stack([high - low for low, high in itertools.pairwise(steps)])
    for k in range(1, compiled.cards[node]):
        if (posterior[k] < compiled.limits.rare_difference).any():
            with np.errstate(invalid="ignore"):  # NaN where a row is impossible
                posterior[k] = np.exp(log_evidence(compiled, {**observed, node: k}) - log_total)
    return posterior
