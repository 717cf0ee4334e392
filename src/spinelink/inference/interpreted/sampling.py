"""Simulated patients, exactly from P(all nodes | findings).

The forward pass leaves every intermediate table. Going back, each node that was summed out is drawn
given what has been drawn already (Dawid 1992). Where two factors met in a maximum, the pair of levels
that made it is drawn. Nodes on which no finding depends are then drawn from their CPDs. Nothing is
rejected and nothing is weighted, however rare the findings.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork, TableFactor
from spinelink.inference.findings import HIDDEN, Observed, States
from spinelink.inference.interpreted.conditioning import conditioned
from spinelink.inference.interpreted.evidence import log_evidence
from spinelink.inference.interpreted.lanes import holding
from spinelink.inference.interpreted.run import Forward, forward
from spinelink.inference.interpreted.semiring import LINEAR, LOGARITHMIC
from spinelink.inference.memory import BYTES, check_answer_fits, room
from spinelink.inference.plan.patterns import pattern_of
from spinelink.inference.plan.plan import Plan
from spinelink.inference.plan.planned import plan_for
from spinelink.inference.plan.steps import Close, Combine, SumOut, TakeTop
from spinelink.inference.reasons import WeightedCase, by_reason

Array = NDArray[np.float64]

INDICES = 12
"""Indices that a walk holds for each node of each patient, about."""


def sample(
    compiled: CompiledNetwork, observed: Observed, *, size: int, rng: np.random.Generator
) -> States:
    """States of all nodes, (size, nodes), drawn from P(nodes | findings).

    Args:
        compiled: The network, with one value for each parameter.
        observed: The findings of one case.
        size: How many patients.
        rng: Where the randomness comes from.

    Raises:
        ValueError: P(findings) is 0.
        TooLargeError: The memory limit does not do, not even by conditioning.
    """
    row = BYTES * len(compiled.names)
    what = f"the states of {size:,} simulated patients"
    check_answer_fits(row * size, compiled.memory_limit, what=what)
    # A walk back over the run holds some indices for each node of each patient.
    at_once = max(1, int(room(compiled.memory_limit) / (INDICES * row)))
    if size <= at_once:
        return _sample(compiled, observed, size=size, rng=rng)
    sizes = [min(at_once, size - k) for k in range(0, size, at_once)]
    return np.concatenate([_sample(compiled, observed, size=n, rng=rng) for n in sizes])


def _sample(
    compiled: CompiledNetwork, observed: Observed, *, size: int, rng: np.random.Generator
) -> States:
    """See `sample`; the patients fit into memory together."""
    reasons = by_reason(compiled, observed)
    if reasons is not None:
        return _by_reasons(compiled, reasons, size=size, rng=rng)
    above = compiled.ancestors(observed)
    try:
        plan = plan_for(compiled, pattern_of(observed), kept=above)
    except TooLargeError as too_large:
        cases = conditioned(compiled, observed, kept=above, too_large=too_large)
        return _by_cases(compiled, cases, size=size, rng=rng)
    states = np.full((size, len(compiled.names)), HIDDEN, dtype=np.int64)
    for node, value in observed.items():
        if isinstance(value, int):
            states[:, node] = value
    for node, drawn in _draw_above(compiled, plan, observed=observed, size=size, rng=rng).items():
        states[:, node] = drawn
    for node in compiled.order:
        if node not in above:
            states[:, node] = _from_cpd(compiled, node, states=states, rng=rng)
    return states


def _by_reasons(
    compiled: CompiledNetwork, cases: list[WeightedCase], *, size: int, rng: np.random.Generator
) -> States:
    """Selected people: first for which reason each came, then the rest."""
    logs = np.array([float((c.log_weight + log_evidence(compiled, c.observed))[0]) for c in cases])
    if not np.isfinite(logs).any():
        raise ValueError("the findings cannot occur together")
    shares = np.exp(logs - logs.max())
    counts = rng.multinomial(size, shares / shares.sum())
    parts = [
        _sample(compiled, case.observed, size=int(n), rng=rng)
        for case, n in zip(cases, counts, strict=True)
        if n
    ]
    drawn = np.concatenate(parts) if parts else np.empty((0, len(compiled.names)), dtype=np.int64)
    return drawn[rng.permutation(len(drawn))]


def _by_cases(
    compiled: CompiledNetwork, cases: list[Observed], *, size: int, rng: np.random.Generator
) -> States:
    """Draws the case of each patient, and then the patient."""
    logs = np.array([float(log_evidence(compiled, case)[0]) for case in cases])
    if not np.isfinite(logs).any():
        raise ValueError("the findings cannot occur together: there is nothing to draw from")
    shares = np.exp(logs - logs.max())
    counts = rng.multinomial(size, shares / shares.sum())
    parts = [
        sample(compiled, case, size=int(n), rng=rng)
        for case, n in zip(cases, counts, strict=True)
        if n
    ]
    if not parts:
        return np.empty((0, len(compiled.names)), dtype=np.int64)
    return np.asarray(rng.permutation(np.concatenate(parts)))


def _from_cpd(
    compiled: CompiledNetwork, node: int, *, states: States, rng: np.random.Generator
) -> States:
    """A node given its parents. A noisy-MAX: the largest of the draws of leak and links."""
    factor = compiled.factors[node]
    if isinstance(factor, TableFactor):
        given = tuple(states[:, p] for p in factor.parents)
        return _draw(
            np.moveaxis(factor.table[..., 0][given], -1, 0) if given else factor.table[:, 0],
            size=len(states),
            rng=rng,
        )
    highest = _draw(factor.leak[:, 0], size=len(states), rng=rng)
    for p, link in zip(factor.parents, factor.links, strict=True):
        highest = np.maximum(highest, _draw(link[states[:, p], :, 0].T, size=len(states), rng=rng))
    return highest


def _draw(weights: Array, *, size: int, rng: np.random.Generator) -> States:
    """Indices drawn in proportion to the weights, (states, size) or (states,) for all."""
    cumulative = np.cumsum(weights.reshape(len(weights), -1), axis=0)  # (states, size or 1)
    uniform = rng.random(size) * cumulative[-1]
    # Never a state of weight 0: the first whose cumulative weight exceeds the draw.
    index = np.minimum((cumulative <= uniform).sum(axis=0), len(weights) - 1)
    return np.asarray(index, dtype=np.int64)


def _draw_above(
    compiled: CompiledNetwork,
    plan: Plan,
    *,
    observed: Observed,
    size: int,
    rng: np.random.Generator,
) -> dict[int, States]:
    """States of the hidden nodes of the plan, (size,) each."""
    with holding(compiled, plan, 1):
        return _walked(compiled, plan, observed=observed, size=size, rng=rng)


def _walked(
    compiled: CompiledNetwork,
    plan: Plan,
    *,
    observed: Observed,
    size: int,
    rng: np.random.Generator,
) -> dict[int, States]:
    run = forward(compiled, plan, observed=observed, ring=LINEAR)
    log_total = float(LINEAR.decode_log(run.result)[0])
    logarithmic = log_total < compiled.limits.underflow
    if logarithmic:
        del run  # the two runs are not held at once
        run = forward(compiled, plan, observed=observed, ring=LOGARITHMIC)
        log_total = float(run.result[0])
    if not np.isfinite(log_total):
        raise ValueError("the findings cannot occur together: there is nothing to draw from")
    walk = _Walk(run, size, rng=rng, logarithmic=logarithmic)
    walk.back()
    return walk.states


class _Walk:
    """Goes back over a run; for every factor it knows each draw's index along each axis.

    at: factor to (axes, draws). states: node to (draws,).
    """

    def __init__(
        self, run: Forward, size: int, *, rng: np.random.Generator, logarithmic: bool
    ) -> None:
        self.run, self.size, self.rng, self.logarithmic = run, size, rng, logarithmic
        self.at: dict[int, States] = {run.plan.result: np.zeros((0, size), dtype=np.int64)}
        self.states: dict[int, States] = {}

    def back(self) -> None:
        """Draws every node that was summed out."""
        for step in reversed(self.run.plan.steps):
            at = self.at.pop(step.out)
            match step:
                case SumOut():
                    weights = self._values(step.source)[
                        (slice(None), *at)
                    ]  # (states,) or (states, draws)
                    drawn = _draw(self._linear(weights), size=self.size, rng=self.rng)
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

    def _part(self, step: Combine, at: States) -> None:
        """Plain axes are as in the result; along a deputy axis the pair of levels is drawn."""
        kept_a = [k for k in range(len(step.shape_a)) if k not in step.absent_a]
        kept_b = [k for k in range(len(step.shape_b)) if k not in step.absent_b]
        first, second = at.copy(), at.copy()
        if step.deputy_axes:
            axes = list(step.deputy_axes)
            levels = at[axes]
            for reached in np.unique(levels, axis=1).T:
                rows = np.flatnonzero((levels == reached[:, np.newaxis]).all(axis=0))
                # All pairs of levels whose maximum is the level reached, along every deputy axis.
                pairs = np.array(list(product(*(_pairs(int(m)) for m in reached))))
                index_a = np.repeat(at[:, np.newaxis, rows], len(pairs), axis=1)
                index_b = index_a.copy()  # (axes, pairs, rows)
                index_a[axes] = pairs[:, :, 0].T[:, :, np.newaxis]
                index_b[axes] = pairs[:, :, 1].T[:, :, np.newaxis]
                a = self._values(step.a)[tuple(index_a[kept_a])]
                b = self._values(step.b)[tuple(index_b[kept_b])]
                weights = self._linear(a + b if self.logarithmic else a * b)
                drawn = _draw(weights, size=len(rows), rng=self.rng)
                first[:, rows] = index_a[:, drawn, np.arange(len(rows))]
                second[:, rows] = index_b[:, drawn, np.arange(len(rows))]
        self.at[step.a], self.at[step.b] = first[kept_a], second[kept_b]


def _pairs(maximum: int) -> list[tuple[int, int]]:
    """Pairs of levels with this maximum."""
    levels = range(maximum + 1)
    return [(x, y) for x in levels for y in levels if max(x, y) == maximum]
