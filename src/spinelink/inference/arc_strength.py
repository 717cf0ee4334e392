"""How much a parent moves its child (Koiter 2006): a distance between the child's distributions."""

from __future__ import annotations

import numpy as np

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor


def edge_strengths(compiled: CompiledNetwork) -> dict[tuple[int, int], float]:
    """(parent, child) to the strength of the edge, 0 to 1.

    It is the largest total variation distance between two states of the parent: for a noisy-MAX
    between the rows of its link, for a table the mean over the other parents' states.
    """
    strengths = {}
    for child, factor in enumerate(compiled.factors):
        for k, parent in enumerate(factor.parents):
            if isinstance(factor, NoisyFactor):
                rows = factor.links[k][..., 0][:, np.newaxis]  # (parent's states, 1, states)
            else:
                table = np.moveaxis(factor.table[..., 0], k, 0)
                rows = table.reshape(len(table), -1, table.shape[-1])  # (..., others', states)
            differences = np.abs(rows[:, np.newaxis] - rows[np.newaxis])
            distances = 0.5 * differences.sum(axis=-1).mean(axis=-1)
            strengths[parent, child] = float(distances.max())
    return strengths
