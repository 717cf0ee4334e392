"""Simulated patients, exactly from P(all nodes | findings): back along the plan of the sum, and then down the network.

The forward pass leaves every intermediate table; going back, each node that was summed out is drawn given what has been drawn already (Dawid 1992),
and where two factors met in a maximum, the pair of levels that made it. Nodes on which no finding depends are drawn from their CPDs. Nothing is rejected
and nothing is weighted, however rare the findings.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork, TableFactor
from spinelink.inference.findings import Observed
from spinelink.inference.interpreted.marginals import (
    ENTRY,
    UNDERFLOW,
    conditioned,
    log_evidence,
    pattern_of,
    plan_for,
)
from spinelink.inference.interpreted.run import Forward, forward
from spinelink.inference.interpreted.semiring import LINEAR, LOGARITHMIC
from spinelink.inference.plan.plan import Close, Combine, Plan, SumOut, TakeTop

Array = NDArray[np.float64]
Codes = NDArray[np.int64]


def sample(
    compiled: CompiledNetwork,
    observed: Observed,
    size: int,
    rng: np.random.Generator,
    *,
    budget: float | None = None,
) -> Codes:
    """States of all nodes, (size, nodes), drawn from P(nodes | findings).

    seen: one case. Raises ValueError where P(findings) is 0, TooLargeError where the exact answer exceeds the budget (bytes).
    """
    budget = compiled.memory_limit if budget is None else budget
    codes = np.full((size, len(compiled.names)), -1, dtype=np.int64)
    above = compiled.ancestors(observed)
    try:
        plan = plan_for(compiled, pattern_of(observed), frozenset(above), (), budget / ENTRY)
    except TooLargeError as too_large:
        cases = conditioned(compiled, observed, above, too_large, budget / ENTRY)
        logs = np.array([float(log_evidence(compiled, case, budget=budget)[0]) for case in cases])
        if not np.isfinite(logs).any():
            raise ValueError(
                "the findings cannot occur together: there is nothing to draw from"
            ) from None
        shares = np.exp(logs - logs.max())
        counts = rng.multinomial(size, shares / shares.sum())
        parts = [
            sample(compiled, case, int(n), rng, budget=budget)
            for case, n in zip(cases, counts, strict=True)
            if n
        ]
        found: Codes = rng.permutation(np.concatenate(parts)) if parts else codes
        return found
    for node, value in observed.items():
        if isinstance(value, int):
            codes[:, node] = value
    _draw_above(compiled, plan, observed, codes, rng)
    for node in compiled.order:
        if node not in above:
            codes[:, node] = _from_cpd(compiled, node, codes, rng)
    return codes


def _from_cpd(
    compiled: CompiledNetwork, node: int, codes: Codes, rng: np.random.Generator
) -> Codes:
    """A node given its parents. A noisy-MAX: the largest of the draws of leak and links."""
    factor = compiled.factors[node]
    if isinstance(factor, TableFactor):
        given = tuple(codes[:, p] for p in factor.parents)
        return _drawn(
            np.moveaxis(factor.table[..., 0][given], -1, 0) if given else factor.table[:, 0],
            len(codes),
            rng,
        )
    worst = _drawn(factor.leak[:, 0], len(codes), rng)
    for p, link in zip(factor.parents, factor.links, strict=True):
        worst = np.maximum(worst, _drawn(link[codes[:, p], :, 0].T, len(codes), rng))
    return worst


def _drawn(weights: Array, size: int, rng: np.random.Generator) -> Codes:
    """Indices drawn in proportion to the weights, (states, size) or (states,) for all."""
    cumulative = np.cumsum(weights.reshape(len(weights), -1), axis=0)  # (states, size or 1)
    uniform = rng.random(size) * cumulative[-1]
    # Never a state of weight 0: the first whose cumulative weight exceeds the draw.
    found: Codes = np.minimum((cumulative <= uniform).sum(axis=0), len(weights) - 1).astype(
        np.int64
    )
    return found


def _draw_above(
    compiled: CompiledNetwork,
    plan: Plan,
    observed: Observed,
    codes: Codes,
    rng: np.random.Generator,
) -> None:
    """The hidden nodes of the plan, written into `codes`."""
    run = forward(compiled, plan, observed, {}, LINEAR)
    log_total = float(LINEAR.decode_log(run.result)[0])
    logarithmic = log_total < UNDERFLOW
    if logarithmic:
        run = forward(compiled, plan, observed, {}, LOGARITHMIC)
        log_total = float(run.result[0])
    if not np.isfinite(log_total):
        raise ValueError("the findings cannot occur together: there is nothing to draw from")
    walk = _Walk(run, len(codes), rng, logarithmic)
    walk.back()
    for node, states in walk.states.items():
        codes[:, node] = states


class _Walk:
    """Goes back over a run; for every factor it knows each draw's index along each axis, (axes, draws)."""

    def __init__(
        self, run: Forward, size: int, rng: np.random.Generator, logarithmic: bool
    ) -> None:
        self.run, self.size, self.rng, self.logarithmic = run, size, rng, logarithmic
        self.at: dict[int, Codes] = {run.plan.result: np.zeros((0, size), dtype=np.int64)}
        self.states: dict[int, Codes] = {}

    def back(self) -> None:
        for step in reversed(self.run.plan.steps):
            at = self.at.pop(step.out)
            match step:
                case SumOut():
                    weights = self._values(step.source)[
                        (slice(None), *at)
                    ]  # (states,) or (states, draws)
                    drawn = _drawn(self._linear(weights), self.size, self.rng)
                    self.states[step.vertex] = drawn
                    self.at[step.source] = np.concatenate([drawn[np.newaxis], at])
                case TakeTop():
                    self.at[step.source] = np.concatenate(
                        [np.ones((1, self.size), dtype=np.int64), at]
                    )
                case Close():
                    own = at[step.position][np.newaxis]
                    rest = at if step.diagonal else np.delete(at, step.position, axis=0)
                    self.at[step.source] = np.concatenate([own, rest])
                case Combine():
                    self._part(step, at)

    def _values(self, factor: int) -> Array:
        return self.run.values[factor][..., 0]

    def _linear(self, weights: Array) -> Array:
        if not self.logarithmic:
            return weights
        with np.errstate(invalid="ignore"):
            scaled = np.exp(weights - weights.max(axis=0))
        return np.asarray(np.nan_to_num(scaled, nan=0.0))

    def _part(self, step: Combine, at: Codes) -> None:
        """Plain axes are as in the result; along an axis of a maximum the pair of levels is drawn."""
        kept = [
            [k for k in range(len(step.shape_a)) if k not in absent]
            for absent in (step.absent_a, step.absent_b)
        ]
        if not step.deputy_axes:
            self.at[step.a], self.at[step.b] = at[kept[0]], at[kept[1]]
            return
        first, second = at.copy(), at.copy()
        levels = at[list(step.deputy_axes)]
        for reached in np.unique(levels, axis=1).T:
            rows = np.flatnonzero((levels == reached[:, np.newaxis]).all(axis=0))
            pairs = list(
                product(
                    *(
                        [(x, y) for x in range(m + 1) for y in range(m + 1) if max(x, y) == m]
                        for m in reached
                    )
                )
            )
            indices = []
            weights = np.empty((len(pairs), len(rows)))
            for n, pair in enumerate(pairs):
                own = [at[:, rows].copy(), at[:, rows].copy()]
                for axis, (x, y) in zip(step.deputy_axes, pair, strict=True):
                    own[0][axis], own[1][axis] = x, y
                values = [
                    self._values(f)[tuple(i[k])]
                    for f, i, k in zip((step.a, step.b), own, kept, strict=True)
                ]
                weights[n] = values[0] + values[1] if self.logarithmic else values[0] * values[1]
                indices.append(own)
            drawn = _drawn(self._linear(weights), len(rows), self.rng)
            for n, own in enumerate(indices):
                chosen = drawn == n
                first[:, rows[chosen]], second[:, rows[chosen]] = (
                    own[0][:, chosen],
                    own[1][:, chosen],
                )
        self.at[step.a], self.at[step.b] = first[kept[0]], second[kept[1]]
