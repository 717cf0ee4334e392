"""One case with each subset of its findings: 2^n answers from one plan that holds no finding at all.

A finding about a noisy-MAX is a sum of products of weights on its parents: P(at this level) = P(at most it) - P(at most the one below). So is any subset of
findings, and the products of all subsets are few: for each finding one of its terms, or none. They run side by side above the findings, where little is tied
together, and each finding's terms are added up afterwards, along an axis of its own (Heckerman 1989 did so for one set of findings, by inclusion and exclusion).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed, is_soft
from spinelink.inference.kernel import flat as fast
from spinelink.inference.variants.likelihood_events import Weights, terms_of, with_weights

Array = NDArray[np.float64]

MOST_ROWS = 1 << 18  # products of terms that are run
PIECE = 1024  # rows at once
CANCELLED = 1e6  # a sum that is so many times smaller than its terms in all has too few digits


@dataclass(frozen=True, eq=False)
class _Finding:
    """Weights, the first of which are none, and how (out, in) are sums of these, (2, weights)."""

    weights: list[Weights]
    ways: Array


def with_all_subsets(
    compiled: CompiledNetwork,
    observed: Observed,
    findings: Sequence[int],
    nodes: Sequence[int],
    *,
    on_progress: Callable[[int], object] | None = None,
) -> Marginals | None:
    """Log P(subset), (2, ..., 2): an axis a finding, 1 where it is in; posteriors of the nodes, (states, 2, ..., 2). Not numbers where
    too many digits cancel: where a subset, or a state together with it, is impossible or much rarer than the products it comes from.

    seen: one case. findings: those that are left out or not; the others always hold. report: called with how many of the subsets are done, about.
    None where there are too many products to run.
    """
    fixed = {i: v for i, v in observed.items() if i not in set(findings)}
    terms = _terms(compiled, fixed, observed, findings, nodes)
    sizes = [len(t.weights) for t in terms]
    rows = prod(sizes)
    if rows > MOST_ROWS:
        return None
    pieces = [np.arange(k, min(k + PIECE, rows)) for k in range(0, rows, PIECE)]
    soft = {i: np.asarray(v) for i, v in fixed.items() if is_soft(v)}
    if fast.is_available():
        fast.flat_of(compiled)  # made once, before the threads part

    def run(piece: NDArray[np.intp]) -> Marginals:
        weights = _weights(compiled, soft, terms, sizes, piece)
        return with_weights(
            compiled,
            fixed,
            weights or {findings[0]: np.ones((compiled.cards[findings[0]], len(piece)))},
            list(nodes),
        )

    found = []
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        for piece, answer in zip(pieces, pool.map(run, pieces), strict=True):
            found.append(answer)
            if on_progress is not None:
                on_progress(int(2 ** len(findings) * (piece[-1] + 1) / rows))
    logs = np.concatenate(
        [np.broadcast_to(a.log_evidence, (len(p),)) for a, p in zip(found, pieces, strict=True)]
    )
    top = float(logs.max(initial=-np.inf))
    p = np.exp(logs - top) if np.isfinite(top) else np.zeros(rows)
    total, kept = _added_up(p[np.newaxis], terms, sizes)
    of = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for n in nodes:
            own = np.concatenate(
                [
                    np.broadcast_to(a.of[n], (compiled.cards[n], len(piece)))
                    for a, piece in zip(found, pieces, strict=True)
                ],
                axis=1,
            )
            of[n], sure = _added_up(np.nan_to_num(own) * p, terms, sizes)
            kept = kept & sure
        logs = np.where(kept, np.log(total[0]) + top, np.nan)
        return Marginals(
            logs, {n: np.where(kept, joint / total, np.nan) for n, joint in of.items()}
        )


def _terms(
    compiled: CompiledNetwork,
    fixed: Observed,
    observed: Observed,
    findings: Sequence[int],
    nodes: Sequence[int],
) -> list[_Finding]:
    """Each finding as a sum of weights on the variables that all runs hold: what is above the findings, so that what they share is not summed out."""
    here = frozenset(
        compiled.ancestors([*fixed, *nodes, *(p for i in findings for p in compiled.parents[i])])
    )
    while True:
        found = []
        held = here
        for i in findings:
            value = observed[i]
            weight = (
                np.asarray(value)[:, 0]
                if is_soft(value)
                else (np.arange(compiled.cards[i]) == int(np.asarray(value))).astype(float)
            )
            kept, terms = terms_of(compiled, fixed, {i: weight}, here)
            held |= kept
            found.append(_finding(terms))
        if held == here:
            return found
        here = held  # what one finding needs, the others can lie on


def _finding(terms: Sequence[tuple[float, Weights]]) -> _Finding:
    """Equal weights once."""
    weights: list[Weights] = [{}]
    place: dict[tuple[tuple[int, bytes], ...], int] = {(): 0}
    shares: dict[int, float] = {}
    for factor, each in terms:
        own = {n: w for n, w in each.items() if (w != 1.0).any()}
        k = place.setdefault(tuple((n, own[n].tobytes()) for n in sorted(own)), len(weights))
        if k == len(weights):
            weights.append(own)
        shares[k] = shares.get(k, 0.0) + factor
    ways = np.zeros((2, len(weights)))
    ways[0, 0] = 1.0
    ways[1, list(shares)] = list(shares.values())
    return _Finding(weights, ways)


def _weights(
    compiled: CompiledNetwork,
    soft: Mapping[int, Array],
    findings: Sequence[_Finding],
    sizes: Sequence[int],
    piece: NDArray[np.intp],
) -> dict[int, Array]:
    """Weights (states, rows) of a piece of all products: one of each finding."""
    found = {i: np.repeat(w, len(piece), axis=1) for i, w in soft.items()}
    for each, place in zip(findings, np.unravel_index(piece, sizes), strict=True):
        for n in {n for weights in each.weights for n in weights}:
            own = np.array(
                [weights.get(n, np.ones(compiled.cards[n])) for weights in each.weights]
            ).T  # (states, weights)
            found[n] = found[n] * own[:, place] if n in found else own[:, place]
    return found


def _added_up(
    values: Array, findings: Sequence[_Finding], sizes: Sequence[int]
) -> tuple[Array, NDArray[np.bool_]]:
    """(states, products) to (states, 2, ..., 2): of each finding nothing, or the sum of its weights; and whether all states keep enough digits, (2, ..., 2)."""
    values = values.reshape(len(values), *sizes)
    terms = np.abs(values)
    for axis, each in enumerate(findings, start=1):
        values = np.moveaxis(np.tensordot(each.ways, values, axes=(1, axis)), 0, axis)
        terms = np.moveaxis(np.tensordot(np.abs(each.ways), terms, axes=(1, axis)), 0, axis)
    return values, ((values * CANCELLED > terms) | (terms == 0.0)).all(axis=0)
