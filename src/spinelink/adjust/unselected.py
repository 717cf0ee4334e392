"""The people whom a clinic did not see: what learning from selected patients must add.

Patients of a clinic are a truncated sample. Expectation maximisation then completes the data with the
people who were not selected (Dempster, Laird and Rubin 1977, section 4.2). For N patients they number
N (1 - p) / p, where p = P(selected). They fall into a few groups: those of whom a reason was drawn
that did not hold, one group for each parent of the selection.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answer import batch_marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import HIDDEN, EvidenceBatch
from spinelink.inference.gradient.counts import TrainingRows

Array = NDArray[np.float64]


def unselected(compiled: CompiledNetwork, patients: float) -> tuple[TrainingRows, float]:
    """The people who were not selected when so many patients were.

    Args:
        compiled: The network, with one value for each parameter.
        patients: How many were selected.

    Returns:
        One row for each group with its expected number, and log P(selected).
    """
    cases = []
    before: dict[int, int] = {}
    for name in compiled.selected_by:
        root = compiled.index[name]
        fits = [i for i in compiled.selected if compiled.factors[i].parents[0] == root]
        cases += [{**before, i: 0} for i in fits]
        before |= dict.fromkeys(fits, 1)
    states = np.full((len(cases) + 1, len(compiled.names)), HIDDEN, dtype=np.int64)
    for row, case in enumerate([*cases, dict(compiled.selected)]):
        for node, state in case.items():
            states[row, node] = state
    logs = batch_marginals(compiled, EvidenceBatch(states), nodes=[]).log_evidence
    weights = patients * np.exp(logs[:-1] - logs[-1])
    return TrainingRows(EvidenceBatch(states[:-1]), weights), float(logs[-1])
