"""Parameters moved to where they agree best with published figures and with their own uncertainty.

A maximum a posteriori estimate; `claim_objective` says what is minimised. Steps are Gauss-Newton
with Levenberg's damping and the exact derivatives of the engine's backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.change import (
    ParameterChange,
    changes_between,
    deviations_in_probability,
)
from spinelink.adjust.claim_fit import ClaimFit, FittedClaim
from spinelink.adjust.claim_objective import FITTED, Evaluation, Objective, claim_objective
from spinelink.adjust.coordinates import rounded_for_file
from spinelink.adjust.vary import Vary
from spinelink.case import Model
from spinelink.claims.file import claims_for
from spinelink.errors import SpinelinkError
from spinelink.network.claim import Claim, Fit
from spinelink.options import whole
from spinelink.progress import bar
from spinelink.typing import PathLike

Array = NDArray[np.float64]
OnProgress = Callable[[int, float], object] | None

LARGEST_STEP = 1.0
"""In log odds or log ratio."""
LEAST_MOVE = 0.1
"""A parameter that would move fewer of its standard deviations is left alone."""
SMALLEST_GAIN = 1e-2
"""A step that gains less of what is minimised ends the search."""
TRIALS = 8
"""Dampings that are tried before the search ends."""


def fit_claims(
    model: Model,
    claims: PathLike | None = None,
    *,
    vary: str | Sequence[str] | None = None,
    limit: int = 25,
    progress: bool | None = None,
) -> ClaimFit:
    """The parameters that agree best with published figures and with their own uncertainty.

    Args:
        model: the network.
        claims: a file of claims; the one beside the network file where None.
        vary: ids of parameters, or nodes, that may move; all where None.
        limit: the most steps.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        The fit; `model.fitted(fit)` is the fitted model. On Ctrl-C the best so far.

    Raises:
        UnknownNameError: `vary` names something that the network does not have.
        SpinelinkError: there are no claims, or a claim asks for people who cannot occur.
        NetworkFileError: the file of claims is bad.

    Example:
        >>> import spinelink as sl
        >>> model = sl.load("minimal")
        >>> fit = model.fit_claims(limit=1)
        >>> model.fitted(fit).name
        'minimal'
    """
    limit = whole(limit, "limit", least=1, meaning="the most steps")
    published = claims_for(model, claims).claims
    with bar("fit to claims", limit, progress) as on_progress:
        return fit_to_claims(
            model,
            published,
            vary=vary,
            limit=limit,
            on_progress=lambda step, value: on_progress(step),
        )


def fit_to_claims(
    model: Model,
    claims: Mapping[str, Claim],
    *,
    vary: Vary = None,
    fits: Sequence[Fit] = FITTED,
    leave_out: Collection[str] = (),
    limit: int = 25,
    on_progress: OnProgress = None,
) -> ClaimFit:
    """The most probable parameters under their own uncertainties and the claims'.

    Args:
        model: the network; each claim is asked in its own setting.
        claims: by name.
        vary: ids of parameters, or nodes, that may move; all where None.
        fits: claims that fit the study otherwise are reported and do not pull.
        leave_out: names of claims that do not pull either.
        limit: the most steps.
        on_progress: called after each step with its number and what is minimised.

    Returns:
        The fit. On Ctrl-C the best so far, as not complete.

    Raises:
        UnknownNameError: `vary` names something that the network does not have.
        SpinelinkError: there is no claim, or one asks for people who cannot occur.
    """
    if not claims:
        raise SpinelinkError("there is no claim to fit to")
    limit = whole(limit, "limit", least=1, meaning="the most steps")
    objective = claim_objective(model, claims, vary=vary, fits=fits, leave_out=leave_out)
    theta, trace, complete = _minimise(objective, limit, on_progress=on_progress)
    theta, moved = _without_small_moves(objective, theta)
    return ClaimFit(
        model.question(claims=len(claims), fits=tuple(fits)),
        objective.coordinates.network_at(theta, rounded_for_file),
        tuple(moved),
        _fitted_claims(objective, theta),
        len(trace) - 1,
        complete,
        tuple(trace),
    )


def _minimise(
    objective: Objective, limit: int, *, on_progress: OnProgress
) -> tuple[Array, list[float], bool]:
    """The coordinates reached, what is minimised after each step, and whether the search ended."""
    theta = objective.start.copy()
    current = objective.evaluate(theta)
    trace = [current.value]
    damping, complete = 1e-3, False
    try:
        while len(trace) <= limit and not complete:
            step, trial, damping = _damped_step(objective, theta, current=current, damping=damping)
            if not trial.value < current.value:  # NaN too
                return theta, trace, True
            complete = current.value - trial.value < SMALLEST_GAIN
            theta, current = theta + step, trial
            trace.append(current.value)
            if on_progress is not None:
                on_progress(len(trace) - 1, current.value)
    except KeyboardInterrupt:
        complete = False
    return theta, trace, complete


def _damped_step(
    objective: Objective, theta: Array, *, current: Evaluation, damping: float
) -> tuple[Array, Evaluation, float]:
    """The first step that gains, more damped each time; where it ends; the next step's damping."""
    gradient, curvature = objective.slopes(theta, current)
    for _ in range(TRIALS):
        damped = curvature + damping * np.diag(np.diag(curvature))
        step: Array = np.clip(-np.linalg.solve(damped, gradient), -LARGEST_STEP, LARGEST_STEP)
        trial = objective.evaluate(theta + step)
        if trial.value < current.value:
            break
        damping *= 8.0
    return step, trial, max(damping / 4.0, 1e-7)


def _without_small_moves(objective: Objective, theta: Array) -> tuple[Array, list[ParameterChange]]:
    """Coordinates with parameters that hardly moved put back, and the changes of the others."""
    theta = theta.copy()
    moved: list[ParameterChange] = []
    for block in objective.coordinates.blocks:
        old = objective.coordinates.parameters[block.key]
        new = objective.coordinates.parameter_at(theta, block)
        changes = changes_between(
            old,
            new,
            key=block.key,
            states=block.states or None,
            measure=deviations_in_probability,
        )
        if max(abs(c.deviations) for c in changes) < LEAST_MOVE:
            theta[block.slice] = objective.start[block.slice]
        else:
            moved += changes
    return theta, moved


def _fitted_claims(objective: Objective, theta: Array) -> tuple[FittedClaim, ...]:
    before = objective.evaluate(objective.start).scaled
    after = objective.evaluate(theta).scaled
    errors_before, errors_after = (
        (scaled - objective.published) / objective.published_error for scaled in (before, after)
    )
    return tuple(
        FittedClaim(
            name,
            claim,
            _unscaled(claim, before[k]),
            _unscaled(claim, after[k]),
            errors_before[k],
            errors_after[k],
        )
        for k, (name, claim) in enumerate(objective.claims.items())
    )


def _unscaled(claim: Claim, scaled: float) -> float:
    return float(np.exp(scaled)) if claim.is_ratio else float(1.0 / (1.0 + np.exp(-scaled)))
