"""Where, along one parameter, the target of a question changes places with another.

A posterior is a ratio of two lines in most parameters, so the crossing has a closed form. Along
parameters of log-odds nodes it has not: there the tangents' crossings are starting points of secants
on the exact gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Case
from spinelink.inference.gradient.linear_fractional import (
    LinearFractional,
    ParameterRef,
    admissible_range,
    marginals_under,
)

Array = NDArray[np.float64]

STEPS = 6
"""Secant steps towards a crossing along a nonlinear parameter."""
LEVEL = 1e-9
"""Posteriors that differ by less are level."""
REACHED = 1e-6
"""After the last step a gap up to this still counts as level."""


class Place(NamedTuple):
    """Whose probability is meant: a state of a node, or, where not `own`, all its other states."""

    node: int
    state: int
    own: bool


class Swap(NamedTuple):
    """A value at which the target is level with a rival, by number; NaN and -1 where there is none."""

    value: float
    rival: int


NO_SWAP = Swap(float("nan"), -1)


def places_of(case: Case, target: str, *, state: str | None) -> tuple[Place, dict[str, Place]]:
    """The place of the target, and those with which it may change places, by name."""
    model = case.model
    index, states = model.compiled.index, model.nodes[target].states
    node = index[target]
    if state is not None:
        own = states.index(state)
        return Place(node, own, True), {
            s: Place(node, k, True) for k, s in enumerate(states) if k != own
        }
    ranked = model.network.ranked
    if target in ranked:
        others = [n for n in ranked if n != target and not case.is_observed(n)]
        return Place(node, 0, False), {n: Place(index[n], 0, False) for n in others}
    return Place(node, 0, False), {states[0]: Place(node, 0, True)}


@dataclass(frozen=True)
class ExactPosteriors:
    """Posteriors of a case under other values of a few parameters, all rows in one batched run."""

    case: Case
    target: Place

    def of_target(self, settings: Sequence[Mapping[ParameterRef, float]]) -> Array:
        """The target's posterior under each assignment of parameters, (settings,)."""
        return np.asarray(self.of([self.target], settings)[0])

    def of(
        self, places: Sequence[Place], settings: Sequence[Mapping[ParameterRef, float]]
    ) -> Array:
        """The posterior of each place, (places, settings)."""
        model = self.case.model
        nodes = list(dict.fromkeys(p.node for p in places))
        posterior = marginals_under(
            model.network,
            model.compiled,
            values=model.values,
            observed=self.case.observed,
            nodes=nodes,
            assignments=settings,
        ).posterior
        return np.array(
            [
                posterior[n][s] if own else np.delete(posterior[n], s, axis=0).sum(axis=0)
                for n, s, own in places
            ]
        )


def find_swaps(
    tangents: LinearFractional, exact: ExactPosteriors, *, rivals: Sequence[Place]
) -> list[tuple[Swap, Swap]]:
    """The nearest swaps below and above the estimate of each parameter.

    tangents: for the target first, then for each rival.
    """
    in_force = exact.case.model.in_force
    ranges = [admissible_range(in_force[n.id]) for n in tangents.refs]
    swaps = [
        [_nearest(tangents, k, side=side, bounds=bounds) for side in (-1, 1)]
        for k, bounds in enumerate(ranges)
    ]
    starts = [
        _Secant(k, side, tangents.refs[k], ranges[k], float(tangents.estimates[k]), swap)
        for k in np.flatnonzero(tangents.nonlinear).tolist()
        for side, swap in enumerate(swaps[k])
        if swap.rival >= 0
    ]
    gaps = tangents.posteriors[0] - tangents.posteriors[1:]
    for secant, swap in _follow(starts, gaps, exact=exact, rivals=rivals):
        swaps[secant.row][secant.side] = swap
    return [(below, above) for below, above in swaps]


def _nearest(tangents: LinearFractional, k: int, *, side: int, bounds: tuple[float, float]) -> Swap:
    """The nearest value on one side at which the target and a rival are level."""
    gap = tangents.posteriors[0] - tangents.posteriors[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = -gap / (tangents.targets[k, 0] - tangents.targets[k, 1:])
    t = tangents.estimates[k] + shift
    inside = np.isfinite(shift) & (np.sign(shift) == side) & (t >= bounds[0]) & (t <= bounds[1])
    if not inside.any():
        return NO_SWAP
    rival = int(np.argmin(np.where(inside, np.abs(shift), np.inf)))
    return Swap(float(t[rival]), rival)


class _Secant(NamedTuple):
    """One search: its row and side, the parameter, its range and estimate, and where it starts."""

    row: int
    side: int
    ref: ParameterRef
    bounds: tuple[float, float]
    estimate: float
    start: Swap


def _follow(
    secants: Sequence[_Secant], gaps: Array, *, exact: ExactPosteriors, rivals: Sequence[Place]
) -> list[tuple[_Secant, Swap]]:
    """The exact crossings, all secants stepping together. gaps: at the estimates, (rivals,)."""
    places = [exact.target, *rivals]
    searching = [(s, s.estimate, float(gaps[s.start.rival]), s.start.value) for s in secants]
    swaps: list[tuple[_Secant, Swap]] = []
    for step in range(STEPS):
        if not searching:
            break
        answers = exact.of(places, [{s.ref: t} for s, _, _, t in searching])
        still = []
        for column, (s, before, gap_before, t) in enumerate(searching):
            gap = float(answers[0, column] - answers[1 + s.start.rival, column])
            if abs(gap) < LEVEL:
                swaps.append((s, Swap(t, s.start.rival)))
                continue
            slope = (t - before) / (gap - gap_before) if gap != gap_before else float("nan")
            after = t - slope * gap
            low, high = s.bounds
            if not low <= after <= high or (after - s.estimate) * (t - s.estimate) <= 0.0:
                swaps.append((s, NO_SWAP))  # the curve bends away: no crossing in reach
            elif step == STEPS - 1:
                reached = Swap(after, s.start.rival) if abs(gap) <= REACHED else NO_SWAP
                swaps.append((s, reached))
            else:
                still.append((s, t, gap, after))
        searching = still
    return swaps
