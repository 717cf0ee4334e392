"""Selected people as a sum over their reasons: P(findings, selected) = sum of w_i P(findings, reason i).

Each reason that is not settled by the findings is a run with one finding more, and no two reasons are
tied together by a run. Reasons that the findings show to hold are one run, with their rates added up;
those that the findings deny fall away. All probabilities are linear in this sum, and so are their
derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Joint, Marginals
from spinelink.inference.arrays import CompiledNetwork, TableFactor
from spinelink.inference.findings import HIDDEN, EvidenceBatch, Observed, States, is_soft

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Selection:
    """One selection: its fit nodes, and for each reason its node, the states that fit, its weight.

    weights: (reasons, draws).
    """

    fits: tuple[int, ...]
    nodes: tuple[int, ...]
    masks: tuple[Array, ...]
    weights: Array


@dataclass(frozen=True, eq=False)
class WeightedCase:
    """The findings of one case with one reason, or with all that hold. log_weight: (draws,)."""

    log_weight: Array
    observed: dict[int, Any]


def selections(compiled: CompiledNetwork, observed: Mapping[int, Any]) -> list[Selection]:
    """The selections by which everybody in a case was selected: all their fit nodes are observed."""
    by_root: dict[int, list[int]] = {}
    for i in compiled.fits:
        by_root.setdefault(compiled.factors[i].parents[0], []).append(i)
    found = []
    for root, fits in by_root.items():
        if root not in observed and all(_holds(observed.get(i)) for i in fits):
            found.append(_selection(compiled, root, fits))
    return found


def _holds(value: object) -> bool:
    return isinstance(value, int) and value == 1


def _selection(compiled: CompiledNetwork, root: int, fits: list[int]) -> Selection:
    prior = compiled.factors[root]
    assert isinstance(prior, TableFactor)
    nodes, masks = [], []
    for reason in range(compiled.cards[root]):
        for fit in fits:
            factor = compiled.factors[fit]
            assert isinstance(factor, TableFactor)
            mask = factor.table[reason, :, 1, 0]
            if not mask.all():
                nodes.append(factor.parents[1])
                masks.append(mask)
                break
        else:  # every state of its parent is this reason
            nodes.append(compiled.factors[fits[0]].parents[1])
            masks.append(np.ones(compiled.cards[nodes[-1]]))
    return Selection(tuple(fits), tuple(nodes), tuple(masks), prior.table)


def by_reason(compiled: CompiledNetwork, observed: Observed) -> list[WeightedCase] | None:
    """One case as weighted cases, one for each open reason; None where nobody is selected.

    observed: with single states and likelihoods (states, 1).
    """
    chosen = selections(compiled, observed)
    if not chosen:
        return None
    cases = [WeightedCase(np.zeros(1), dict(observed))]
    for selection in chosen:
        cases = [part for case in cases for part in _split(case, selection)]
    return cases


def _split(case: WeightedCase, selection: Selection) -> list[WeightedCase]:
    rest = {i: v for i, v in case.observed.items() if i not in selection.fits}
    held, opened = _open(selection, rest)
    parts = []
    with np.errstate(divide="ignore"):
        if held.any():
            parts.append(WeightedCase(case.log_weight + np.log(held), rest))
        for rate, node, mask in opened:
            found = {**rest, node: _restricted(rest.get(node), mask)}
            parts.append(WeightedCase(case.log_weight + np.log(rate), found))
    return parts


def _open(
    selection: Selection, findings: Mapping[int, Any]
) -> tuple[Array, list[tuple[Array, int, Array]]]:
    """The rate of all reasons that hold, (draws,), and of each open one its rate, node and states."""
    held = np.zeros(selection.weights.shape[-1])
    opened = []
    for node, mask, rate in zip(selection.nodes, selection.masks, selection.weights, strict=True):
        value = findings.get(node)
        if value is not None and not is_soft(value):
            held = held + rate * mask[int(np.asarray(value))]
        elif mask.all():
            held = held + rate
        else:
            opened.append((rate, node, mask))
    return held, opened


def _restricted(value: Array | None, mask: Array) -> int | Array:
    """A finding about a node, and that it is in one of some states."""
    if value is None and mask.sum() == 1.0:
        return int(np.flatnonzero(mask)[0])
    return mask[:, np.newaxis] if value is None else value * mask[:, np.newaxis]


def as_weights(
    compiled: CompiledNetwork, observed: Observed
) -> tuple[Observed, list[tuple[float, dict[int, Array]]]] | None:
    """The findings of one case without its selections, and each reason as weights on its nodes.

    A reason has a factor and, by node, 1 for each state that fits, (states,). The first has no
    weights: all reasons that hold. None where nobody is selected, or the network has draws.
    """
    chosen = selections(compiled, observed)
    if not chosen or compiled.draws > 1:
        return None
    fits = {i for selection in chosen for i in selection.fits}
    base = {i: v for i, v in observed.items() if i not in fits}
    reasons: list[tuple[float, dict[int, Array]]] = [(1.0, {})]
    for selection in chosen:
        held, opened = _open(selection, base)
        now = [(float(held[0]), dict[int, Array]())] if held.any() else []
        now += [(float(rate[0]), {node: mask}) for rate, node, mask in opened]
        reasons = [
            (before * rate, {**masks, **{n: m * masks.get(n, 1.0) for n, m in own.items()}})
            for before, masks in reasons
            for rate, own in now
        ]
    return base, reasons


def mixed(parts: list[tuple[Array, Marginals]], shape: Mapping[int, int]) -> Marginals:
    """The sum of weighted cases.

    parts: the logarithm of each one's weight, (1,) or (rows,), and its answer. shape: node -> states.
    """
    rows = max((len(m.log_evidence) for _, m in parts), default=1)
    if not parts:
        posterior = {n: np.full((k, 1), np.nan) for n, k in shape.items()}
        return Marginals(np.full(1, -np.inf), posterior)
    logs = np.stack([np.broadcast_to(w + m.log_evidence, (rows,)) for w, m in parts])
    total, shares = _shares(logs)
    posterior = {
        n: np.where(
            np.isneginf(total),
            np.nan,
            sum(
                s * np.nan_to_num(np.broadcast_to(m.posterior[n], (k, rows)))
                for s, (_, m) in zip(shares, parts, strict=True)
            ),
        )
        for n, k in shape.items()
    }
    return Marginals(total, posterior)


def _shares(logs: Array) -> tuple[Array, Array]:
    """The logarithm of the sum over the first axis, and each one's share of it."""
    top = logs.max(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        weights = np.exp(logs - np.where(np.isneginf(top), 0.0, top))
        total = weights.sum(axis=0)
        return np.log(total) + top, np.where(total > 0.0, weights / total, 0.0)


def ask_by_reason(
    compiled: CompiledNetwork,
    observed: Observed,
    nodes: Mapping[int, int],
    ask: Callable[[Observed], Marginals],
) -> Marginals | None:
    """The answer of a case as the sum over its reasons; None where nobody is selected.

    nodes: those asked for, with their numbers of states.
    """
    cases = by_reason(compiled, observed)
    if cases is None:
        return None
    return mixed([(c.log_weight, ask(c.observed)) for c in cases], nodes)


def joint_by_reason(
    compiled: CompiledNetwork, observed: Observed, ask: Callable[[Observed], Joint]
) -> Joint | None:
    """The joint posterior of a case as the sum over its reasons; None where nobody is selected."""
    cases = by_reason(compiled, observed)
    if not cases:
        return None
    answers = [ask(c.observed) for c in cases]
    logs = np.stack([c.log_weight + a.log_evidence for c, a in zip(cases, answers, strict=True)])
    total, shares = _shares(logs)
    tables = [s * np.nan_to_num(a.table) for s, a in zip(shares, answers, strict=True)]
    return Joint(total, np.where(np.isneginf(total), np.nan, sum(tables)))


@dataclass(frozen=True, eq=False)
class WeightedBatch:
    """Rows of a batch with one reason each.

    row: of the batch. log_weight: (these rows,). rates: root of a selection -> derivative of each
    row's log_weight by the weights of its reasons, (these rows, reasons).
    """

    batch: EvidenceBatch
    row: Rows
    log_weight: Array
    rates: Mapping[int, Array] = field(default_factory=dict)

    def summed(self, answer: Marginals, rows: int) -> Marginals:
        """The answers of the batch's own rows."""
        logs = self.log_weight + answer.log_evidence
        top = np.full(rows, -np.inf)
        np.maximum.at(top, self.row, logs)
        weights = np.exp(logs - np.where(np.isneginf(top), 0.0, top)[self.row])
        total = np.bincount(self.row, weights=weights, minlength=rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            posterior = {}
            for n, p in answer.posterior.items():
                states = [
                    np.bincount(self.row, weights=weights * np.nan_to_num(state), minlength=rows)
                    for state in p
                ]
                posterior[n] = np.where(total > 0.0, np.stack(states) / total, np.nan)
            return Marginals(np.log(total) + top, posterior)

    def shares(self, logs: Array, rows: int) -> Array:
        """The share of each of these rows in its own, given their log P(findings)."""
        weighted = self.log_weight + logs
        whole = self.summed(Marginals(logs, {}), rows).log_evidence
        with np.errstate(invalid="ignore"):
            return np.where(np.isneginf(weighted), 0.0, np.exp(weighted - whole[self.row]))


def batch_by_reason(compiled: CompiledNetwork, batch: EvidenceBatch) -> WeightedBatch | None:
    """Rows of evidence with one reason each; None where nobody is selected."""
    if not compiled.fits or not len(batch):
        return None
    first = {i: int(s) for i, s in enumerate(batch.states[0]) if s != HIDDEN}
    chosen = selections(compiled, first)
    if not chosen:
        return None
    rows = np.arange(len(batch))
    found = WeightedBatch(batch, rows, np.zeros(len(batch)))
    for selection in chosen:
        root = compiled.factors[selection.fits[0]].parents[0]
        found = _split_rows(found, selection, root)
    return found


def _split_rows(now: WeightedBatch, selection: Selection, root: int) -> WeightedBatch:
    states = now.batch.states.copy()
    states[:, list(selection.fits)] = HIDDEN
    soft = now.batch.likelihoods
    holds = np.zeros((len(states), len(selection.nodes)))
    parts: list[WeightedBatch] = []
    for k, (node, mask, weight) in enumerate(
        zip(selection.nodes, selection.masks, selection.weights[:, 0], strict=True)
    ):
        column = states[:, node]
        virtual = ~np.isnan(soft[node][0]) if node in soft else np.zeros(len(states), dtype=bool)
        known = column != HIDDEN
        holds[known, k] = mask[column[known]]
        if mask.all():
            holds[~known, k] = 1.0
            continue
        open_rows = np.flatnonzero(~known)
        if len(open_rows) and weight > 0.0:
            reason = (node, mask, weight)
            part = _with_reason(now, states, open_rows, reason=reason, virtual=virtual)
            rates = np.zeros((len(open_rows), len(selection.nodes)))
            rates[:, k] = 1.0 / weight
            parts.append(replace(part, rates={**part.rates, root: rates}))
    held = holds @ selection.weights[:, 0]
    whole = np.flatnonzero(held > 0.0)
    likelihoods = {i: w[:, whole] for i, w in soft.items()}
    base = EvidenceBatch(states[whole], likelihoods)
    rates = holds[whole] / held[whole, np.newaxis]
    logs = now.log_weight[whole] + np.log(held[whole])
    before = {i: rate[whole] for i, rate in now.rates.items()}
    parts.insert(0, WeightedBatch(base, now.row[whole], logs, {**before, root: rates}))
    return _joined(parts)


def _with_reason(
    now: WeightedBatch,
    states: States,
    rows: Rows,
    *,
    reason: tuple[int, Array, float],
    virtual: NDArray[np.bool_],
) -> WeightedBatch:
    """Some rows with a node in one of the states that are a reason.

    states: of all rows. reason: node, states that fit, weight. virtual: rows with likelihoods at it.
    """
    node, mask, weight = reason
    own = states[rows].copy()
    likelihoods = {i: w[:, rows].copy() for i, w in now.batch.likelihoods.items()}
    soft = virtual[rows]
    single = mask.sum() == 1.0
    if single:
        own[~soft, node] = int(np.flatnonzero(mask)[0])
    if soft.any() or not single:
        column = likelihoods.setdefault(node, np.full((len(mask), len(rows)), np.nan))
        column[:, soft] *= mask[:, np.newaxis]
        if not single:
            column[:, ~soft] = mask[:, np.newaxis]
    return WeightedBatch(
        EvidenceBatch(own, likelihoods),
        now.row[rows],
        now.log_weight[rows] + np.log(weight),
        {root: rate[rows] for root, rate in now.rates.items()},
    )


def _joined(parts: list[WeightedBatch]) -> WeightedBatch:
    nodes = {i for part in parts for i in part.batch.likelihoods}
    likelihoods = {}
    for i in nodes:
        cards = next(len(p.batch.likelihoods[i]) for p in parts if i in p.batch.likelihoods)
        columns = [
            p.batch.likelihoods.get(i, np.full((cards, len(p.batch)), np.nan)) for p in parts
        ]
        likelihoods[i] = np.concatenate(columns, axis=1)
    states = np.concatenate([p.batch.states for p in parts])
    return WeightedBatch(
        EvidenceBatch(states, likelihoods),
        np.concatenate([p.row for p in parts]),
        np.concatenate([p.log_weight for p in parts]),
        {i: np.concatenate([p.rates[i] for p in parts]) for i in parts[0].rates},
    )
