"""Selection by additive rates: whom a clinic sees, as evidence that every question holds.

P(selected | person) is proportional to the sum of the rates of the reasons that hold. So a person who
is selected came for exactly one of the reasons, drawn by its rate, and that reason holds. The
network therefore gets, for each selection in force,

- a root over the reasons, with probabilities proportional to the rates, under the selection's name;
- for each parent a node that is always observed: "this parent is not the reason, or is as it says".

The sum over the root is the weighted sum over reasons. The engine sees an ordinary network, so that
posteriors, tables, draws, derivatives and other worlds need nothing of their own. Where a person's
reasons are observed, the root parts from all else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import Factor, TableFactor
from spinelink.network.cpd import AdditiveRates

Array = NDArray[np.float64]
FITS = ("no", "yes")
Reason = tuple[str, str, str]
"""A parent, its state, and the id of the rate."""


def reasons_of(
    name: str, cpd: AdditiveRates, *, states: Mapping[str, Sequence[str]]
) -> list[Reason]:
    """The reasons of a selection node, in file order. states: of each parent."""
    found: list[Reason] = []
    for parent, rate in cpd.rates.items():
        base = f"{name}.rate.{parent}"
        if isinstance(rate, Mapping):
            found += [(parent, state, f"{base}.{state}") for state in rate]
        else:
            found.append((parent, states[parent][-1], base))
    return found


def reason_states(reasons: Sequence[Reason]) -> tuple[str, ...]:
    """The states of the root: `back_pain=severe`."""
    return tuple(f"{parent}={state}" for parent, state, _ in reasons)


def reason_factor(reasons: Sequence[Reason], values: Mapping[str, Array]) -> TableFactor:
    """The root: a probability for each reason, (reasons, batch), proportional to its rate."""
    rates = np.stack(np.broadcast_arrays(*(values[key] for _, _, key in reasons)))
    return TableFactor((), rates / rates.sum(axis=0))


def fit_nodes(
    root: int,
    reasons: Sequence[Reason],
    *,
    index: Mapping[str, int],
    states: Sequence[Sequence[str]],
) -> list[tuple[str, Factor]]:
    """The nodes that are always observed, each with the name of its parent.

    index: of each node by name. states: of each node by index.
    """
    made: list[tuple[str, Factor]] = []
    for parent in dict.fromkeys(p for p, _, _ in reasons):
        known = states[index[parent]]
        fits = np.array(
            [[p != parent or s == state for s in known] for p, state, _ in reasons], dtype=float
        )
        table = np.stack([1.0 - fits, fits], axis=-1)[..., np.newaxis]
        made.append((parent, TableFactor((root, index[parent]), table)))
    return made
