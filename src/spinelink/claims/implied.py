"""What a network implies for claims: the figures, and their derivatives.

Every figure is a sum of logarithms of probabilities, with signs (`log_terms`). The log odds of
P(finding | condition), for example, are log P(finding, condition) less log P(no finding,
condition). Each probability is of a conjunction: nodes, and the states of which one holds.

Where people are selected, each probability is that of the conjunction and of being selected. Their
quotients are about the selected, so that "everybody" is a conjunction too, with a probability
below 1.

All probabilities that some claims need are rows of one batch. For derivatives, those about the same
nodes are columns of one run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.claims.signed_sums import (
    CERTAIN,
    Conjunction,
    Sum,
    complement,
    event_sum,
    minus,
    times,
)
from spinelink.errors import SpinelinkError
from spinelink.inference.answer import batch_marginals
from spinelink.inference.arrays import CompiledNetwork, Factor, factor_arrays, map_factor
from spinelink.inference.engine import KERNEL, engine_for
from spinelink.inference.findings import EvidenceBatch, Observed, States
from spinelink.inference.gradient.by_entry import log_slopes
from spinelink.inference.gradient.by_row import EvidenceRows
from spinelink.inference.threads import in_threads
from spinelink.network.claim import Claim
from spinelink.network.network import Network

Array = NDArray[np.float64]
COLUMNS = 64
"""Probabilities that one run of NumPy computes together."""


@dataclass(frozen=True)
class LogTerms:
    """A figure on its scale of comparison: the sum of sign * log(sum of probabilities)."""

    terms: tuple[tuple[int, Sum], ...]

    def scaled(self, answers: Mapping[Conjunction, float]) -> float:
        """The figure, from the probabilities of its conjunctions."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(
                sum(
                    sign * np.log(max(sum(n * answers[key] for key, n in part.items()), 0.0))
                    for sign, part in self.terms
                )
            )


def log_terms(network: Network, claim: Claim) -> LogTerms:
    """The claim's figure, on the scale of `Claim.scaled`, as logarithms of probabilities."""
    among = CERTAIN if claim.population is None else event_sum(network, claim.population)
    condition = event_sum(network, claim.condition)
    with_it = times(network, condition, among)
    if claim.kind == "prevalence":
        return LogTerms(((1, with_it), (-1, minus(among, with_it))))
    assert claim.finding is not None
    finding = event_sum(network, claim.finding)
    against = (
        complement(network, claim.condition)
        if claim.comparator is None
        else event_sum(network, claim.comparator)
    )
    without = times(network, against, among)
    both, only_finding = times(network, finding, with_it), times(network, finding, without)
    only_condition, neither = minus(with_it, both), minus(without, only_finding)
    terms: dict[str, tuple[tuple[int, Sum], ...]] = {
        "sensitivity": ((1, both), (-1, only_condition)),
        "p_finding_given_condition": ((1, both), (-1, only_condition)),
        "specificity": ((1, neither), (-1, only_finding)),
        "p_finding_given_no_condition": ((1, only_finding), (-1, neither)),
        "post_test_probability": ((1, both), (-1, only_finding)),
        "lr_positive": ((1, both), (-1, with_it), (-1, only_finding), (1, without)),
        "relative_risk": ((1, both), (-1, with_it), (-1, only_finding), (1, without)),
        "lr_negative": ((1, only_condition), (-1, with_it), (-1, neither), (1, without)),
        "odds_ratio": ((1, both), (-1, only_condition), (-1, only_finding), (1, neither)),
    }
    return LogTerms(terms[claim.kind])


@dataclass(frozen=True, eq=False)
class Implied:
    """What a network implies for claims, (claims,).

    scaled: on the scale of comparison, log or log odds. values: the figures themselves.
    """

    scaled: Array
    values: Array


def implied(network: Network, compiled: CompiledNetwork, claims: Sequence[Claim]) -> Implied:
    """The figures that the network implies; NaN where the people of a claim cannot occur in it."""
    figures = [log_terms(network, claim) for claim in claims]
    answers = _probabilities(compiled, _conjunctions(figures, compiled))
    scaled = np.array([figure.scaled(answers) for figure in figures])
    values = [claim.unscaled(float(s)) for claim, s in zip(claims, scaled, strict=True)]
    return Implied(scaled, np.array(values))


def implied_slopes(
    network: Network, compiled: CompiledNetwork, *, claims: Sequence[Claim]
) -> tuple[Array, tuple[Factor, ...]]:
    """The implied figures on the scale of comparison, and their derivatives by every entry.

    Returns:
        The figures, (claims,), and arrays as in `compiled` with claims as their last axis. What
        cannot occur stays impossible: entries that are 0 count as fixed there.

    Raises:
        SpinelinkError: The people of a claim cannot occur in the network.
    """
    figures = [log_terms(network, claim) for claim in claims]
    conjunctions = _conjunctions(figures, compiled)
    by_kernel = engine_for(compiled, len(conjunctions)) is KERNEL
    slopes = _slopes_by_kernel if by_kernel else _slopes_interpreted
    return slopes(network, compiled, conjunctions, claims=claims, figures=figures)


def _slopes_by_kernel(
    network: Network,
    compiled: CompiledNetwork,
    conjunctions: Sequence[Conjunction],
    *,
    claims: Sequence[Claim],
    figures: Sequence[LogTerms],
) -> tuple[Array, tuple[Factor, ...]]:
    """The same by the compiled kernel: one sum over rows for each claim."""
    rows = EvidenceRows(compiled, _batch(compiled, conjunctions))
    found = np.exp(rows.log_evidence)
    answers = {(): 1.0, **dict(zip(conjunctions, found.tolist(), strict=True))}
    scaled = np.array([figure.scaled(answers) for figure in figures])
    _refuse_impossible(network, claims, scaled)
    rates = _rates(figures, conjunctions, answers=answers)
    by_entry = _no_slopes(compiled, len(claims))
    each = in_threads(lambda k: rows.slopes(rates[:, k]), range(len(claims)))
    for k, slopes in enumerate(each):
        for into, slope in zip(by_entry, slopes, strict=True):
            for total, own in zip(factor_arrays(into), factor_arrays(slope), strict=True):
                total[..., k] = own[..., 0]
    return scaled, by_entry


def _slopes_interpreted(
    network: Network,
    compiled: CompiledNetwork,
    conjunctions: Sequence[Conjunction],
    *,
    claims: Sequence[Claim],
    figures: Sequence[LogTerms],
) -> tuple[Array, tuple[Factor, ...]]:
    """The same by NumPy: one run for conjunctions about the same nodes."""
    answers: dict[Conjunction, float] = {(): 1.0}
    runs: list[tuple[list[Conjunction], tuple[Factor, ...]]] = []
    waiting = _groups(conjunctions)
    while waiting:
        group = waiting.pop()
        try:
            logs, slopes = log_slopes(
                compiled, compiled.selected, weights=_weights(compiled, group)
            )
        except ValueError:
            # One of them cannot occur. Then it is 0 whatever the parameters are.
            half = len(group) // 2
            waiting += [group[:half], group[half:]] if half else []
            answers |= {} if half else {group[0]: 0.0}
            continue
        answers |= dict(zip(group, np.exp(logs), strict=True))
        runs.append((group, slopes))
    scaled = np.array([figure.scaled(answers) for figure in figures])
    _refuse_impossible(network, claims, scaled)
    by_entry = _no_slopes(compiled, len(claims))
    for group, slopes in runs:
        rates = _rates(figures, group, answers=answers)
        columns = np.flatnonzero(rates.any(axis=0))
        for into, slope in zip(by_entry, slopes, strict=True):
            _add(into, slope, rates=rates[:, columns], columns=columns)
    return scaled, by_entry


def _no_slopes(compiled: CompiledNetwork, claims: int) -> tuple[Factor, ...]:
    return tuple(
        map_factor(lambda a: np.zeros((*a.shape[:-1], claims)), f) for f in compiled.factors
    )


def _refuse_impossible(network: Network, claims: Sequence[Claim], scaled: Array) -> None:
    """Raises SpinelinkError for the first claim whose people or finding cannot occur."""
    for claim, figure in zip(claims, scaled, strict=True):
        if not np.isfinite(figure):
            people = claim.population or claim.condition
            said = " or ".join(
                ", ".join(f"{n} {' or '.join(s)}" for n, s in restriction.items())
                for restriction in people
            )
            raise SpinelinkError(
                "a claim asks for people, or a finding, that cannot occur in network "
                f"{network.name!r}: {said}"
            )


def _rates(
    figures: Sequence[LogTerms],
    group: Sequence[Conjunction],
    *,
    answers: Mapping[Conjunction, float],
) -> Array:
    """D figure / d log P(conjunction), (conjunctions of the group, figures)."""
    rates = np.zeros((len(group), len(figures)))
    index = {conjunction: k for k, conjunction in enumerate(group)}
    for column, figure in enumerate(figures):
        for sign, part in figure.terms:
            total = sum(n * answers[key] for key, n in part.items())
            for conjunction, n in part.items():
                if conjunction in index:
                    rates[index[conjunction], column] += sign * n * answers[conjunction] / total
    return rates


def _add(into: Factor, slope: Factor, *, rates: Array, columns: NDArray[np.int64]) -> None:
    for total, by_conjunction in zip(factor_arrays(into), factor_arrays(slope), strict=True):
        # Zeros of nodes that do not matter have no strides.
        if by_conjunction.strides[-1] or by_conjunction.shape[-1] == 1:
            total[..., columns] += by_conjunction @ rates


def _conjunctions(figures: Sequence[LogTerms], compiled: CompiledNetwork) -> list[Conjunction]:
    """The conjunctions of all figures, each once, in order.

    The empty one is certain, and left out, unless people are selected.
    """
    found = dict.fromkeys(key for figure in figures for _, part in figure.terms for key in part)
    return [key for key in found if key or compiled.selected]


def _groups(conjunctions: Sequence[Conjunction]) -> list[list[Conjunction]]:
    """Conjunctions about the same nodes, at most `COLUMNS` together."""
    by_nodes: dict[tuple[str, ...], list[Conjunction]] = {}
    for conjunction in conjunctions:
        by_nodes.setdefault(tuple(name for name, _ in conjunction), []).append(conjunction)
    return [
        group[k : k + COLUMNS] for group in by_nodes.values() for k in range(0, len(group), COLUMNS)
    ]


def _weights(compiled: CompiledNetwork, group: Sequence[Conjunction]) -> dict[int, Array]:
    """Likelihoods 0 and 1 of a group's nodes, (states, conjunctions); of any node for everybody."""
    if group[0] == ():
        return {0: np.ones((len(compiled.states[0]), 1))}
    weights: dict[int, Array] = {}
    for k, (name, _) in enumerate(group[0]):
        node = compiled.index[name]
        weights[node] = np.array(
            [
                [float(s in conjunction[k][1]) for conjunction in group]
                for s in compiled.states[node]
            ]
        )
    return weights


def _probabilities(
    compiled: CompiledNetwork, conjunctions: Sequence[Conjunction]
) -> dict[Conjunction, float]:
    """P(conjunction) of each."""
    batch = _batch(compiled, conjunctions)
    probabilities = np.exp(batch_marginals(compiled, batch, nodes=[]).log_evidence)
    return {(): 1.0, **dict(zip(conjunctions, probabilities.tolist(), strict=True))}


def _batch(compiled: CompiledNetwork, conjunctions: Sequence[Conjunction]) -> EvidenceBatch:
    """A row for each conjunction. Where several states of a node count: likelihoods 0 and 1."""
    cases: list[Observed] = []
    for conjunction in conjunctions:
        case: dict[int, int | Array | States] = {}
        for name, states in conjunction:
            node = compiled.index[name]
            if len(states) == 1:
                case[node] = compiled.states[node].index(states[0])
            else:
                case[node] = np.array([[float(s in states)] for s in compiled.states[node]])
        cases.append(compiled.within(case))
    return EvidenceBatch.of(compiled, cases)
