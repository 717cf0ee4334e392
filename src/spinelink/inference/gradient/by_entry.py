"""Derivatives of P(findings) and of posteriors with respect to every entry of the network's arrays.

P(findings) is linear in each entry of each table, leak and link. One upward and one downward pass
over the plan therefore give all first derivatives at once (Darwiche 2003, J ACM 50:280). A
posterior P(x | findings) is a quotient of two such probabilities. All quotients are columns of the
batch axis and are computed together.

Every sum has non-negative terms until the last step, so nothing cancels. The difference form
(Díez and Galán 2003) is the exception: its cancellation is checked, and it is dropped if it loses
digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork, Factor, factor_arrays, map_factor
from spinelink.inference.findings import Observed
from spinelink.inference.gradient.by_reason import backward_by_reason
from spinelink.inference.gradient.pullback import Batch, Pullback
from spinelink.inference.interpreted.lanes import holding
from spinelink.inference.interpreted.run import Forward, forward, input_adjoints
from spinelink.inference.interpreted.semiring import LINEAR, LOGARITHMIC, Semiring
from spinelink.inference.memory import BYTES, check_answer_fits
from spinelink.inference.plan.patterns import pattern_of
from spinelink.inference.plan.plan import Kind, Plan
from spinelink.inference.plan.planned import plan_for

Array = NDArray[np.float64]
Target = tuple[int, int]
"""A hidden node and one of its states."""

SLOPES = 3.0
"""Arrays as large as all derivatives that a run holds at once: they are merged and multiplied."""


@dataclass(frozen=True, eq=False)
class Derivatives:
    """Derivatives by every entry, and the probabilities that they belong to.

    log_evidence: log P(findings). posteriors: P(target | findings), (targets,). factors: one array
    for each array of the network, as in `CompiledNetwork`, last axis 1 + targets. Column 0 is
    d log P(findings) / d entry; column k is d P(target k - 1 | findings) / d entry.

    Entries count as independent. To move along a distribution that stays normalised, add up the
    derivatives of its entries, each times the rate at which that entry moves.
    """

    log_evidence: float
    posteriors: Array
    factors: tuple[Factor, ...]


def derivatives(
    compiled: CompiledNetwork, observed: Observed, *, targets: Sequence[Target] = ()
) -> Derivatives:
    """Derivatives of log P(findings) and of each P(node = state | findings), by every entry.

    Args:
        compiled: The network with one value for each parameter (batch axis 1).
        observed: The findings of one case.
        targets: Hidden nodes and the states asked for. Where all together would exceed the memory
            limit they are answered in parts. Then only differences within a distribution hold: a
            constant over its states is left out where a target does not depend on it.

    Raises:
        ValueError: P(findings) is 0, or a target is observed.
        TooLargeError: The run exceeds the memory limit.
    """
    if any(isinstance(observed.get(node), int) for node, _ in targets):
        raise ValueError("a target is observed: its posterior does not depend on any parameter")
    weights = {node: np.ones((compiled.cards[node], 1 + len(targets))) for node, _ in targets}
    for k, (node, state) in enumerate(targets, start=1):
        weights[node][:, k] = 0.0
        weights[node][state, k] = 1.0
    try:
        return conditional_derivatives(compiled, observed, weights=weights)
    except TooLargeError:
        if len(targets) < 2:
            raise
    half = len(targets) // 2
    return _merge_targets(
        derivatives(compiled, observed, targets=targets[:half]),
        derivatives(compiled, observed, targets=targets[half:]),
    )


def _merge_targets(one: Derivatives, other: Derivatives) -> Derivatives:
    """The same findings with the targets of both.

    A family below the findings enters only the run of a target below it. Column 0 is therefore the
    larger one: that of the run in which the family takes part.
    """

    def both(a: Array, b: Array) -> Array:
        first = np.maximum(a[..., :1], b[..., :1])
        return np.concatenate([first, a[..., 1:], b[..., 1:]], axis=-1)

    return Derivatives(
        one.log_evidence,
        np.concatenate([one.posteriors, other.posteriors]),
        tuple(map_factor(both, f, g) for f, g in zip(one.factors, other.factors, strict=True)),
    )


def conditional_derivatives(
    compiled: CompiledNetwork, observed: Observed, *, weights: Mapping[int, Array]
) -> Derivatives:
    """Derivatives of log P(findings) and of P(event | findings) for several events.

    Args:
        compiled: As in `derivatives`.
        observed: As in `derivatives`.
        weights: The events: likelihoods 0 and 1 of hidden nodes, (states, 1 + events). Column 0 is
            all ones, column k is event k - 1.

    Raises:
        ValueError: P(findings) is 0.
        TooLargeError: The run exceeds the memory limit.
    """
    batch = Batch(compiled, observed, weights, _columns(weights.values()))
    logs, factors = _backward(batch, by_first=True)
    posteriors = np.exp(logs[1:] - logs[0])

    def quotient(slopes: Array) -> Array:
        """In place: dP(x, e) / P(e) becomes dP(x, e) / P(e) - P(x | e) dP(e) / P(e)."""
        if slopes.size and slopes.flags.writeable:
            slopes[..., 1:] -= posteriors * slopes[..., :1]
        return slopes

    return Derivatives(float(logs[0]), posteriors, tuple(map_factor(quotient, f) for f in factors))


def log_slopes(
    compiled: CompiledNetwork, observed: Observed, *, weights: Mapping[int, Array]
) -> tuple[Array, tuple[Factor, ...]]:
    """Log P(findings and weights), (columns,), and its derivatives by every entry.

    Args:
        compiled: The network with one value for each parameter, or one for each column.
        observed: The findings of one case.
        weights: Likelihoods of hidden nodes, (states, columns).

    Returns:
        The logarithms, and arrays as in `compiled` with columns as their last axis.

    Raises:
        ValueError: A column has probability 0.
        TooLargeError: The run exceeds the memory limit.
    """
    arrays = [a for f in compiled.factors for a in factor_arrays(f)]
    batch = Batch(compiled, observed, weights, _columns([*weights.values(), *arrays]))
    return _backward(batch, by_first=False)


def expected_counts(compiled: CompiledNetwork, observed: Observed) -> Derivatives:
    """How often each entry is expected to have been drawn, given the findings: what EM needs.

    The count is entry times d log P(findings) / d entry, arrays (entries..., 1). For a table these
    are the posterior probabilities of (parents, node). For a noisy-MAX they are the posterior
    probabilities of each parent's own contribution. Raises as `derivatives`.
    """
    found = derivatives(compiled, observed)
    counts = tuple(
        map_factor(np.multiply, entry, slope)
        for entry, slope in zip(compiled.factors, found.factors, strict=True)
    )
    return Derivatives(found.log_evidence, found.posteriors, counts)


def _columns(arrays: Iterable[Array]) -> int:
    return max((a.shape[-1] for a in arrays), default=1)


# One run. "Denominators" are the probabilities that the derivatives of each column are divided by.


def _backward(batch: Batch, *, by_first: bool) -> tuple[Array, tuple[Factor, ...]]:
    """Logarithms of the columns' probabilities P_k, and dP_k / d entry over the denominators.

    by_first: the denominator of every column is P_0; else it is P_k itself.
    """
    summed = backward_by_reason(batch, _backward, by_first=by_first)
    if summed is not None:
        return summed
    plan: Plan | None = None
    too_large: TooLargeError | None = None
    try:
        plan = _plan(batch, thorough=False)
    except TooLargeError as error:
        too_large = error
    limits = batch.compiled.limits
    if plan is None or plan.entries * batch.columns > limits.plain_gradient_entries:
        answer = _in_difference_form(batch, by_first=by_first)
        if answer is not None:
            return answer
    if too_large is not None:
        raise too_large
    return _without_subtraction(batch, by_first=by_first)


def _plan(batch: Batch, *, thorough: bool = True, difference_form: bool = False) -> Plan:
    pattern: dict[int, Kind] = {
        **dict.fromkeys(batch.weights, "soft"),
        **pattern_of(batch.observed),
    }
    compiled = batch.compiled
    slopes = sum(
        a.size // a.shape[-1] for i in batch.relevant for a in factor_arrays(compiled.factors[i])
    )
    size = SLOPES * BYTES * slopes * batch.columns
    check_answer_fits(size, compiled.memory_limit, what=f"{batch.columns} gradients")
    return plan_for(
        batch.compiled,
        pattern,
        kept=batch.relevant,
        max_entries=batch.compiled.max_entries / batch.columns,
        thorough=thorough,
        difference_form=difference_form,
    )


def _without_subtraction(batch: Batch, *, by_first: bool) -> tuple[Array, tuple[Factor, ...]]:
    """One run in plain doubles or, where a denominator underflows, on logarithms."""
    plan = _plan(batch)
    with holding(batch.compiled, plan, batch.columns):
        return _run(batch, plan, by_first=by_first)


def _run(batch: Batch, plan: Plan, *, by_first: bool) -> tuple[Array, tuple[Factor, ...]]:
    ring: Semiring = LINEAR
    run, logs, denominators = _forward(batch, plan, ring=ring, by_first=by_first)
    if not (denominators >= batch.compiled.limits.underflow).all():
        del run  # the two runs are not held at once
        ring = LOGARITHMIC
        run, logs, denominators = _forward(batch, plan, ring=ring, by_first=by_first)
    if not np.isfinite(denominators).all():
        raise ValueError(
            "the findings cannot occur together: "
            "P(findings) is 0 and has no derivative of its logarithm"
        )
    seed = np.broadcast_to(-denominators, (batch.columns,))
    pullback = Pullback(batch, ring)
    adjoints = input_adjoints(run, ring, seed=seed if ring is LOGARITHMIC else np.exp(seed))
    for spec, adjoint in zip(plan.inputs, adjoints, strict=True):
        if adjoint is not None:
            pullback.backward(spec, adjoint)
    if ring is LOGARITHMIC:
        return logs, tuple(map_factor(np.exp, f) for f in pullback.factors)
    return logs, tuple(pullback.factors)


def _forward(
    batch: Batch, plan: Plan, *, ring: Semiring, by_first: bool
) -> tuple[Forward, Array, Array]:
    """A run, the logarithms of the columns' probabilities, and those of their denominators."""
    run = forward(batch.compiled, plan, observed=batch.observed, ring=ring, weights=batch.weights)
    logs = np.broadcast_to(ring.decode_log(run.result), (batch.columns,))
    return run, logs, logs[:1] if by_first else logs


def _in_difference_form(batch: Batch, *, by_first: bool) -> tuple[Array, tuple[Factor, ...]] | None:
    """The same in difference form; None where its plan is too large or it loses digits."""
    try:
        plan = _plan(batch, difference_form=True)
    except TooLargeError:
        return None
    with holding(batch.compiled, plan, batch.columns):
        return _run_in_difference_form(batch, plan, by_first=by_first)


def _run_in_difference_form(
    batch: Batch, plan: Plan, *, by_first: bool
) -> tuple[Array, tuple[Factor, ...]] | None:
    run = forward(batch.compiled, plan, observed=batch.observed, ring=LINEAR, weights=batch.weights)
    with np.errstate(invalid="ignore"):
        logs = np.broadcast_to(LINEAR.decode_log(run.result), (batch.columns,))
    denominators = logs[:1] if by_first else logs
    if not (denominators >= batch.compiled.limits.underflow).all():
        return None
    seed = np.broadcast_to(np.exp(-denominators), (batch.columns,))
    adjoints = input_adjoints(run, LINEAR, seed=seed)
    ratios = seed * run.result
    scale = 1.0 if by_first else ratios
    pullback = Pullback(batch, LINEAR)
    for k, (spec, adjoint) in enumerate(zip(plan.inputs, adjoints, strict=True)):
        if adjoint is None:
            continue
        if not _keeps_digits(batch, run.values[k] * adjoint, ratios=ratios, scale=scale):
            return None
        pullback.backward(spec, adjoint)
    return logs, tuple(pullback.factors)


def _keeps_digits(batch: Batch, terms: Array, *, ratios: Array, scale: Array | float) -> bool:
    """Cancellation check of one input: whether its terms add up to the probability again.

    P is linear in each input, so an input times its adjoint sums to P. If subtraction cancelled too
    much, the sum misses P, or the absolute terms far exceed it.
    """
    limits = batch.compiled.limits
    axes = tuple(range(terms.ndim - 1))
    agrees = np.abs(terms.sum(axis=axes) - ratios) <= limits.agreement * scale
    small = np.abs(terms).sum(axis=axes) <= limits.cancellation * scale
    return bool((agrees & small).all())
