"""A tuning from its constraints to its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.change import ParameterChange, changes_between, deviations_in_log_odds
from spinelink.adjust.coordinates import rounded_for_file, with_changed
from spinelink.adjust.tune.constraints import CLOSE
from spinelink.adjust.tune.problem import LEAST, MINIMISE, Minimise, Problem, pose
from spinelink.adjust.tune.result import ConstraintOutcome, SingleChange, Tuning
from spinelink.adjust.tune.shortest import shortest_change
from spinelink.adjust.tune.single import single_changes
from spinelink.adjust.vary import Vary
from spinelink.case import Model
from spinelink.errors import SpinelinkError, shown
from spinelink.network.constraint import Constraint
from spinelink.network.coordinates import Key
from spinelink.network.parameter import Parameter
from spinelink.options import one_of, whole

Array = NDArray[np.float64]

DIGITS = 6
"""Significant digits of a parameter as it is written."""
ROUNDING = 20.0 * 10.0 ** (1 - DIGITS)
"""What writing so many digits may cost a constraint, in log odds."""


def tune_network(
    model: Model,
    constraints: Sequence[Constraint],
    *,
    vary: Vary = None,
    minimise: Minimise = "standard_deviations",
    most: int | None = None,
    reason: str | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> Tuning:
    """The smallest change of parameters that makes the network satisfy constraints.

    Args:
        model: the network; parameters change in the setting in force.
        constraints: what should hold.
        vary: ids of parameters, or nodes, that may move; all where None.
        minimise: "standard_deviations" or "log_odds".
        most: how many parameters may change; any where None.
        reason: what their notes will say; the constraints themselves where None.
        on_progress: called with how many steps were taken, of `MOST_STEPS`.

    Returns:
        The patch, and every parameter that alone would do. Rankings of cases are not compared.

    Raises:
        UnknownNameError: a name is not known.
        SpinelinkError: there is no constraint, or what one is given cannot occur.
    """
    one_of(minimise, "minimise", MINIMISE)
    if reason is not None and not isinstance(reason, str):
        raise SpinelinkError(f"reason is a text for the notes, not {shown(reason)}.")
    if most is not None:
        meaning = "how many parameters may change (None for any)"
        most = whole(most, "most", least=1, meaning=meaning)
    problem = pose(model, constraints, vary=vary, minimise=minimise)
    single = single_changes(problem)
    theta, steps = shortest_change(problem, single, on_progress=on_progress)
    while most is not None and len(moving := problem.moving(theta)) > most:
        # Half of the parameters go at a time, those that move least, so that the right ones
        # take over what the others did.
        problem = problem.restricted(moving[: max(most, len(moving) // 2)])
        theta, more = shortest_change(problem, on_progress=on_progress)
        steps += more
    return _answer(problem, theta, single=single, steps=steps, reason=reason)


def _answer(
    problem: Problem,
    theta: Array,
    *,
    single: tuple[SingleChange, ...],
    steps: int,
    reason: str | None,
) -> Tuning:
    texts = [str(c.constraint) for c in problem.constraints]
    note = reason if reason is not None else f"Tuned so that {'; '.join(texts)}."
    changed: dict[Key, Parameter] = {}
    patch: list[ParameterChange] = []
    for block in problem.coordinates.blocks:
        if np.abs(theta[block.slice] - problem.start[block.slice]).max() > LEAST:
            old = problem.coordinates.parameters[block.key]
            new = problem.coordinates.parameter_at(theta, block)
            changed[block.key] = rounded_for_file(old, new, digits=DIGITS, reason=note)
            patch += changes_between(
                old,
                changed[block.key],
                key=block.key,
                states=block.states or None,
                measure=deviations_in_log_odds,
            )
    as_written = with_changed(problem.coordinates.network, problem.coordinates.parameters)
    network = with_changed(as_written, changed)
    outcomes = tuple(
        ConstraintOutcome(
            str(c.constraint), c.value(before), c.value(after), c.holds(after, max(CLOSE, ROUNDING))
        )
        for c, before, after in zip(
            problem.constraints,
            problem.answers(problem.start),
            problem.answers_of(network),
            strict=True,
        )
    )
    patch.sort(key=lambda c: (-abs(c.deviations), c.id, c.state or ""))
    return Tuning(
        problem.model.question(constraints=tuple(texts), minimise=problem.minimise),
        network,
        outcomes,
        tuple(patch),
        single,
        problem.distance(theta) if patch else 0.0,
        problem.minimise,
        steps,
    )
