"""How much a parent moves its child: the distance between the child's distributions under different states of the parent (Koiter 2006)."""

from __future__ import annotations

import numpy as np

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor


def edge_strengths(compiled: CompiledNetwork) -> dict[tuple[int, int], float]:
    """(parent, child) -> the largest total variation distance, 0 to 1, between two states of the parent: of a noisy-MAX between its link's rows, of a table
    the mean over the other parents' states.
    """
    found = {}
    for child, factor in enumerate(compiled.factors):
        for k, parent in enumerate(factor.parents):
            if isinstance(factor, NoisyFactor):
                rows = factor.links[k][..., 0][:, np.newaxis]  # (parent's states, 1, states)
            else:
                moved = np.moveaxis(factor.table[..., 0], k, 0)
                rows = moved.reshape(
                    len(moved), -1, moved.shape[-1]
                )  # (parent's states, others', states)
            distances = 0.5 * np.abs(rows[:, np.newaxis] - rows[np.newaxis]).sum(axis=-1).mean(
                axis=-1
            )
            found[parent, child] = float(distances.max())
    return found
