"""Claims read from a file, and what a network implies for them.

Every figure is a sum of logarithms of probabilities, with signs: the log odds of P(finding | condition) are log P(finding, condition) less
log P(no finding, condition), and so on (`log_terms`). All probabilities that the claims of a setting need are answered together, as rows of one run of
the compiled kernel; without it, and for derivatives, those about the same nodes side by side, as columns of one run of NumPy.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from spinelink.claims.signed_sums import (
    CERTAIN,
    Conjunction,
    Sum,
    complement,
    event_sum,
    minus,
    times,
)
from spinelink.errors import NetworkFileError, SpinelinkError, UnknownNameError
from spinelink.inference.arrays import CompiledNetwork, Factor, NoisyFactor, TableFactor
from spinelink.inference.findings import EvidenceBatch
from spinelink.inference.gradient.by_entry import log_slopes
from spinelink.inference.interpreted.marginals import log_evidence
from spinelink.inference.kernel import engine as kernel
from spinelink.io.source_text import read_source
from spinelink.io.yaml_events import read_document
from spinelink.network.claim import Claim, ClaimFile, Event
from spinelink.network.network import Network

Array = NDArray[np.float64]
COLUMNS = 64  # probabilities that one run of NumPy answers side by side
MANY = 32  # probabilities from which on loading the compiled kernel pays


def read_claims(path: Path, network: Network) -> ClaimFile:
    """The claims of a file, checked against the network. Raises NetworkFileError with every problem and its place."""
    document = read_document(read_source(path))
    if document.problems:
        raise NetworkFileError(document.problems)
    if not isinstance(document.value, dict):
        document.refuse(
            document.span(()), "a file of claims is a mapping: network, claims, unused, sources"
        )
        raise NetworkFileError(document.problems)
    try:
        found = ClaimFile.model_validate(document.value)
    except ValidationError as error:
        for each in error.errors():
            where = tuple(each["loc"])
            document.refuse(
                document.span(where),
                f"{'.'.join(map(str, where))}: {each['msg'].removeprefix('Value error, ')}",
            )
        raise NetworkFileError(document.problems) from None
    if found.network != network.name:
        document.refuse(
            document.span(("network",)),
            f"these claims are about network {found.network!r}, not {network.name!r}",
        )
    known = {*network.sources, *found.sources}
    for key in found.sources.keys() & network.sources.keys():
        document.refuse(
            document.span(("sources", key), key=True),
            f"source {key} stands in the network file already",
        )
    for key in sorted(
        found.sources.keys() - {key for claim in found.claims.values() for key in claim.source}
    ):
        document.refuse(document.span(("sources", key), key=True), f"source {key} is never cited")
    for name, claim in found.claims.items():
        for part, message in claim_problems(claim, network, known):
            document.refuse(document.span(("claims", name, part)), f"claim {name}: {message}")
    if document.problems:
        raise NetworkFileError(document.problems)
    return found


def claim_problems(
    claim: Claim, network: Network, sources: Collection[str]
) -> list[tuple[str, str]]:
    """What a claim says that the network, or the known sources, do not have: (key of the claim, message)."""
    found: list[tuple[str, str]] = []
    for part in ("condition", "finding", "comparator", "population"):
        event: Event | None = getattr(claim, part)
        for restriction in event or ():
            for name, states in restriction.items():
                if name not in network.nodes:
                    error = UnknownNameError(
                        name, kind="node", allowed=network.nodes, where=f"network {network.name!r}"
                    )
                    found.append((part, str(error)))
                    continue
                if set(states) == set(network.nodes[name].states):
                    found.append((part, f"{name}: all of its states count, so that says nothing"))
                for state in states:
                    if state not in network.nodes[name].states:
                        error = UnknownNameError(
                            state,
                            kind="state",
                            allowed=network.nodes[name].states,
                            where=f"node {name}",
                        )
                        found.append((part, str(error)))
    if claim.setting is not None and claim.setting not in network.settings:
        found.append(
            (
                "setting",
                str(UnknownNameError(claim.setting, kind="setting", allowed=network.settings)),
            )
        )
    found += [
        ("source", f"source {key} is in neither file") for key in claim.source if key not in sources
    ]
    return found


@dataclass(frozen=True)
class LogTerms:
    """A figure on its scale of comparison: the sum of sign * log(sum of probabilities)."""

    terms: tuple[tuple[int, Sum], ...]


def log_terms(network: Network, claim: Claim) -> LogTerms:
    """How the claim's figure, on the scale of `Claim.scaled`, comes out of probabilities of evidence."""
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
    match claim.kind:
        case "sensitivity" | "p_finding_given_condition":
            terms = ((1, both), (-1, only_condition))
        case "specificity":
            terms = ((1, neither), (-1, only_finding))
        case "p_finding_given_no_condition":
            terms = ((1, only_finding), (-1, neither))
        case "post_test_probability":
            terms = ((1, both), (-1, only_finding))
        case "lr_positive" | "relative_risk":
            terms = ((1, both), (-1, with_it), (-1, only_finding), (1, without))  # type: ignore[assignment]
        case "lr_negative":
            terms = ((1, only_condition), (-1, with_it), (-1, neither), (1, without))  # type: ignore[assignment]
        case "odds_ratio":
            terms = ((1, both), (-1, only_condition), (-1, only_finding), (1, neither))  # type: ignore[assignment]
    return LogTerms(terms)


@dataclass(frozen=True, eq=False)
class Implied:
    """What a network implies for claims: on the scale of comparison, (claims,), and as the figures themselves, (claims,)."""

    scaled: Array
    values: Array


def implied(network: Network, compiled: CompiledNetwork, claims: Sequence[Claim]) -> Implied:
    """The figures that the network implies; not a number where the people of a claim cannot occur in it."""
    asked = [log_terms(network, claim) for claim in claims]
    answers = _answered(compiled, _conjunctions(asked))
    scaled = np.array([_scaled(each, answers) for each in asked])
    return Implied(
        scaled, np.array([_unscaled(claim, s) for claim, s in zip(claims, scaled, strict=True)])
    )


def implied_slopes(
    network: Network, compiled: CompiledNetwork, claims: Sequence[Claim]
) -> tuple[Array, tuple[Factor, ...]]:
    """The implied figures on the scale of comparison, (claims,), and their derivatives by every entry of the network (last axis: claims).

    Raises SpinelinkError where the people of a claim cannot occur in the network.
    """
    asked = [log_terms(network, claim) for claim in claims]
    blank = [_mapped(f, lambda a: np.zeros((*a.shape[:-1], len(claims)))) for f in compiled.factors]
    answers: dict[Conjunction, float] = {}
    slopes: list[tuple[list[Conjunction], tuple[Factor, ...]]] = []
    for group in _groups(_conjunctions(asked)):
        try:
            logs, found = log_slopes(compiled, {}, _weights(compiled, group))
        except ValueError:
            said = "; ".join(f"{n} {' or '.join(s)}" for n, s in group[0])
            raise SpinelinkError(
                f"a claim asks for people who cannot occur in network {network.name!r}: {said}"
            ) from None
        answers |= dict(zip(group, np.exp(logs), strict=True))
        slopes.append((group, found))
    answers[()] = 1.0
    totals = [
        [sum(n * answers[k] for k, n in part.items()) for _, part in each.terms] for each in asked
    ]
    for group, found in slopes:
        share = np.zeros((len(group), len(claims)))  # d scaled / d log P(conjunction)
        place = {conjunction: k for k, conjunction in enumerate(group)}
        for c, each in enumerate(asked):
            for (sign, part), total in zip(each.terms, totals[c], strict=True):
                for conjunction, n in part.items():
                    if conjunction in place:
                        share[place[conjunction], c] += sign * n * answers[conjunction] / total
        touched = np.flatnonzero(share.any(axis=0))
        for into, slope in zip(blank, found, strict=True):
            _add(into, slope, share[:, touched], touched)
    return np.array([_scaled(each, answers) for each in asked]), tuple(blank)


def _mapped(factor: Factor, change: object) -> Factor:
    assert callable(change)
    if isinstance(factor, TableFactor):
        return TableFactor(factor.parents, change(factor.table))
    return NoisyFactor(factor.parents, change(factor.leak), tuple(change(a) for a in factor.links))


def _add(into: Factor, slope: Factor, share: Array, columns: NDArray[np.int64]) -> None:
    def arrays(factor: Factor) -> tuple[Array, ...]:
        return (factor.table,) if isinstance(factor, TableFactor) else (factor.leak, *factor.links)

    for a, b in zip(arrays(into), arrays(slope), strict=True):
        if (
            b.strides[-1] or b.shape[-1] == 1
        ):  # zeros of what the findings do not depend on have no strides
            a[..., columns] += b @ share


def _conjunctions(asked: Sequence[LogTerms]) -> list[Conjunction]:
    return list(
        dict.fromkeys(key for each in asked for _, part in each.terms for key in part if key)
    )


def _groups(conjunctions: Sequence[Conjunction]) -> list[list[Conjunction]]:
    """Conjunctions about the same nodes, at most so many together."""
    by_nodes: dict[tuple[str, ...], list[Conjunction]] = {}
    for each in conjunctions:
        by_nodes.setdefault(tuple(name for name, _ in each), []).append(each)
    return [
        group[k : k + COLUMNS] for group in by_nodes.values() for k in range(0, len(group), COLUMNS)
    ]


def _weights(compiled: CompiledNetwork, group: Sequence[Conjunction]) -> dict[int, Array]:
    """Likelihoods of 0 and 1, (states, columns)."""
    found: dict[int, Array] = {}
    for k, (name, _) in enumerate(group[0]):
        node = compiled.index[name]
        found[node] = np.array(
            [[float(s in each[k][1]) for each in group] for s in compiled.states[node]]
        )
    return found


def _answered(
    compiled: CompiledNetwork, conjunctions: Sequence[Conjunction]
) -> dict[Conjunction, float]:
    """All probabilities in one run of the compiled kernel, a row each, where there are many; what it leaves (or all), by NumPy in groups."""
    found: dict[Conjunction, float] = {(): 1.0}
    left = list(conjunctions)
    if len(left) >= MANY and kernel.is_available():
        answer = kernel.solve(compiled, _rows(compiled, left), nodes=[])
        found |= {
            c: float(np.exp(log))
            for c, log, known in zip(left, answer.log_evidence, answer.answered, strict=True)
            if known
        }
        left = [c for c in left if c not in found]
    for group in _groups(left):
        found |= dict(
            zip(
                group,
                np.exp(
                    np.broadcast_to(
                        log_evidence(compiled, _weights(compiled, group)), (len(group),)
                    )
                ),
                strict=True,
            )
        )
    return found


def _rows(
    compiled: CompiledNetwork, conjunctions: Sequence[Conjunction]
) -> EvidenceBatch:
    """A row for each conjunction, as the kernel takes it: states, (rows, nodes), and likelihoods of 0 and 1 where several states count."""
    codes = np.full((len(conjunctions), len(compiled.names)), -1, dtype=np.int64)
    several: dict[int, Array] = {}
    for row, conjunction in enumerate(conjunctions):
        for name, states in conjunction:
            node = compiled.index[name]
            if len(states) == 1:
                codes[row, node] = compiled.states[node].index(states[0])
            else:
                likelihoods = several.setdefault(
                    node, np.full((compiled.cards[node], len(conjunctions)), np.nan)
                )
                likelihoods[:, row] = [float(s in states) for s in compiled.states[node]]
    return EvidenceBatch(codes, several)


def _scaled(asked: LogTerms, answers: Mapping[Conjunction, float]) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(
            sum(
                sign * np.log(max(sum(n * answers[k] for k, n in part.items()), 0.0))
                for sign, part in asked.terms
            )
        )


def _unscaled(claim: Claim, scaled: float) -> float:
    return float(np.exp(scaled)) if claim.is_ratio else float(1.0 / (1.0 + np.exp(-scaled)))
