"""Probabilities of necessity: would a finding be absent, had its causes been absent (Pearl 1999)?

Everything else stays as it was. The answer is one probability in a network of several worlds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.counterfactual.coupling import Coupling, Mechanism, couplings_tried
from spinelink.inference.counterfactual.factual import (
    Factual,
    Findings,
    any_present,
    log_probability,
)
from spinelink.inference.counterfactual.twin_network import Worlds, reaching, worlds

Array = NDArray[np.float64]
Event = tuple[Sequence[int], Sequence[int]]
"""Causes that are absent in a world, and effects that are then absent too."""


class Bounds(NamedTuple):
    """A probability of necessity and its bounds over couplings, (draws,); whether they are equal."""

    probability: Array
    low: Array
    high: Array
    identified: bool


class Absence(NamedTuple):
    """P(events | findings), (draws,); the worlds, and all that is observed, set or asked there."""

    probability: Array
    worlds: Worlds
    observed: Findings


def necessity(
    factual: Factual, effect: int, *, causes: Sequence[int], bounded: bool = True
) -> Bounds:
    """P(effect would be absent, had the causes been absent | findings), and its bounds.

    `probability` is for the monotone coupling: rows respond to one quantile in the order of their
    states. `low` and `high` are bounds over all couplings (Tian and Pearl 2000) if two things hold.
    The effect is observed in one state, or nothing about it and below it is observed. And every
    other unidentified mechanism has two states, and either everything that differs passes through
    it or it compares just two rows, few enough mechanisms for all combinations. They are sharp if
    each unidentified mechanism compares just two rows, and the effect has two states or one such
    mechanism. Otherwise they are the range over the couplings of `couplings_tried`, which may be
    narrower.

    For causes rarer than `limits.rare_cause`, and where another coupling is too large to compute,
    the bounds are 0 and P(any of the causes is present), which hold for every coupling.

    Args:
        factual: The factual world, with the effect present.
        effect: The effect.
        causes: The causes that are absent together.
        bounded: Whether other couplings are tried; else low and high are the probability.
    """
    compiled = factual.compiled
    edges = factual.unaffected_edges
    reach = sorted(reaching(compiled, [effect], unaffected_edges=edges) & set(causes))
    if not reach:
        nothing = np.zeros(1)
        return Bounds(nothing, nothing, nothing, True)
    event: Event = (reach, [effect])
    monotone, built, _ = counterfactual_absence(factual, [event])
    if built.identified or not bounded:
        return Bounds(monotone, monotone, monotone, built.identified)
    most = any_present(factual, reach)
    widest = Bounds(monotone, np.zeros(len(monotone)), np.maximum(most, monotone), False)
    if most.mean() < compiled.limits.rare_cause:
        return widest
    try:
        tried = couplings_tried(factual, built.unidentified, effects=[effect])
        ends = [
            monotone,
            *(counterfactual_absence(factual, [event], couplings=c).probability for c in tried),
        ]
    except TooLargeError:
        return widest
    return Bounds(monotone, np.min(ends, axis=0), np.max(ends, axis=0), False)


def counterfactual_absence(
    factual: Factual,
    events: Sequence[Event],
    *,
    couplings: Mapping[Mechanism, Coupling] | None = None,
) -> Absence:
    """P(all events | findings): in world k the causes of event k are absent, and its effects too.

    Args:
        factual: The factual world, with the effects present.
        events: For each world, its causes and its effects.
        couplings: Couplings of unidentified mechanisms; the others take the monotone one.

    Raises:
        TooLargeError: The responses of some table are too many.
    """
    built = other_worlds(factual, events, couplings=couplings)
    observed: Findings = {built.at[0][i]: v for i, v in factual.observed.items()}
    observed |= built.fixed
    for k, (_, effects) in enumerate(events, start=1):
        for effect in effects:
            index = built.at[k][effect]
            if index == built.at[0][effect]:  # nothing that reaches it differs: it is present
                return Absence(np.zeros(len(factual.log_observed)), built, observed)
            observed[index] = 0
    log = log_probability(built.network, observed, whole=factual.log_observed)
    return Absence(factual.share(log), built, observed)


def other_worlds(
    factual: Factual,
    events: Sequence[Event],
    *,
    couplings: Mapping[Mechanism, Coupling] | None = None,
) -> Worlds:
    """The twin network of some events: one world for each, in which its causes are absent."""
    return worlds(
        factual,
        [dict.fromkeys(causes, 0) for causes, _ in events],
        effects=[effects for _, effects in events],
        couplings=couplings,
    )
