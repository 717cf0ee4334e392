"""How the rows of a table hang together: what a network does not say, and what is tried in its place.

A row of a table, or of a link from a parent with several states, says how often each state comes out where the parents are so. Beside another world, in
which the parents are otherwise, it does not say which state would have come out had that row held. Both rows respond to one exogenous quantile; the order in
which each row's states lie along it is the coupling. Where the parents agree the states agree, whatever the coupling (consistency).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed, is_soft

Array = NDArray[np.float64]
Mechanism = tuple[int, int]
"""(parent, child): a link; (child, child): a table."""
Coupling = tuple[tuple[int, ...], tuple[int, ...]]
"""Order of the states along the quantile: of the row of the world that is, and of the rows of worlds in which the parents are otherwise."""

MOST_TRIED = 32


def couplings_tried(
    compiled: CompiledNetwork,
    open_: Iterable[Mechanism],
    observed: Observed,
    effects: Sequence[int],
) -> list[dict[Mechanism, Coupling]]:
    """Extreme couplings of the mechanisms that a network leaves open, other than the one in which all rows keep the order of the states.

    An effect's own mechanisms are so coupled that it is as often, and as seldom, as can be present as seen here and absent there (Frechet 1935; Tian and
    Pearl 2000). Each other mechanism is turned round or not: in all combinations up to 32, else all of them, each alone, and all but each.
    """
    mechanisms = list(open_)
    own: list[list[dict[Mechanism, Coupling]]] = []
    for effect in effects:
        if of_effect := [m for m in mechanisms if m[1] == effect]:
            own.append(
                [
                    dict.fromkeys(of_effect, c) if c else {}
                    for c in _of_effect(compiled.cards[effect], observed, effect)
                ]
            )
    between = [m for m in mechanisms if m[1] not in effects]
    turned = {
        m: (tuple(range(n)), tuple(range(n))[::-1])
        for m in between
        for n in (compiled.cards[m[1]],)
    }
    found = []
    for chosen in product(*own):
        for subset in _subsets(between, MOST_TRIED // max(2 ** len(own), 1)):
            found.append(
                {m: c for part in chosen for m, c in part.items()} | {m: turned[m] for m in subset}
            )
    return [each for each in found if each]


def _of_effect(states: int, observed: Observed, effect: int) -> list[Coupling | None]:
    """Most and least often absent elsewhere where it is here as seen; None where that is the order of the states.

    What is likeliest under its finding lies first here; there, absent lies first, or last. With several links the effect is their maximum, so what lies below
    the state seen comes next, and what lies above it, which cannot be, last.
    """
    value = observed.get(effect)
    if value is None or (not isinstance(value, int) and not is_soft(value)):
        weights = np.ones(states)
        weights[0] = 0.0
    elif isinstance(value, int):
        weights = np.where(
            np.arange(states) == value, 2.0, np.where(np.arange(states) < value, 1.0, 0.0)
        )
    else:
        weights = np.asarray(value)[:, 0]
    here = tuple(int(k) for k in np.argsort(-weights, kind="stable"))
    rest = tuple(range(1, states))
    return [(here, (0, *rest)), None if states == 2 else (here, (*rest, 0))]


def _subsets(items: Sequence[Mechanism], most: int) -> list[tuple[Mechanism, ...]]:
    if 2 ** len(items) <= most:
        return [s for n in range(len(items) + 1) for s in combinations(items, n)]
    found = [
        (),
        tuple(items),
        *((m,) for m in items),
        *(tuple(o for o in items if o != m) for m in items),
    ]
    return list(dict.fromkeys(found))


def is_open(rows: Array, allowed: Iterable[NDArray[np.bool_]]) -> bool:
    """Whether two rows that can hold side by side in two worlds both leave something to chance.

    rows: (contexts, rows, states, draws). allowed: for each pair of worlds, which row of the one can hold with which of the other, (rows, rows).
    """
    unsure = (rows > 0.0).sum(axis=2) > 1  # (contexts, rows, draws)
    both = np.einsum("crd,csd->rs", unsure, unsure) > 0
    np.fill_diagonal(both, False)
    return any(bool((both & (pair | pair.T)).any()) for pair in allowed)


def coupled_responses(rows: Array, coupling: Coupling | None) -> tuple[Array, Array, Array | None]:
    """Probabilities of pieces of the quantile, (quantiles, draws), and each row's state in them, (quantiles, rows, states, draws or 1): in the world that is,
    and in others (None where it is the same). rows: (rows, states, draws).
    """
    if coupling is None:
        return (*responses(rows), None)
    here, there = (list(order) for order in coupling)
    cuts, found = responses(np.concatenate([rows[:, here], rows[:, there]]))
    count = len(rows)
    return cuts, found[:, :count][:, :, np.argsort(here)], found[:, count:][:, :, np.argsort(there)]


def responses(rows: Array) -> tuple[Array, Array]:
    """Quantiles at which any row changes its state: their probabilities, (quantiles, draws), and each row's state in them, one for the state it takes and
    else zero, (quantiles, rows, states, draws or 1). rows: (rows, states, draws).

    An end of a row is kept as what lies below it, or, beyond the middle, as minus what lies above it, each summed by itself, so that rare states at either
    end keep their digits.
    """
    below = np.cumsum(rows, axis=1)[:, :-1]
    above = np.cumsum(rows[:, ::-1], axis=1)[:, ::-1][:, 1:]
    ends = np.where(below <= above, below, -above).reshape(
        -1, rows.shape[2]
    )  # (rows * (states - 1), draws)
    upper = np.where(below <= above, False, True).reshape(ends.shape)
    order = np.lexsort((ends, upper), axis=0)
    rank = np.argsort(order, axis=0, kind="stable")
    e, far = np.take_along_axis(ends, order, axis=0), np.take_along_axis(upper, order, axis=0)
    first = np.where(far[:1], 1.0 + e[:1], e[:1])
    between = np.where(far[1:] & ~far[:-1], 1.0 + e[1:] - e[:-1], e[1:] - e[:-1])
    between = np.where(between <= 1e-14 * np.abs(e[1:]), 0.0, between)
    cuts = np.concatenate([first, between, np.where(far[-1:], -e[-1:], 1.0 - e[-1:])])
    # a row is beyond its k-th state in the quantiles after that end
    state = (
        np.arange(len(cuts))[:, np.newaxis, np.newaxis, np.newaxis] > rank.reshape(below.shape)
    ).sum(axis=2)  # (quantiles, rows, draws)
    kept = (cuts > 0.0).any(axis=1)
    cuts, state = cuts[kept], state[kept]
    if (state == state[..., :1]).all():
        state = state[..., :1]
    return cuts, np.moveaxis(np.eye(rows.shape[1])[state], -1, 2)
