"""How far each parameter moves a posterior: the first-order effect of one standard deviation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Case
from spinelink.inference.gradient.by_entry import derivatives
from spinelink.inference.gradient.by_parameter import moved_by_deviation, parameter_slopes


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
    model = case.model
    entries = derivatives(model.compiled, case.observed, targets=targets).factors
    slopes = parameter_slopes(model.network, model.compiled, values=model.values, entries=entries)
    return {
        name: moved_by_deviation(
            model.in_force[name], value=model.values[name], slope=slope[..., 1:]
        )
        for name, slope in slopes.items()
    }
