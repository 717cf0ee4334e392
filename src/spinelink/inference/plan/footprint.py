"""How much a run of a plan holds at its peak for one row: the steps are followed, nothing is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spinelink.inference.plan.steps import Close, Combine, Step, SumOut, TakeTop


def held_entries(steps: Sequence[Step], *, inputs: int, sizes: Mapping[int, float]) -> float:
    """Numbers that a run, forwards and back, holds at its peak for one row.

    inputs: how many factors there are before the first step. sizes: entries of each factor. A step
    holds its result, what it is made from, and what its arithmetic needs in between. On the way back
    a table goes once its step is undone.
    """
    held = sum(sizes[k] for k in range(inputs))
    peak = held
    for step in steps:
        peak = max(peak, held + _taken(step, sizes) + _while_forwards(step, sizes))
        held += _taken(step, sizes)
    adjoint: dict[int, float] = {}
    for step in reversed(steps):
        above = adjoint.pop(step.out, sizes[step.out])
        held -= _taken(step, sizes)
        waiting = held + above + sum(adjoint.values())
        adjoint |= _adjoints(step, sizes, above=above)
        peak = max(peak, waiting + _while_backwards(step, sizes))
    return peak


def _taken(step: Step, sizes: Mapping[int, float]) -> float:
    """What a step's result takes; a view takes nothing."""
    if isinstance(step, TakeTop) or (isinstance(step, Close) and not step.diagonal):
        return 0.0
    return sizes[step.out]


def _while_forwards(step: Step, sizes: Mapping[int, float]) -> float:
    """What a step needs beside its result: along a deputy, slices of it and running sums."""
    match step:
        case Combine() if step.deputy_axes:
            return sizes[step.out] + sizes[step.a] + sizes[step.b]
        case SumOut():
            return sizes[step.source]  # on logarithms
        case _:
            return 0.0


def _while_backwards(step: Step, sizes: Mapping[int, float]) -> float:
    """What the step undone needs, the adjoints that come of it among them."""
    match step:
        case Combine():
            slices = 2.5 if step.deputy_axes else 1.0
            running = max(sizes[step.a], sizes[step.b]) if step.deputy_axes else 0.0
            spread = max(slices, 2.0) * sizes[step.out]  # the product, and its total on logarithms
            return spread + running + sizes[step.a] + sizes[step.b]
        case SumOut():
            return 2.0 * sizes[step.source]
        case TakeTop() | Close():
            return 2.0 * sizes[step.source]


def _adjoints(step: Step, sizes: Mapping[int, float], *, above: float) -> dict[int, float]:
    """What the adjoints of a step's factors take; that of a sum is a view of its result's."""
    match step:
        case Combine():
            return {step.a: sizes[step.a], step.b: sizes[step.b]}
        case SumOut():
            return {step.source: above}
        case TakeTop():
            return {step.source: sizes[step.source]}
        case Close():
            return {step.source: sizes[step.source] if step.diagonal else above}
