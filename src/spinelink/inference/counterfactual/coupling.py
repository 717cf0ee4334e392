"""Couplings: a CPT does not fix the joint distribution of a child's counterfactual responses.

This module enumerates the extreme couplings, which bound the probability of necessity.

A row of a table, or of a link, says how often each state occurs for these states of the parents. It
does not say which state would have occurred in another world, where another row applies. Both rows
respond to one exogenous uniform variable, the quantile. The order in which the states of each row
lie along it is the coupling. Where the parents agree the child agrees too, whatever the coupling
(consistency).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.counterfactual.factual import Factual
from spinelink.inference.findings import Observed, is_soft

Array = NDArray[np.float64]
Mechanism = tuple[int, int]
"""(parent, child): a link; (child, child): a table."""
Coupling = tuple[tuple[int, ...], tuple[int, ...]]
"""Order of the states along the quantile: of rows in the factual world, and in other worlds."""

ROUNDING = 1e-14
"""Pieces of the quantile shorter than this, relative to where they end, are rounding errors."""


def couplings_tried(
    factual: Factual, unidentified: Iterable[Mechanism], *, effects: Sequence[int]
) -> list[dict[Mechanism, Coupling]]:
    """Extreme couplings of the unidentified mechanisms, other than the monotone one of all.

    In the monotone coupling all rows keep the order of the states. The mechanisms of an effect take
    the couplings that maximise and minimise P(absent there, observed state here) (Fréchet 1935;
    Tian and Pearl 2000). Each other mechanism is monotone or reversed: in all combinations up to
    `limits.couplings_tried`, else all of them, each alone, and all but each.

    Args:
        factual: The factual world.
        unidentified: The mechanisms whose coupling matters, as in `Worlds`.
        effects: The nodes whose absence is asked for.
    """
    compiled, mechanisms = factual.compiled, list(unidentified)
    of_effects: list[list[dict[Mechanism, Coupling]]] = []
    for effect in effects:
        if of_effect := [m for m in mechanisms if m[1] == effect]:
            extremes = _extreme_couplings(compiled.cards[effect], factual.observed, effect=effect)
            of_effects.append([dict.fromkeys(of_effect, c) if c else {} for c in extremes])
    between = [m for m in mechanisms if m[1] not in effects]
    reversal = {m: _reversed_order(compiled.cards[m[1]]) for m in between}
    most = compiled.limits.couplings_tried // max(2 ** len(of_effects), 1)
    tried = [
        {m: c for part in chosen for m, c in part.items()} | {m: reversal[m] for m in subset}
        for chosen in product(*of_effects)
        for subset in _subsets(between, most)
    ]
    return [couplings for couplings in tried if couplings]


def _reversed_order(states: int) -> Coupling:
    order = tuple(range(states))
    return order, order[::-1]


def _extreme_couplings(states: int, observed: Observed, *, effect: int) -> list[Coupling | None]:
    """The couplings of the effect that maximise and minimise P(absent there, observed state here).

    "There" is the counterfactual world, "here" the factual one. None stands for the monotone
    coupling. Here, the state that is likeliest under its finding lies first; there, "absent" lies
    first, or last. With several links the effect is their maximum: states below the observed one
    come next, and states above it, which are impossible, last.
    """
    value = observed.get(effect)
    index = np.arange(states)
    if value is None or (not isinstance(value, int) and not is_soft(value)):
        weights = np.where(index == 0, 0.0, 1.0)
    elif isinstance(value, int):
        weights = np.where(index == value, 2.0, np.where(index < value, 1.0, 0.0))
    else:
        weights = np.asarray(value)[:, 0]
    here = tuple(int(k) for k in np.argsort(-weights, kind="stable"))
    present = tuple(range(1, states))
    return [(here, (0, *present)), None if states == 2 else (here, (*present, 0))]


def _subsets(items: Sequence[Mechanism], most: int) -> list[tuple[Mechanism, ...]]:
    """All subsets if these are at most `most`; else none, all, each alone, and all but each."""
    if 2 ** len(items) <= most:
        return [s for n in range(len(items) + 1) for s in combinations(items, n)]
    found = [
        (),
        tuple(items),
        *((m,) for m in items),
        *(tuple(o for o in items if o != m) for m in items),
    ]
    return list(dict.fromkeys(found))


def coupling_matters(rows: Array, compatible: Iterable[NDArray[np.bool_]]) -> bool:
    """True if some pair of rows compatible with two worlds are both non-degenerate.

    Then what the network says does not fix how these rows respond together.

    Args:
        rows: Distributions of the child, (contexts, rows, states, draws).
        compatible: For each pair of worlds, which row of the one can hold together with which row
            of the other, (rows, rows).
    """
    uncertain = (rows > 0.0).sum(axis=2) > 1  # (contexts, rows, draws)
    both = np.einsum("crd,csd->rs", uncertain, uncertain) > 0
    np.fill_diagonal(both, False)
    return any(bool((both & (pair | pair.T)).any()) for pair in compatible)


def coupled_responses(rows: Array, coupling: Coupling | None) -> tuple[Array, Array, Array | None]:
    """How rows respond to the quantile in the factual world and in others.

    Args:
        rows: Distributions of the child, (rows, states, draws).
        coupling: The orders of the states; None for the monotone coupling.

    Returns:
        Probabilities of the pieces of the quantile, (pieces, draws). Each row's state in them,
        (pieces, rows, states, draws or 1), in the factual world. The same in other worlds; None if
        it is the same.
    """
    if coupling is None:
        return (*responses(rows), None)
    here, there = (list(order) for order in coupling)
    pieces, states = responses(np.concatenate([rows[:, here], rows[:, there]]))
    count = len(rows)
    return (
        pieces,
        states[:, :count][:, :, np.argsort(here)],
        states[:, count:][:, :, np.argsort(there)],
    )


def responses(rows: Array) -> tuple[Array, Array]:
    """How rows respond to the quantile, their states in the order given.

    An end of a state along the quantile is kept as the sum of what lies below it or, beyond the
    middle, as minus the sum of what lies above it. Rare states at either end so keep their digits.

    Args:
        rows: Distributions of the child, (rows, states, draws).

    Returns:
        Probabilities of the pieces between any two ends, (pieces, draws); each row's state in them,
        one for the state it takes and else zero, (pieces, rows, states, draws or 1).
    """
    below = np.cumsum(rows, axis=1)[:, :-1]
    above = np.cumsum(rows[:, ::-1], axis=1)[:, ::-1][:, 1:]
    from_above = ~(below <= above)
    ends = np.where(from_above, -above, below).reshape(-1, rows.shape[2])
    order = np.lexsort((ends, from_above.reshape(ends.shape)), axis=0)  # (rows * ends, draws)
    rank = np.argsort(order, axis=0, kind="stable")
    pieces = _pieces(
        np.take_along_axis(ends, order, axis=0),
        np.take_along_axis(from_above.reshape(ends.shape), order, axis=0),
    )
    # A row is beyond its k-th state in the pieces after that state's end.
    index = np.arange(len(pieces))[:, np.newaxis, np.newaxis, np.newaxis]
    state = (index > rank.reshape(below.shape)).sum(axis=2)  # (pieces, rows, draws)
    possible = (pieces > 0.0).any(axis=1)
    pieces, state = pieces[possible], state[possible]
    if (state == state[..., :1]).all():
        state = state[..., :1]
    return pieces, np.moveaxis(np.eye(rows.shape[1])[state], -1, 2)


def _pieces(ends: Array, from_above: NDArray[np.bool_]) -> Array:
    """Lengths between consecutive ends, (ends + 1, draws). from_above: ends less 1, as negative."""
    first = np.where(from_above[:1], 1.0 + ends[:1], ends[:1])
    crossing = from_above[1:] & ~from_above[:-1]
    between = np.where(crossing, 1.0 + ends[1:] - ends[:-1], ends[1:] - ends[:-1])
    between = np.where(between <= ROUNDING * np.abs(ends[1:]), 0.0, between)
    last = np.where(from_above[-1:], -ends[-1:], 1.0 - ends[-1:])
    return np.concatenate([first, between, last])
