"""How far each parameter moves a posterior: the first-order effect of one standard deviation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Case
from spinelink.inference.gradient.by_coordinate import slopes_by_coordinates
from spinelink.inference.gradient.by_entry import derivatives
from spinelink.inference.gradient.by_parameter import Slopes, moved_by_deviation, parameter_slopes
from spinelink.inference.joint_parameters import Together


def effects_of_parameters(
    case: Case, targets: Sequence[tuple[int, int]]
) -> dict[str, NDArray[np.float64]]:
    """Change of each target's posterior when a parameter moves by its own standard deviation.

    Args:
        case: the findings under which it is asked.
        targets: (node index, state index) of each posterior.

    Returns:
        Parameter id -> absolute change, shape (targets,).
    """
    return _effects(case, _slopes(case, targets))


def parts_of_variance(
    case: Case, targets: Sequence[tuple[int, int]], *, together: Together | None = None
) -> dict[str, NDArray[np.float64]]:
    """What each parameter adds to the variance of each target's posterior, to first order.

    A parameter that varies together with others may add less than nothing: its slope times its
    covariance with what all of them do.

    Args:
        case: the findings under which it is asked.
        targets: (node index, state index) of each posterior.
        together: parameters that are not independent.

    Returns:
        Parameter id -> part, shape (targets,). Their sum is the variance.
    """
    slopes = _slopes(case, targets)
    parts = {name: effect**2 for name, effect in _effects(case, slopes).items()}
    if together is None:
        return parts
    model = case.model
    by_coordinate = np.zeros((len(together.joint), len(targets)))
    tied = {name: block for name, block in together.blocks.items() if name in slopes}
    for name, block in tied.items():
        by_coordinate[block.slice] = slopes_by_coordinates(
            model.network,
            block,
            parameter=model.in_force[name],
            value=model.values[name],
            slope=slopes[name],
        )
    of_coordinate = by_coordinate * (together.joint.covariance @ by_coordinate)
    joint = {name: of_coordinate[block.slice].sum(axis=0) for name, block in tied.items()}
    return {**parts, **joint}


def _slopes(case: Case, targets: Sequence[tuple[int, int]]) -> Slopes:
    """Derivatives of the posteriors by each parameter, (targets,) or (states, targets)."""
    model = case.model
    entries = derivatives(model.compiled, case.observed, targets=targets).factors
    slopes = parameter_slopes(model.network, model.compiled, values=model.values, entries=entries)
    return {name: slope[..., 1:] for name, slope in slopes.items()}


def _effects(case: Case, slopes: Slopes) -> dict[str, NDArray[np.float64]]:
    model = case.model
    return {
        name: moved_by_deviation(model.in_force[name], value=model.values[name], slope=slope)
        for name, slope in slopes.items()
    }
