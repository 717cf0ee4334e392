"""The full table of one node given its parents, whatever form its factor has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import Factor, TableFactor
from spinelink.inference.interpreted.semiring import LINEAR, combine

Array = NDArray[np.float64]


def full_table(factor: Factor) -> Array:
    """P(node | parents), (parents..., states). No subtraction, so rare entries keep digits."""
    if isinstance(factor, TableFactor):
        return factor.table[..., 0]
    table = factor.leak  # (parents..., states, batch)
    for link in factor.links:
        aligned = link.reshape(*(1,) * (table.ndim - 2), *link.shape)
        table = combine(LINEAR, table[..., np.newaxis, :, :], aligned, (table.ndim - 1,))
    return table[..., 0]
