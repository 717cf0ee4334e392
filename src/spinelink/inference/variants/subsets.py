"""One case with each subset of its findings: 2^n answers from one plan that holds no finding at all.

A finding about a noisy-MAX is a sum of products of weights on its parents: P(at this level) = P(at
most it) - P(at most the one below). So is any subset of findings, and the products of all subsets are
few: for each finding one of its terms, or none. They run together above the findings, where little is
tied together. Each finding's terms are added up afterwards, along an axis of its own (Heckerman 1989
did so for one set of findings, by inclusion and exclusion).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.batches import batch_marginals
from spinelink.inference.findings import EvidenceBatch, Observed, is_soft
from spinelink.inference.memory import BYTES, room
from spinelink.inference.reasons import selections
from spinelink.inference.threads import thread_count
from spinelink.inference.variants.likelihood_events import Weights, terms_of

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Finding:
    """One finding as sums of weights.

    `weights[0]` is empty. Rows of `ways` give P(finding left out) and P(finding) as signed sums of the
    weights, shape (2, weights).
    """

    weights: list[Weights]
    ways: Array


def with_all_subsets(
    compiled: CompiledNetwork,
    observed: Observed,
    *,
    findings: Sequence[int],
    nodes: Sequence[int],
    on_progress: Callable[[int], object] | None = None,
) -> Marginals | None:
    """One case with every subset of some of its findings.

    Args:
        compiled: The network, with one value for each parameter.
        observed: The findings of one case.
        findings: Those that are left out or not; the others always hold.
        nodes: The nodes asked for.
        on_progress: Called with how many of the subsets are done, about.

    Returns:
        log P(subset), (2, ..., 2): an axis for each finding, 1 where it is in; and posteriors of the
        nodes, (states, 2, ..., 2). NaN where too many digits cancel: where a subset, or a state
        together with it, is impossible or much rarer than the products it comes from. None where
        there are too many products to run.
    """
    if selections(compiled, observed):
        return None  # a finding that is left out may be a reason
    fixed = {i: v for i, v in observed.items() if i not in set(findings)}
    terms = _terms(compiled, fixed, observed=observed, findings=findings, nodes=nodes)
    sizes = [len(t.weights) for t in terms]
    limits, rows = compiled.limits, prod(sizes)
    # Posteriors, joints and absolute terms of all products are held together.
    held = 4.0 * BYTES * rows * (1 + sum(compiled.cards[n] for n in nodes))
    if rows > limits.subset_rows or held > room(compiled.memory_limit):
        return None
    parts = []
    size = limits.subset_rows_at_once * thread_count(None)
    for begin in range(0, rows, size):
        piece = np.arange(begin, min(begin + size, rows))
        weights = _weights(compiled, fixed, terms=terms, piece=piece)
        batch = EvidenceBatch.repeated(
            compiled,
            fixed,
            weights or {findings[0]: np.ones((compiled.cards[findings[0]], len(piece)))},
        )
        answer = batch_marginals(
            compiled, batch, nodes=nodes, heavy=True, max_entries=limits.kernel_case
        )
        parts.append(answer)
        if on_progress is not None:
            on_progress(int(2 ** len(findings) * (piece[-1] + 1) / rows))
    return _summed(terms, Marginals.concatenated(parts), cancellation=limits.subset_cancellation)


def _summed(terms: Sequence[_Finding], products: Marginals, *, cancellation: float) -> Marginals:
    """Subsets from all products of terms; NaN where too many digits cancel."""
    logs = products.log_evidence
    top = float(logs.max(initial=-np.inf))
    p = np.exp(logs - top) if np.isfinite(top) else np.zeros(len(logs))
    total, precise = _added_up(p[np.newaxis], terms, cancellation=cancellation)
    joints = {}
    for n, posterior in products.posterior.items():
        weighed = np.nan_to_num(posterior) * p
        joints[n], sure = _added_up(weighed, terms, cancellation=cancellation)
        precise = precise & sure
    with np.errstate(divide="ignore", invalid="ignore"):
        return Marginals(
            np.where(precise, np.log(total[0]) + top, np.nan),
            {n: np.where(precise, joint / total, np.nan) for n, joint in joints.items()},
        )


def _terms(
    compiled: CompiledNetwork,
    fixed: Observed,
    *,
    observed: Observed,
    findings: Sequence[int],
    nodes: Sequence[int],
) -> list[_Finding]:
    """Each finding as a sum of weights on the variables that all runs hold.

    These are what is above the findings, so that what they share is not summed out.
    """
    here = frozenset(
        compiled.ancestors([*fixed, *nodes, *(p for i in findings for p in compiled.parents[i])])
    )
    while True:
        terms_of_all = []
        held = here
        for i in findings:
            value = observed[i]
            weight = (
                np.asarray(value)[:, 0]
                if is_soft(value)
                else (np.arange(compiled.cards[i]) == int(np.asarray(value))).astype(float)
            )
            kept, terms = terms_of(compiled, fixed, weights={i: weight}, here=here)
            held |= kept
            terms_of_all.append(_finding(terms))
        if held == here:
            return terms_of_all
        here = held  # what one finding needs, the others can lie on


def _finding(terms: Sequence[tuple[float, Weights]]) -> _Finding:
    """The terms of a finding, equal weights once."""
    weights: list[Weights] = [{}]
    place: dict[tuple[tuple[int, bytes], ...], int] = {(): 0}
    shares: dict[int, float] = {}
    for factor, term in terms:
        telling = {n: w for n, w in term.items() if (w != 1.0).any()}
        content = tuple((n, telling[n].tobytes()) for n in sorted(telling))
        k = place.setdefault(content, len(weights))
        if k == len(weights):
            weights.append(telling)
        shares[k] = shares.get(k, 0.0) + factor
    ways = np.zeros((2, len(weights)))
    ways[0, 0] = 1.0
    ways[1, list(shares)] = list(shares.values())
    return _Finding(weights, ways)


def _weights(
    compiled: CompiledNetwork,
    fixed: Observed,
    *,
    terms: Sequence[_Finding],
    piece: NDArray[np.intp],
) -> dict[int, Array]:
    """Weights (states, rows) of a piece of all products: one of each finding."""
    product = {
        i: np.repeat(np.asarray(w), len(piece), axis=1) for i, w in fixed.items() if is_soft(w)
    }
    sizes = [len(t.weights) for t in terms]
    for finding, place in zip(terms, np.unravel_index(piece, sizes), strict=True):
        for n in {n for weights in finding.weights for n in weights}:
            blank = np.ones(compiled.cards[n])
            columns = np.array([weights.get(n, blank) for weights in finding.weights]).T
            rows = columns[:, place]
            product[n] = product[n] * rows if n in product else rows
    return product


def _added_up(
    values: Array, findings: Sequence[_Finding], *, cancellation: float
) -> tuple[Array, NDArray[np.bool_]]:
    """(states, products) to (states, 2, ..., 2): of each finding nothing, or the sum of its weights.

    Also returns whether all states keep enough digits, (2, ..., 2).
    """
    sizes = [len(f.weights) for f in findings]
    values = values.reshape(len(values), *sizes)
    terms = np.abs(values)
    for axis, finding in enumerate(findings, start=1):
        values = np.moveaxis(np.tensordot(finding.ways, values, axes=(1, axis)), 0, axis)
        terms = np.moveaxis(np.tensordot(np.abs(finding.ways), terms, axes=(1, axis)), 0, axis)
    return values, ((values * cancellation > terms) | (terms == 0.0)).all(axis=0)
